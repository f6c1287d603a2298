"""Status questions on part of the state: jobs of a state and period, one round, what a decision is about."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.lifecycle.events import FinishJob, GoBack, StartJob
from agent.lifecycle.stages import Stage
from agent.status import Narrowed, StatusQuery, answer_status, period
from tests.walk import TICKETS, TINY, Walk

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-03-04T00:00", "2026-03-04T12:30"),
        ("yesterday", "2026-03-03T00:00", "2026-03-04T00:00"),
        ("this week", "2026-03-02T00:00", "2026-03-04T12:30"),
        ("Last  week", "2026-02-23T00:00", "2026-03-02T00:00"),
        ("last month", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("3 days", "2026-03-01T12:30", "2026-03-04T12:30"),
        ("last 2 hours", "2026-03-04T10:30", "2026-03-04T12:30"),
        ("2026-02-28", "2026-02-28T00:00", "2026-03-04T12:30"),
    ],
)
def test_a_period_is_read_as_people_mean_it(text: str, start: str, end: str) -> None:
    found = period(text, NOW)
    assert found is not None
    assert found.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert timedelta(0) <= found.end - datetime.fromisoformat(end).replace(tzinfo=UTC) <= timedelta(seconds=1)


@pytest.mark.parametrize("text", ["", "soon", "99999 days", "2026-13-40", "0x3 days"])
def test_anything_else_is_no_period(text: str) -> None:
    assert period(text, NOW) is None


def failing() -> tuple[Walk, str]:
    """A project at `assess` one of whose jobs has failed; the job's id."""
    walk = Walk().to(Stage.ASSESS)
    walk.ok(StartJob(tool="prompt", params={}), actor="cai")
    job = f"j{walk.seq}"
    walk.ok(FinishJob(job=job, attempt=1, outcome="failed", error="Out of memory.", seconds=3), actor="odyssey")
    return walk, job


def test_failed_jobs_are_those_that_ended_so_in_the_period() -> None:
    walk, job = failing()
    ended = walk.project.jobs[job].ended_at
    assert ended is not None

    def jobs(**wanted: object) -> str:
        now = ended + timedelta(hours=1)
        span = period(str(wanted.pop("since")), now) if "since" in wanted else None
        narrowed = Narrowed.model_validate({**wanted, "period": span})
        return answer_status(StatusQuery.JOBS, walk.project, now=now, wanted=narrowed)

    assert "Out of memory." in jobs(state="failed")
    assert "succeeded" not in jobs(state="failed")
    assert job in jobs(state="failed", since="2 hours") and job in jobs(since="2 hours")
    assert "No job is like that" in jobs(state="failed", since="2020-01-01").replace(job, "No job is like that")
    assert "No job is like that (cancelled)" in jobs(state="cancelled")
    assert "No job is like that (2026-02" in jobs(since="last month")


def test_measurements_are_those_of_the_round_that_is_asked_for() -> None:
    walk = Walk().to(Stage.LAUNCHED)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="new products came"))
    text = answer_status(StatusQuery.BEST, walk.project, now=NOW, wanted=Narrowed(round=1))
    assert text.startswith("In round 1:") and "0.960" in text
    text = answer_status(StatusQuery.BEST, walk.project, now=NOW, wanted=Narrowed(round=2))
    assert text.startswith("Nothing was measured in round 2")
    assert "0.960" not in text
    assert "as of 2026-03-04" in text


def test_the_history_of_a_decision_holds_what_concerns_it() -> None:
    walk = Walk().to(Stage.LAUNCHED)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="new products came"))

    def decisions(**wanted: object) -> str:
        return answer_status(StatusQuery.DECISIONS, walk.project, now=NOW, wanted=Narrowed.model_validate(wanted))

    scope = decisions(about="scope")
    assert "approval" in scope and "new products" not in scope
    assert "new products came" in decisions(about="assess") and "new products came" in decisions(about="new products")
    assert "No decision is recorded on that (pruning)" in decisions(about="pruning")
    assert "chooses tiny" in decisions(about="tiny")


def test_what_was_decided_in_a_round_is_told_with_choices_and_approvals() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="dates went wrong"))

    def decided(round_: int) -> str:
        return answer_status(StatusQuery.DECISIONS, walk.project, wanted=Narrowed(round=round_))

    assert "chooses tiny" in decided(1) and "approved" in decided(1) and "dates went wrong" not in decided(1)
    assert "dates went wrong" in decided(2) and "chooses tiny" not in decided(2)


def test_a_rounds_comparison_shows_what_was_measured_in_it() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="dates went wrong"))
    walk.measure(TINY, TICKETS, 0.2, 0.17)
    text = answer_status(StatusQuery.COMPARE, walk.project, wanted=Narrowed(round=2))
    assert "tiny" in text and "tuned" not in text
    both = answer_status(StatusQuery.COMPARE, walk.project)
    assert "**Rounds**" in both and "dates went wrong" in both


def test_a_comparison_of_some_models_shows_those_by_name_or_by_how_they_were_made() -> None:
    project = Walk().to(Stage.INTEGRATE).project

    def compared(*models: str) -> str:
        return answer_status(StatusQuery.COMPARE, project, wanted=Narrowed(models=models))

    assert "aligned" in compared() and "| tiny " in compared()
    two = compared("tiny", "tuned")
    assert "| tuned " in two and "| tiny " in two and "int8" not in two
    small = next(model for model in project.candidates.values() if model.method == "int8")
    alone = compared("int8")
    assert f"| {small.name} " in alone and f"| {small.parent} " in alone and "| tiny " not in alone
    assert compared("nobody") == compared()


def test_a_metric_is_answered_with_its_last_measurement_by_each_tool() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.measure(TINY, TICKETS, 0.3, 0.27)
    walk.measure(TINY, TICKETS, 0.2, 0.17)

    def of(**wanted: object) -> str:
        return answer_status(StatusQuery.EVIDENCE, walk.project, wanted=Narrowed.model_validate(wanted))

    told = of(metric="latency", models=("tiny",))
    assert told.count("latency_p95") == 1 and "exact_match" not in told and "tuned" not in told
    assert walk.project.evidence[-1].id in told
    assert "0.731 GB" in of(metric="peak_memory") or "731" in of(metric="peak_memory")
    assert of(metric="bleu") == of()


def test_a_metric_of_one_round_is_that_rounds() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="dates went wrong"))
    walk.measure(TINY, TICKETS, 0.2, 0.17)
    told = answer_status(StatusQuery.EVIDENCE, walk.project, wanted=Narrowed(round=2, metric="latency"))
    assert told.startswith("In round 2:") and told.count("latency_p95") == 1 and "tuned" not in told
