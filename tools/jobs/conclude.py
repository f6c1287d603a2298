"""What an attempt's end means. Pure: the files were read, the ledger is written elsewhere."""

from datetime import datetime
from pathlib import Path

from tools.jobs.folder import Ending
from tools.jobs.model import Job, Outcome, OutcomeKind, Status


def conclude(job: Job, ending: Ending | None, at: datetime, log: Path) -> Outcome:
    """The outcome of an attempt whose process ended, with its own words or without any; `log` is what it printed."""
    kind = _kind(job, ending)
    if ending is None:
        seconds = (at - job.started_at).total_seconds() if job.started_at is not None else None
        return Outcome(job=job.id, attempt=job.attempt, kind=kind, at=at, error=_silent(kind, log), seconds=seconds)
    by_itself = kind is OutcomeKind.CRASHED and ending.outcome == "succeeded"
    return Outcome(
        job=job.id,
        attempt=job.attempt,
        kind=kind,
        at=at,
        result=ending.result,
        error="The service ended by itself." if by_itself else ending.error,
        error_id=ending.error_id,
        seconds=ending.seconds,
        peak_memory=ending.peak_memory,
    )


def never_began(job: Job, reason: str, at: datetime, log: Path) -> Outcome:
    """The outcome of an attempt nobody will ever run."""
    if job.cancelling:
        kind = OutcomeKind.STOPPED if job.service else OutcomeKind.CANCELLED
        error = "It was cancelled before it began."
    else:
        kind = OutcomeKind.CRASHED
        error = f"It could not be started: {reason}; {log} may say more."
    return Outcome(job=job.id, attempt=job.attempt, kind=kind, at=at, error=error)


def lost(job: Job, at: datetime) -> Outcome:
    error = "Its folder is gone; start it again if it is still wanted."
    return Outcome(job=job.id, attempt=job.attempt, kind=OutcomeKind.LOST, at=at, error=error)


def _kind(job: Job, ending: Ending | None) -> OutcomeKind:
    if job.service:
        if job.cancelling:
            return OutcomeKind.STOPPED
        if ending is not None and ending.outcome == "failed" and job.status is not Status.SERVING:
            return OutcomeKind.FAILED  # it never answered, and says why
        return OutcomeKind.CRASHED
    if ending is not None:
        return OutcomeKind(ending.outcome)
    return OutcomeKind.CANCELLED if job.cancelling else OutcomeKind.CRASHED


def _silent(kind: OutcomeKind, log: Path) -> str | None:
    match kind:
        case OutcomeKind.STOPPED:
            return None
        case OutcomeKind.CANCELLED:
            return "It did not stop when asked and was ended; the checkpoints it saved are kept."
        case _:
            return f"Its process ended without a result, perhaps for want of memory; {log} has its last words."
