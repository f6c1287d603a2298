"""What status is asked and answered in: questions, jobs as people see them, notices, lines of the record."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import Field

from agent.status.period import Period
from tools.contract import Frozen


class JobView(Frozen):
    """A job as people see it: its state and, while it runs, its latest progress."""

    id: str
    tool: str
    title: str
    project: str
    phase: str
    attempt: int
    requested_by: str
    step: str = ""
    done: int = 0
    total: int = 0
    metrics: dict[str, float] = Field(default_factory=dict)
    seconds: float | None = None  # wall time so far, or in all
    expected_seconds: float | None = None  # of the whole attempt, as its first steps show, while it runs
    expected_memory: int | None = None  # bytes at most, as they show
    error: str | None = None


class Notice(Frozen):
    """Something to tell the people of a project: a job's end, a gate that opened, an approval that waits."""

    id: int
    project: str
    at: datetime
    text: str


class AuditLine(Protocol):
    """One line of a project's record: who asked for what, when, and what became of it."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def accepted(self) -> bool: ...
    @property
    def said(self) -> str: ...


JobKind = Literal["running", "serving", "succeeded", "failed", "cancelled", "stopped"]


class Narrowed(Frozen):
    """What of an answer is wanted; nothing given is everything."""

    state: JobKind | None = None  # of jobs
    period: Period | None = None
    round: int | None = None
    about: str | None = None  # a stage, model, technique or person that decisions are about
    models: tuple[str, ...] = ()  # names of models, or methods they were made by, that what was measured is of
    metric: str | None = None  # how the name of a metric begins


class StatusQuery(StrEnum):
    WHERE = "where"  # stage, gate, running jobs, waiting approval, the current model and its last number
    GATE = "gate"  # each requirement: met, missing or waived
    LATEST = "latest"  # the newest evidence
    BEST = "best"  # the best score on the charter's metric
    JOBS = "jobs"
    APPROVALS = "approvals"
    EVIDENCE = "evidence"
    MEMBERS = "members"  # who may do what, and the rules of approvals
    HISTORY = "history"
    CHARTER = "charter"
    DATA = "data"
    MODELS = "models"  # with their lineage
    COMPARE = "compare"  # candidates and rounds side by side
    SPENT = "spent"  # time by stage, round and tool, beside what the charter allows
    DECISIONS = "decisions"  # choices, approvals, moves, skips and waivers with their reasons
