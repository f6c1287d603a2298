"""What a job's end does, once; and cancelling and resuming."""

import pytest
from walk import INT8, TICKETS, TUNED, Walk, candidate

from agent.lifecycle.events import SYSTEM, CancelJob, FinishJob, ResumeJob, StartJob
from agent.lifecycle.project import JobPhase
from agent.lifecycle.stages import Stage
from tools.contract import Metric, ModelKind, Result
from tools.finetune.spec import FinetuneParameters


def started() -> tuple[Walk, str]:
    walk = Walk().to(Stage.ASSESS)
    walk.ok(StartJob(tool="finetune", params={"model": "tiny", "data": "tickets", "name": "tuned"}), actor="cai")
    return walk, f"j{walk.seq}"


def end(job: str, outcome: str, result: Result | None = None, attempt: int = 1) -> FinishJob:
    return FinishJob(job=job, attempt=attempt, outcome=outcome, result=result, seconds=3, error="out of memory")


def test_starting_names_the_job_by_its_event_and_submits_a_complete_spec() -> None:
    walk, job = started()
    effect = walk.decisions[-1][1].effects[0]
    assert (effect.kind, effect.job) == ("submit_job", job)
    assert effect.spec is not None
    assert effect.spec.inputs.models["model"].name == "tiny"
    assert effect.spec.inputs.data["data"].digest == TICKETS.digest
    assert effect.spec.params["rank"] == FinetuneParameters.model_fields["rank"].default


def test_the_end_is_taken_once() -> None:
    walk, job = started()
    walk.ok(end(job, "succeeded", Result(summary="done", candidate=TUNED)), actor=SYSTEM)
    once = walk.project
    said = walk.ok(end(job, "succeeded", Result(summary="done", candidate=TUNED)), actor=SYSTEM).said
    assert "not news" in said
    assert walk.project == once.model_copy(update={"seq": walk.seq})
    assert (once.current, once.candidates["tuned"].job) == ("tuned", job)


@pytest.mark.parametrize("second", ["ready", "succeeded"])
def test_a_service_is_harvested_once(second: str) -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    service = walk.project.service()
    assert service is not None
    count = len(walk.project.evidence)
    walk.ok(FinishJob(job=service.id, attempt=1, outcome=second, result=Result(summary="again")), actor=SYSTEM)
    assert len(walk.project.evidence) == count


def test_a_service_that_stops_answers_no_more() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    service = walk.project.service()
    assert service is not None
    walk.ok(FinishJob(job=service.id, attempt=1, outcome="stopped"), actor=SYSTEM)
    assert walk.project.service() is None
    assert walk.project.jobs[service.id].phase is JobPhase.STOPPED


@pytest.mark.parametrize("outcome", ["failed", "crashed", "lost", "cancelled"])
def test_an_end_without_success_leaves_nothing_but_the_reason(outcome: str) -> None:
    walk, job = started()
    before = walk.project
    decision = walk.ok(end(job, outcome, Result(summary="half", candidate=TUNED)), actor=SYSTEM)
    assert walk.project.candidates == before.candidates
    assert walk.project.evidence == before.evidence
    assert walk.project.jobs[job].phase == outcome
    assert outcome in decision.said


def test_resuming_is_another_attempt_and_the_first_ones_end_is_old() -> None:
    walk, job = started()
    walk.ok(end(job, "crashed"), actor=SYSTEM)
    decision = walk.ok(ResumeJob(job=job), actor="cai")
    assert (decision.effects[0].kind, decision.effects[0].attempt) == ("resume_job", 2)
    walk.ok(end(job, "failed"), actor=SYSTEM)
    assert walk.project.jobs[job].phase is JobPhase.ACTIVE
    walk.ok(end(job, "succeeded", Result(summary="done", candidate=TUNED), attempt=2), actor=SYSTEM)
    assert walk.project.jobs[job].phase is JobPhase.SUCCEEDED


def test_what_runs_or_has_succeeded_is_not_resumed() -> None:
    walk, job = started()
    assert not walk.send(ResumeJob(job=job), actor="cai").accepted
    walk.ok(end(job, "succeeded", Result(summary="done", candidate=TUNED)), actor=SYSTEM)
    assert not walk.send(ResumeJob(job=job), actor="cai").accepted
    assert not walk.send(CancelJob(job=job), actor="cai").accepted


def test_cancelling_asks_the_attempt_that_runs() -> None:
    walk, job = started()
    walk.ok(end(job, "lost"), actor=SYSTEM)
    walk.ok(ResumeJob(job=job.removeprefix("j")), actor="cai")
    effect = walk.ok(CancelJob(job=job), actor="cai").effects[0]
    assert (effect.kind, effect.job, effect.attempt) == ("cancel_job", job, 2)


