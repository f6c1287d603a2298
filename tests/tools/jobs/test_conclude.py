"""What an attempt's end means, as a table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.contract import Result, Spec
from tools.jobs.conclude import conclude, lost, never_began
from tools.jobs.folder import Ending
from tools.jobs.model import Job, OutcomeKind, Status

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LOG = Path("/home/ada/jobs/j1/attempt-1/log.txt")
DONE = Ending(outcome="succeeded", result=Result(summary="Done."), seconds=1, peak_memory=5)
FAILED = Ending(outcome="failed", error="No port.", error_id="E-1", seconds=1, peak_memory=5)
CANCELLED = Ending(outcome="cancelled", error="Cancelled.", seconds=1, peak_memory=5)


def job(*, service: bool, serving: bool = False, asked: bool = False) -> Job:
    return Job(
        id="j1",
        project="p",
        tool="t",
        service=service,
        spec=Spec(job="j1", tool="t", params={}),
        requested_by="ada",
        created_at=NOON,
        started_at=NOON,
        attempt=1,
        status=Status.SERVING if serving else Status.RUNNING,
        cancelled_by="ada" if asked else None,
    )


@pytest.mark.parametrize(
    ("asked", "ending", "kind"),
    [
        (False, DONE, "succeeded"),
        (True, DONE, "succeeded"),  # it was done before it could stop
        (False, FAILED, "failed"),
        (True, FAILED, "failed"),
        (False, CANCELLED, "cancelled"),  # told to end by the system
        (True, CANCELLED, "cancelled"),
        (False, None, "crashed"),
        (True, None, "cancelled"),
    ],
)
def test_the_end_of_a_job(asked: bool, ending: Ending | None, kind: str) -> None:
    assert conclude(job(service=False, asked=asked), ending, NOON, LOG).kind == kind


@pytest.mark.parametrize(
    ("serving", "asked", "ending", "kind"),
    [
        (True, True, DONE, "stopped"),
        (True, True, CANCELLED, "stopped"),
        (True, True, None, "stopped"),
        (False, True, FAILED, "stopped"),
        (True, False, DONE, "crashed"),
        (True, False, FAILED, "crashed"),
        (True, False, None, "crashed"),
        (False, False, FAILED, "failed"),
        (False, False, None, "crashed"),
        (False, False, DONE, "crashed"),
    ],
)
def test_the_end_of_a_service(serving: bool, asked: bool, ending: Ending | None, kind: str) -> None:
    assert conclude(job(service=True, serving=serving, asked=asked), ending, NOON, LOG).kind == kind


def test_a_silent_end_has_a_reason_and_a_time() -> None:
    outcome = conclude(job(service=False), None, NOON + timedelta(seconds=90), LOG)
    assert outcome.seconds == 90
    assert str(LOG) in (outcome.error or "")
    assert outcome.event_id == "job:j1:1:crashed"


def test_what_never_began_and_what_is_lost() -> None:
    assert never_began(job(service=False), "no room", NOON, LOG).kind is OutcomeKind.CRASHED
    assert "no room" in (never_began(job(service=False), "no room", NOON, LOG).error or "")
    assert never_began(job(service=False, asked=True), "", NOON, LOG).kind is OutcomeKind.CANCELLED
    assert never_began(job(service=True, asked=True), "", NOON, LOG).kind is OutcomeKind.STOPPED
    assert lost(job(service=False), NOON).kind is OutcomeKind.LOST
