"""One job asked for: by its command, in plain sentences, in both languages; its log; what may not be seen."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent.graph.conversation import Conversation
from agent.graph.grammar import parse
from agent.graph.intents import Context, Intent
from tests.agent.graph.conftest import Say, speaker
from tests.agent.graph.desk import MemoryDesk


@pytest.fixture
def job(desk: MemoryDesk) -> str:
    """The job that pre-trained the model."""
    [project] = desk.held.values()
    return next(job.id for job in project.jobs.values() if job.tool == "pretrain")


@pytest.mark.parametrize(
    "line",
    ["job {n}", "job j{n}", "j{n}", "show job {n}", "details of job {n}", "how is job {n} doing?",
     "did j{n} fail and why?"],
)  # fmt: skip
def test_a_job_is_shown_in_full(say: Say, job: str, line: str) -> None:
    text = say(line.format(n=job.removeprefix("j"))).text
    assert f"**{job} " in text and "evidence e" in text and "Asked by cai" in text and "planned about" in text


@pytest.mark.parametrize("line", ["任务 {n}", "任务 {n} 怎么样了"])
def test_it_is_asked_for_in_chinese(say: Say, job: str, line: str) -> None:
    text = say(line.format(n=job.removeprefix("j"))).text
    assert f"**{job} " in text and "corpus" in text and "tiny" in text


@pytest.mark.parametrize(
    "line",
    ["logs {n}", "logs j{n}", "log of job {n}", "show me the log of job {n}", "what did job {n} print last?"],
)  # fmt: skip
def test_its_log_is_shown(say: Say, job: str, line: str) -> None:
    text = say(line.format(n=job.removeprefix("j"))).text
    assert "evidence e" not in text and job in text and "printed nothing" in text
    assert job in say(f"{job} 的日志").text


def test_jobs_in_general_are_listed_as_before(say: Say, job: str) -> None:
    assert say("jobs").text.startswith("**Jobs**")
    assert "No job is like that (running)" in say("what is running?").text


def test_a_job_that_is_not_there_is_said(say: Say) -> None:
    assert "has no job 999" in say("job 999").text
    assert "has no job j999" in say("logs j999").text


def test_the_log_of_the_newest_job_where_none_is_named() -> None:
    context = Context(project="p", jobs=("j3", "j9"))
    reading = parse("logs", context)
    assert reading is not None and (reading.intent, reading.arguments) == (Intent.LOGS, {"job": "j9"})


def test_a_stranger_sees_no_job(desk: MemoryDesk, job: str) -> None:
    stranger = speaker(Conversation(desk, InMemorySaver()), actor="mallory")
    for line in (f"job {job}", f"logs {job}"):
        text = stranger(line).text
        assert "tiny" not in text and "evidence" not in text and "cai" not in text


def test_asking_changes_nothing(desk: MemoryDesk, say: Say, job: str) -> None:
    proposed = say("fine-tune tiny on tickets").proposal
    assert say(f"job {job}").proposal == say(f"logs {job}").proposal == proposed
    assert desk.submitted == []