def test_an_unknown_job_is_said() -> None:
    walk, job = started()
    assert f"active: {job}" in walk.send(CancelJob(job="j999"), actor="cai").said
    assert "not news" in walk.ok(end("j999", "succeeded", Result(summary="?")), actor=SYSTEM).said


def test_a_model_of_a_taken_name_gets_a_number_and_lineage_holds() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    again = candidate("tuned", "lora", TUNED).model_copy(update={"digest": "sha256:other"})
    walk.job("finetune", Result(summary="again", candidate=again), model="tuned", data="tickets", name="tuned")
    assert walk.project.candidates["tuned"].digest == TUNED.digest
    assert walk.project.candidates["tuned-2"].digest == "sha256:other"
    assert walk.project.current == "tuned-2"
    assert walk.project.evidence[-1].model == "tuned-2"


def test_a_reward_model_does_not_become_the_product() -> None:
    walk = Walk().to(Stage.ALIGN)
    scorer = candidate("scorer", "reward", TUNED, kind=ModelKind.REWARD)
    walk.job("rlhf", Result(summary="scorer", candidate=scorer), model="tuned", preferences="preferences")
    assert walk.project.current == "tuned"
    assert "scorer" in walk.project.candidates


def test_two_jobs_do_not_make_the_same_name_at_once() -> None:
    walk, job = started()
    decision = walk.send(StartJob(tool="finetune", params={"model": "tiny", "data": "tickets", "name": "tuned"}))
    assert not decision.accepted
    assert job in decision.said


def test_the_newest_service_answers() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    first = walk.project.service()
    walk.job("serve", Result(summary="again", endpoint="http://127.0.0.1:9"), outcome="ready", model=INT8.name)
    service = walk.project.service()
    assert first is not None
    assert service is not None
    assert (service.endpoint, service.id != first.id) == ("http://127.0.0.1:9", True)


# --- what comes next, told with a job's end ----------------------------------------------------------------------


def test_an_ended_job_says_what_to_try_next_from_its_number() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.job("finetune", Result(summary="t", candidate=TUNED), model="tiny", data="tickets", name="tuned", rank=4)
    job = walk.measure(TUNED, TICKETS, 0.8, 0.78)
    advice = walk.decisions[-1][1].advice
    assert advice is not None
    assert "exact_match 0.800 [0.780, 0.820]" in advice.reason and "against the target 0.9" in advice.reason
    assert advice.command.startswith("finetune") and "rank=8" in advice.command
    assert walk.project.jobs[job].advice == advice


def test_a_tuned_model_is_measured_next_for_its_development_number() -> None:
    walk = Walk().to(Stage.ASSESS)
    seen = (Metric(name="exact_match", value=0.96, low=0.93, high=0.98, split="dev"),)
    tuned = Result(summary="t", candidate=TUNED, split="dev", metrics=seen)
    job = walk.job("finetune", tuned, model="tiny", data="tickets", name="tuned")
    advice = walk.project.jobs[job].advice
    assert advice is not None and advice.command.startswith("evaluate model=tuned")
    assert f"after exact_match 0.960 [0.930, 0.980] on development rows (e{walk.seq})" in advice.reason


def test_registered_data_says_what_its_own_checks_found() -> None:
    walk = Walk().to(Stage.ASSESS)
    leaking = TICKETS.model_copy(update={"name": "tickets-v2", "digest": "sha256:2", "facts": {"leaked": 40}})
    job = walk.job("data", Result(summary="tickets-v2: registered.", dataset=leaking), path="v2.jsonl")
    advice = walk.project.jobs[job].advice
    assert advice is not None and advice.command == "data path=v2.jsonl drop_leaked=true"
    assert "tickets-v2" in advice.reason and "40 held-out rows" in advice.reason


def test_while_others_run_nothing_is_advised() -> None:
    walk, first = started()
    walk.ok(StartJob(tool="prompt", params={"model": "tiny", "data": "tickets"}), actor="cai")
    walk.ok(end(first, "succeeded", Result(summary="done", candidate=TUNED)), actor=SYSTEM)
    assert walk.project.jobs[first].advice is None


def test_a_failure_is_followed_by_what_is_about_it() -> None:
    walk, job = started()
    gone = FinishJob(job=job, attempt=1, outcome="failed", error="Training diverged at step 9.")
    assert walk.ok(gone, actor=SYSTEM).advice == walk.project.jobs[job].advice
    advice = walk.project.jobs[job].advice
    assert advice is not None and advice.title == "Train again with a lower learning rate"
    walk.ok(ResumeJob(job=job))
    assert walk.project.jobs[job].advice is None
    assert walk.ok(end(job, "failed", attempt=2), actor=SYSTEM).advice is None
    other, crashed = started()
    assert other.ok(end(crashed, "crashed"), actor=SYSTEM).advice is None
