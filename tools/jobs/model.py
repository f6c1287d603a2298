"""A job as it is recorded: its request, where it stands, and how each of its attempts ended."""

import re
from datetime import datetime
from enum import StrEnum

from tools.contract import Frozen, Result, Spec
from tools.errors import UserFault


class Status(StrEnum):
    QUEUED = "queued"  # accepted; waits for a slot
    STARTING = "starting"  # claimed by the supervisor; its process has not begun
    RUNNING = "running"  # its process has begun
    SERVING = "serving"  # a service that answers
    SUCCEEDED = "succeeded"  # ended with a result
    FAILED = "failed"  # ended with an error
    CANCELLED = "cancelled"  # ended because somebody asked; what it saved is kept
    CRASHED = "crashed"  # its process ended without a result
    LOST = "lost"  # its engine or its folder has forgotten it; a person decides
    STOPPED = "stopped"  # a service that was stopped

    @property
    def active(self) -> bool:
        return self in ACTIVE


ACTIVE = (Status.QUEUED, Status.STARTING, Status.RUNNING, Status.SERVING)
RESUMABLE = (Status.FAILED, Status.CANCELLED, Status.CRASHED, Status.LOST, Status.STOPPED)


class OutcomeKind(StrEnum):
    READY = "ready"  # a service answers; its end is another outcome
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    LOST = "lost"
    STOPPED = "stopped"

    @property
    def status(self) -> Status:
        """Where the job stands after it."""
        return Status.SERVING if self is OutcomeKind.READY else Status(self.value)


class Outcome(Frozen):
    """News of one attempt, told to the assistant at least once under one id."""

    job: str
    attempt: int
    kind: OutcomeKind
    at: datetime
    result: Result | None = None
    error: str | None = None  # a sentence for a person
    error_id: str | None = None  # stands in the job's log, too
    seconds: float | None = None  # wall time of the work
    peak_memory: int | None = None  # bytes
    reported: bool = False  # the assistant has it

    @property
    def event_id(self) -> str:
        return f"job:{self.job}:{self.attempt}:{self.kind}"


class Job(Frozen):
    """One execution of a tool. The fields about running belong to the current attempt."""

    id: str
    project: str
    tool: str
    service: bool
    spec: Spec
    requested_by: str
    created_at: datetime
    attempt: int
    status: Status
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    pid: int | None = None  # of its process, which leads a session of the same id
    cancelled_by: str | None = None  # who asked it to stop
    outcome: Outcome | None = None  # the latest of this attempt

    @property
    def cancelling(self) -> bool:
        return self.cancelled_by is not None


JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_id(job: str) -> None:
    """A job's id names its folder."""
    if not JOB_ID.fullmatch(job):
        raise UserFault(f"{job!r} cannot name a job: use up to 100 letters, digits, dots, dashes and underscores.")
