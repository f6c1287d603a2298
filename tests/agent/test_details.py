"""One job in full: inputs by digest, plan against time, numbers, what it made, what to do about its error."""

from datetime import timedelta

import pytest

from agent.details import LINE_CHARACTERS, LOG_CHARACTERS, JobRecord, details, fenced, log
from agent.lifecycle.project import JobState, Project
from agent.lifecycle.stages import Stage
from agent.markdown import duration
from agent.price import Price
from agent.views import job_views
from tests.agent.slack.office import Office
from tests.walk import CATALOGUE, Walk
from tools.contract import Artefact, Plan

PLAN = Plan(steps=("measure",), seconds=20, memory_bytes=700_000_000)
RECORD = JobRecord(
    log=("loading tiny", "400 of 400 answered"),
    artefacts=(
        Artefact(
            name="answers", kind="predictions", path="answers.jsonl", digest="sha256:0123456789abcdef", bytes=2048
        ),
    ),
    error_id="E-1A2B3C",
    peak_memory=650_000_000,
)


@pytest.fixture
def office() -> Office:
    return Office(Walk().to(Stage.ASSESS))


def shown(office: Office, job: str, plan: Plan | None = PLAN, record: JobRecord = RECORD) -> str:
    project, state = _of(office, job)
    view = next(v for v in job_views(project, office.live, CATALOGUE, office.now()) if v.id == job)
    return details(project, state, view, CATALOGUE[state.tool], plan, record)


def _of(office: Office, job: str) -> tuple[Project, JobState]:
    return office.walk.project, office.walk.project.jobs[job]


def test_a_job_that_ended_well(office: Office) -> None:
    job = office.start()
    office.ends(job, seconds=18)
    text = shown(office, job)
    tiny, tickets = office.walk.project.candidates["tiny"], office.walk.project.datasets["tickets"]
    for wanted in (
        f"{job} Evaluate a model: succeeded",
        "Asked by cai",
        f"model: tiny ({tiny.digest[:19]})",
        f"data: tickets ({tickets.digest[:19]})",
        "split=",
        "planned about 20 s, 700.00 MB of memory; took 18 s, 650.00 MB at most",
        f"evidence e{office.walk.seq}: tiny: exact_match 0.400",
        "exact_match 0.400 [0.350, 0.450]",
        "artefact answers: predictions answers.jsonl",
        "400 of 400 answered",
    ):
        assert wanted in text, wanted
    assert "what to do" not in text


def test_a_job_at_work_shows_its_progress(office: Office) -> None:
    job = office.start()
    assert "accepted, not begun" in shown(office, job, record=JobRecord())
    office.moves(job, "evaluating", 120, 400, loss=0.4217)
    office.later = timedelta(seconds=65)
    text = shown(office, job, record=JobRecord())
    assert "evaluating 120/400" in text and "so far 1 min 5 s" in text and "latest: loss 0.4217" in text


def test_a_job_that_takes_far_longer_than_planned_says_so(office: Office) -> None:
    job = office.start()
    project, state = _of(office, job)
    view = next(v for v in job_views(project, office.live, CATALOGUE, office.now()) if v.id == job)
    for seconds, far in ((40.0, False), (400.0, True)):
        slow = view.model_copy(update={"expected_seconds": seconds, "expected_memory": 650_000_000})
        text = details(project, state, slow, CATALOGUE[state.tool], PLAN, JobRecord(), Price(an_hour=1))
        assert f"as its first steps show, about {duration(seconds)} in all, 650.00 MB" in text
        assert ("far longer than planned" in text) == far


def test_a_failure_says_what_to_do_with_its_id(office: Office) -> None:
    job = office.start()
    office.ends(job, "failed", error="Column `label` is missing from tickets.jsonl.")
    text = shown(office, job, plan=None)
    assert "error (E-1A2B3C): Column `label` is missing" in text
    assert f"`resume {job}`" in text and "planned" not in text


def test_what_a_job_made_is_named(office: Office) -> None:
    made = next(job for job in office.walk.project.jobs.values() if job.tool == "pretrain")
    assert "evidence" in shown(office, made.id)


def test_nothing_in_a_log_ends_its_block() -> None:
    block = fenced(("```", "ends ``` here", "`` ` ``"), 10)
    assert block.startswith("```\n") and block.endswith("\n```") and block.count("```") == 2


def test_a_log_is_short_enough_to_be_shown(office: Office) -> None:
    job = office.start()
    _, state = _of(office, job)
    text = log(state, JobRecord(log=tuple("x" * 5000 for _ in range(500))))
    assert len(text) < LOG_CHARACTERS + 200
    assert max(map(len, text.splitlines())) == LINE_CHARACTERS
    assert "printed nothing yet" in log(state, JobRecord())
