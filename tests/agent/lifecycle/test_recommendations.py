"""In every state of a walk there is a next step; its reason names the number that falls short, its command works."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from walk import (
    ALIGNED,
    CATALOGUE,
    CLASSIFIER,
    CORPUS,
    HELPFUL,
    MINILM,
    TICKETS,
    TINY,
    TUNED,
    Numbers,
    Walk,
    candidate,
    dataset,
    difference,
)

import knowledge
from agent.lifecycle.estimates import Took
from agent.lifecycle.events import (
    AddCandidate,
    Advance,
    ChooseModel,
    FinishJob,
    SetCharter,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.project import Project, TaskKind
from agent.lifecycle.recommendations import MOST, Recommendation, recommend
from agent.lifecycle.resolve import resolve
from agent.lifecycle.stages import Stage
from agent.lifecycle.steps.integrate import DEV_ROWS
from agent.status import where
from tools.contract import DataKind, Dataset, Metric, ModelKind, Plan, Result
from tools.errors import UserFault
from tools.training.classify_abstain import FEWEST

GUIDES = {path.name for path in (Path(knowledge.__file__).parent / "guides").glob("*.md")}
SHORT = Numbers(
    score_low=0.7, win_low=0.3, regression_low=-0.2, safety_difference=-0.1, parity_low=-0.2, latency_ms=900,
    memory_mb=9000, effect_low=-0.1,
)  # fmt: skip


def first(project: Project) -> Recommendation:
    return recommend(project, catalogue=CATALOGUE)[0]


def commands(project: Project) -> list[str]:
    return [r.command for r in recommend(project, catalogue=CATALOGUE)]


def states() -> Iterator[Project]:
    """Projects after every event of walks that go well, and at the gates of one whose numbers fall short."""
    for walk in (Walk().to(Stage.LAUNCHED), Walk().classify()):
        yield from (decision.project for _, decision in walk.decisions)
    for stage in list(Stage)[2:6]:
        walk = Walk().to(stage)
        walk.numbers = SHORT
        getattr(walk, stage.value)()
        yield walk.project


STATES = list(states())


def test_in_every_state_there_is_a_next_step_that_can_be_taken() -> None:
    for project in STATES:
        steps = recommend(project, catalogue=CATALOGUE)
        assert 1 <= len(steps) <= MOST, project.stage
        for step in steps:
            assert step.title
            assert step.reason
            assert step.citation in GUIDES
            assert "\n" not in step.command
            if step.tool:
                resolve(project, CATALOGUE, step.tool, step.params)
                assert step.seconds is not None
                assert step.command.split()[0] == step.tool


def test_commands_of_a_state_differ() -> None:
    assert all(len(set(commands(p))) == len(commands(p)) for p in STATES)


def test_following_the_first_recommendation_of_a_job_never_repeats_it() -> None:
    """Once what it asks for is measured, something else comes first."""
    walk = Walk().to(Stage.ALIGN)
    walk.job("rlhf", Result(summary="a", candidate=ALIGNED), model="tuned", preferences="preferences", name="aligned")
    before = first(walk.project)
    assert before.params["data"] == "helpful"
    walk.measure(ALIGNED, TICKETS, 0.95, 0.93)
    assert first(walk.project).command == before.command


# --- scope and select --------------------------------------------------------------------------------------------


def test_scope_asks_for_data_then_the_charter() -> None:
    walk = Walk()
    walk.begin()
    assert commands(walk.project)[0] == "register data PATH as NAME"
    walk.register(TICKETS)
    assert commands(walk.project)[0] == "charter test_set=tickets"
    walk.ok(SetCharter(test_set="tickets", task=TaskKind.EXTRACTION))
    steps = recommend(walk.project)
    assert "users" in steps[0].reason
    assert "metric=exact_match" in steps[1].command


def test_entities_are_measured_by_their_f1_on_an_encoder() -> None:
    walk = Walk()
    walk.begin()
    walk.register(dataset("names", DataKind.TAGGED, {"train": 400, "dev": 50, "test": 120}))
    assert commands(walk.project)[0] == "charter test_set=names"
    walk.ok(SetCharter(test_set="names"))
    assert "task=extraction metric=entity_f1" in recommend(walk.project)[1].command
    assert "entity_f1 or exact_match" in walk.send(SetCharter(metric="token_f1")).said
    walk.charter(TaskKind.EXTRACTION, "entity_f1", "names")
    walk.leave()
    assert commands(walk.project)[0] == "add model minilm"
    walk.ok(AddCandidate(candidate=MINILM))
    walk.ok(ChooseModel(model="minilm", reason="small"))
    names = walk.project.datasets["names"]
    walk.measure(MINILM, names, 0.2, 0.1)
    walk.leave()
    step = first(walk.project)
    assert (step.tool, "per_class" in step.params) == ("finetune", False)  # an encoder is not prompted
    assert "entity_f1 0.200 [0.100, " in step.reason
    tagger = candidate("ner", "lora", MINILM, kind=ModelKind.TAGGER)
    walk.job("finetune", Result(summary="t", candidate=tagger), model="minilm", data="names", name="ner")
    walk.measure(tagger, names, 0.96, 0.93)
    walk.leave()
    assert walk.project.stage is Stage.ALIGN
    assert first(walk.project).command.startswith("skip align because")


def test_an_open_gate_is_left_and_a_waiting_approval_answered() -> None:
    walk = Walk().to(Stage.SCOPE, work=True)
    assert commands(walk.project) == ["advance"]
    walk.ok(Advance())
    assert commands(walk.project) == [f"approve {walk.seq}"]


def test_a_stale_approval_is_asked_for_again() -> None:
    walk = Walk().to(Stage.SCOPE, work=True)
    walk.ok(Advance())
    walk.ok(SetCharter(target=0.8))
    assert commands(walk.project) == ["advance"]
    assert "`advance` asks again" in where(walk.project)


def test_without_a_corpus_an_existing_model_is_first() -> None:
    assert commands(Walk().classify(Stage.SELECT).project)[0] == "add model minilm"
    assert commands(Walk().to(Stage.SELECT).project)[0] == "pretrain data=corpus name=tiny"
    assert "select folder=PATH" in commands(Walk().to(Stage.SELECT).project)


def test_a_candidate_is_measured_and_then_chosen_for_its_number() -> None:
    walk = Walk().to(Stage.SELECT)
    walk.job("pretrain", Result(summary="x", candidate=TINY), data="corpus", name="tiny")
    assert commands(walk.project)[0] == "evaluate model=tiny data=tickets split=test"
    walk.measure(TINY, TICKETS, 0.118, 0.09)
    step = first(walk.project)
    assert step.command.startswith("choose model tiny because its exact_match of 0.118")
    assert step.evidence == (f"e{walk.seq}",)


# --- assess ------------------------------------------------------------------------------------------------------


def test_prompting_comes_before_training_and_the_reason_names_the_number() -> None:
    step, then = recommend(Walk().to(Stage.ASSESS).project, catalogue=CATALOGUE)
    assert (step.tool, then.tool) == ("prompt", "finetune")
    assert "exact_match 0.118 [0.090, 0.146] (e25) against the target 0.9" in step.reason
    assert (step.expertise, step.effort) == ("low", "low")
    assert "can be done in a day" in then.time


def test_after_prompting_fell_short_comes_lora_and_the_best_prompt_is_named() -> None:
    walk = Walk().to(Stage.ASSESS)
    best = (Metric(name="exact_match", value=0.14, low=0.11, high=0.17, split="dev"),)
    walk.job("prompt", Result(summary="p", metrics=best, split="dev"), model="current", data="tickets")
    step = first(walk.project)
    assert step.tool == "finetune"
    assert f"the best prompt reaches 0.140 [0.110, 0.170] (e{walk.seq})" in step.reason


def test_prompting_that_was_skipped_is_not_recommended() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.ok(SkipTechnique(what="prompting", reason="the tiny model does not read examples"))
    assert first(walk.project).tool == "finetune"


def test_a_tuned_model_is_measured_against_its_parent() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.job("finetune", Result(summary="t", candidate=TUNED), model="tiny", data="tickets", name="tuned")
    assert commands(walk.project) == ["evaluate model=tuned data=tickets split=test compare_to=parent"]


def test_tuning_that_falls_short_asks_for_more_of_it_then_data_then_size() -> None:
    walk = Walk().to(Stage.ASSESS)
    made = Result(summary="t", candidate=TUNED)
    walk.job("finetune", made, model="tiny", data="tickets", name="tuned", rank=4, steps=50)
    walk.measure(TUNED, TICKETS, 0.8, 0.78)
    steps = recommend(walk.project, catalogue=CATALOGUE)
    assert (steps[0].params["rank"], steps[0].params["steps"], steps[0].params["model"]) == (8, 100, "tiny")
    assert all("0.800 [0.780, 0.820]" in step.reason for step in steps)
    assert [s.command.split()[0] for s in steps] == ["finetune", "evaluate", "register", "go"]


def test_a_classifier_is_not_prompted_and_begins_with_a_few_rows_a_label() -> None:
    walk = Walk().classify(Stage.ASSESS)
    steps = recommend(walk.project, catalogue=CATALOGUE)
    assert [s.tool for s in steps] == ["finetune", "finetune"]
    assert steps[0].params["per_class"] == 20
    few, whole = steps[0].seconds, steps[1].seconds
    assert few is not None
    assert whole is not None
    assert few < whole
    walk.job("finetune", Result(summary="t", candidate=CLASSIFIER), model="minilm", data="questions", per_class=20)
    walk.measure(CLASSIFIER, walk.project.datasets["questions"], 0.7, 0.67)
    assert first(walk.project).params["per_class"] == 60


# --- align -------------------------------------------------------------------------------------------------------


def test_alignment_is_long_while_feedback_must_be_gathered() -> None:
    project = Walk().to(Stage.ALIGN).project
    without = {n: d for n, d in project.datasets.items() if n != "preferences"}
    steps = recommend(project.model_copy(update={"datasets": without}), catalogue=CATALOGUE)
    assert [s.command.split(" because")[0] for s in steps] == ["register data PATH as preferences", "skip align"]
    assert "30 hours" in steps[0].reason
    assert steps[0].seconds is None
    assert "plus the collecting" in steps[0].time


def test_alignment_is_quick_with_preferences_in_hand() -> None:
    grpo, dpo = recommend(Walk().to(Stage.ALIGN).project, catalogue=CATALOGUE)
    assert (grpo.params["method"], dpo.params["method"]) == ("grpo", "dpo")
    assert "480 preference pairs" in grpo.reason
    assert grpo.seconds is not None
    assert grpo.seconds < 120


def test_what_alignment_did_is_measured_on_all_three_counts() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.job("rlhf", Result(summary="a", candidate=ALIGNED), model="tuned", preferences="preferences", name="aligned")
    assert [(s.params["data"], s.params["compare_to"]) for s in recommend(walk.project)] == [
        ("helpful", "tuned"), ("tickets", "tuned"), ("safety", "tuned"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("short", "beta", "named"),
    [({"win_low": 0.4}, 0.025, "win rate 0.480"), ({"regression_low": -0.2}, 0.1, "-0.185 [-0.200, -0.170]"),
     ({"safety_difference": -0.1}, 0.1, "safety prompts")],
)  # fmt: skip
def test_a_regression_shortens_the_leash_and_a_low_win_rate_lengthens_it(
    short: dict[str, float], beta: float, named: str
) -> None:
    walk = Walk(numbers=replace(Numbers(), **short)).to(Stage.ALIGN, work=True)
    again, other = recommend(walk.project, catalogue=CATALOGUE)
    assert again.params["beta"] == beta
    assert again.params["model"] == "tuned"
    assert named in again.reason
    assert other.params["method"] == "dpo"


def test_too_few_safety_prompts_ask_for_more_prompts_not_for_another_training() -> None:
    walk = Walk(numbers=replace(Numbers(), safety_prompts=20)).to(Stage.ALIGN, work=True)
    assert commands(walk.project) == ["register data PATH as safety"]


def test_a_missing_checklist_is_asked_for() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.job("rlhf", Result(summary="a", candidate=ALIGNED), model="tuned", preferences="preferences", name="aligned")
    without = {n: d for n, d in walk.project.datasets.items() if n != HELPFUL.name}
    project = walk.project.model_copy(update={"datasets": without})
    assert commands(project)[0] == "register data PATH as helpfulness"


def test_a_classifier_goes_without_alignment() -> None:
    assert commands(Walk().classify(Stage.ALIGN).project) == [
        "skip align because a label has no tone: there is no behaviour to prefer"
    ]


# --- deploy, integrate, launched ---------------------------------------------------------------------------------


def test_deploy_goes_from_quantizing_over_parity_to_serving() -> None:
    walk = Walk().to(Stage.DEPLOY)
    assert first(walk.project).tool == "quantize"
    walk.deploy()
    wanted = [
        "evaluate model=aligned-int8 data=tickets split=test compare_to=aligned",
        "serve model=aligned-int8 data=tickets",
    ]
    without = walk.project.model_copy(update={"evidence": walk.project.evidence[:-2]})
    assert commands(without) == wanted


def test_failed_parity_leads_back_to_the_parent() -> None:
    walk = Walk(numbers=replace(Numbers(), parity_low=-0.2)).to(Stage.DEPLOY, work=True)
    assert [c.split(" because")[0] for c in commands(walk.project)] == ["choose model aligned", "skip quantize"]


def test_a_limit_that_is_passed_is_named_with_its_number() -> None:
    walk = Walk(numbers=replace(Numbers(), memory_mb=9000)).to(Stage.DEPLOY, work=True)
    step = first(walk.project)
    assert "9000.0 MB" in step.reason
    assert "at most 1500 MB" in step.reason


def test_without_an_endpoint_serving_comes_before_augmenting() -> None:
    walk = Walk().to(Stage.INTEGRATE)
    service = walk.project.service()
    assert service is not None
    walk.ok(FinishJob(job=service.id, attempt=1, outcome="stopped"), actor="odyssey")
    assert commands(walk.project) == ["serve model=aligned-int8 data=tickets", "report model=aligned-int8"]


def test_a_live_model_that_regressed_leads_back() -> None:
    walk = Walk().to(Stage.LAUNCHED)
    assert first(walk.project).tool == "evaluate"
    walk.measure(ALIGNED.model_copy(update={"name": "aligned-int8"}), TICKETS, 0.7, 0.66)
    step = first(walk.project)
    assert step.command.startswith("go back to assess because exact_match 0.700")


# --- work in hand ------------------------------------------------------------------------------------------------


def test_what_runs_is_waited_for_and_not_started_again() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.ok(StartJob(tool="prompt", params={"model": "tiny", "data": "tickets"}))
    steps = recommend(walk.project, catalogue=CATALOGUE)
    assert steps[0].command == f"wait j{walk.seq}"
    assert "prompt" not in {s.tool for s in steps}


def test_what_crashed_is_resumed() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.ok(StartJob(tool="finetune", params={"model": "tiny", "data": "tickets"}))
    job = f"j{walk.seq}"
    walk.ok(FinishJob(job=job, attempt=1, outcome="crashed", error="killed"), actor="odyssey")
    assert commands(walk.project)[0] == f"resume {job}"


def test_own_jobs_correct_the_time() -> None:
    project = Walk().to(Stage.ASSESS).project
    plain = recommend(project, history=(), catalogue=CATALOGUE)[0].seconds
    slow = recommend(project, history=(Took(tool="prompt", seconds=30, planned=10),), catalogue=CATALOGUE)[0].seconds
    assert plain is not None
    assert slow == pytest.approx(3 * plain)


# --- retrieval ---------------------------------------------------------------------------------------------------


def retrieving() -> Walk:
    walk = Walk()
    walk.begin("finds the answer to a question")
    walk.register(TICKETS, CORPUS)
    walk.charter(TaskKind.RETRIEVAL, "recall@1", "tickets")
    return walk


def test_a_project_that_finds_texts_takes_an_encoder_and_trains_it() -> None:
    walk = Walk()
    walk.begin("finds the answer to a question")
    walk.register(TICKETS)
    walk.ok(SetCharter(test_set="tickets", task=TaskKind.RETRIEVAL))
    assert any("metric=recall@1" in command for command in commands(walk.project))
    walk = retrieving()
    walk.leave()
    assert commands(walk.project)[0] == "add model minilm"
    assert not any(command.startswith("pretrain") for command in commands(walk.project))
    walk.ok(AddCandidate(candidate=MINILM))
    walk.ok(ChooseModel(model="minilm", reason="it reads English well"))
    walk.measure(MINILM, TICKETS, 0.4, 0.35)
    walk.leave()
    assert commands(walk.project)[0] == "finetune model=minilm data=tickets name=minilm-lora"


FINDER_INT8 = candidate("minilm-int8", "int8", MINILM, kind=ModelKind.ENCODER, bytes=23_700_000)


def found_well(data: Dataset = TICKETS) -> Walk:
    """As far as deployment, with an encoder that finds nearly everything."""
    walk = Walk()
    walk.begin("finds the answer to a question")
    walk.register(data)
    walk.charter(TaskKind.RETRIEVAL, "recall@1", data.name)
    walk.leave()
    walk.ok(AddCandidate(candidate=MINILM))
    walk.ok(ChooseModel(model="minilm", reason="it reads English well"))
    walk.measure(MINILM, data, 0.99, 0.98)
    walk.leave()
    walk.leave()
    return walk


def test_an_encoder_is_quantized_compared_and_served() -> None:
    walk = found_well()
    assert commands(walk.project) == ["skip align because a vector has no tone: there is no behaviour to prefer"]
    walk.ok(SkipTechnique(what="align", reason="a vector has no tone"))
    walk.leave()
    assert commands(walk.project) == ["quantize model=minilm data=tickets name=minilm-int8"]
    walk.job("quantize", Result(summary="small", candidate=FINDER_INT8), model="minilm", name="minilm-int8")
    assert commands(walk.project) == [
        "evaluate model=minilm-int8 data=tickets split=test compare_to=minilm",
        "serve model=minilm-int8 data=tickets",
    ]


def test_what_gives_vectors_is_not_asked_for_shorter_answers() -> None:
    walk = found_well()
    walk.ok(SkipTechnique(what="align", reason="a vector has no tone"))
    walk.leave()
    walk.numbers = replace(Numbers(), latency_ms=900)
    walk.deploy(MINILM, FINDER_INT8, TICKETS)
    assert commands(walk.project)[0] == "serve model=minilm-int8 data=tickets"
    assert first(walk.project).title == "Measure again on a quiet machine"


def test_what_lies_beside_weights_is_neither_aligned_nor_quantized() -> None:
    walk = Walk().to(Stage.ASSESS)
    prefixed = candidate("prefixed", "prefix_tuning", TINY)
    walk.job("finetune", Result(summary="learnt", candidate=prefixed), model="tiny", data="tickets", name="prefixed")
    walk.measure(prefixed, TICKETS, 0.99, 0.98)
    walk.leave()
    assert walk.project.stage is Stage.ALIGN
    otherwise = "go back to assess because the prefix of prefixed would be lost"
    assert commands(walk.project) == ["skip align because the prefix would be lost", otherwise]
    walk.ok(SkipTechnique(what="align", reason="the prefix would be lost"))
    walk.leave()
    assert commands(walk.project) == ["skip quantize because the prefix would be lost", otherwise]
    walk.ok(SkipTechnique(what="quantize", reason="the prefix would be lost"))
    assert commands(walk.project) == ["serve model=prefixed data=tickets"]


def abstained(walk: Walk, coverage: float) -> None:
    nothing = difference("recall@1", FINDER_INT8, 0.0, 0.0, 400)
    result = Result(summary="no better", split="test", comparisons=(nothing,))
    walk.job("augment", result, model="current", data="tickets", kind="abstain", coverage=coverage)


def test_what_is_found_is_left_to_people_where_it_is_unsure_and_a_reason_does_where_that_wins_nothing() -> None:
    walk = found_well()
    walk.ok(SkipTechnique(what="align", reason="a vector has no tone"))
    walk.leave()
    walk.deploy(MINILM, FINDER_INT8, TICKETS)
    walk.leave()
    assert walk.project.stage is Stage.INTEGRATE
    first_try = "augment kind=abstain model=minilm-int8 data=tickets coverage="
    assert commands(walk.project)[0] == f"{first_try}0.9"
    abstained(walk, 0.9)
    reason = "abstaining came to recall@1 +0.000 [+0.000, +0.000]"
    assert commands(walk.project)[:2] == [f"{first_try}0.8", f"waive effect because {reason}"]
    abstained(walk, 0.8)
    assert commands(walk.project)[0] == f"waive effect because {reason}"
    walk.ok(Waive(requirement="effect", reason=reason))
    walk.card()
    walk.leave()
    assert walk.project.stage is Stage.LAUNCHED


def test_with_too_few_rows_for_a_threshold_a_reason_does_at_once() -> None:
    few = dataset("few", DataKind.TASK, {"train": 200, "dev": DEV_ROWS - 1, "test": 400})
    walk = found_well(few)
    walk.ok(SkipTechnique(what="align", reason="a vector has no tone"))
    walk.leave()
    walk.deploy(MINILM, FINDER_INT8, few)
    walk.leave()
    step = first(walk.project)
    assert step.command == "waive effect because few has 29 development rows, and a threshold needs at least 30"
    assert DEV_ROWS == FEWEST


def test_a_step_whose_plan_is_refused_is_still_named() -> None:
    def refuses(params: object, inputs: object) -> Plan:
        raise UserFault("There is no GPU.")

    catalogue = {name: replace(tool, plan=refuses) for name, tool in CATALOGUE.items()}
    project = Walk().to(Stage.ASSESS).project
    assert [r.command for r in recommend(project, catalogue=catalogue)] == commands(project)
