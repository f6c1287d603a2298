"""A project as the life cycle sees it: one immutable value, rebuilt by every event."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from agent.lifecycle.stages import Stage
from tools.contract import Candidate, Comparison, Dataset, Frozen, Metric


class TaskKind(StrEnum):
    EXTRACTION = "extraction"  # a structured line out of a text, or the entities in it
    GENERATION = "generation"  # open text
    SUMMARISATION = "summarisation"
    DIALOGUE = "dialogue"
    CLASSIFICATION = "classification"  # one of a fixed set of labels
    RETRIEVAL = "retrieval"  # the text that answers a question, among many


class Role(StrEnum):
    VIEWER = "viewer"  # asks
    MEMBER = "member"  # also registers data, starts, cancels and resumes jobs, asks to advance
    APPROVER = "approver"  # also approves and rejects
    OWNER = "owner"  # also sets roles and limits and waives


class Charter(Frozen):
    """The scope of a project. A field that is None is still missing."""

    description: str | None = None
    task: TaskKind | None = None
    users: str | None = None
    metric: str | None = None  # "exact_match", "token_f1", "accuracy", "rougeL", "entity_f1", "recall@1"
    target: float | None = Field(default=None, gt=0, le=1)  # the interval's lower end has to reach it
    test_set: str | None = None  # name of the registered data whose test split decides
    test_digest: str | None = None  # digest of that data when it was bound
    latency_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # 95th percentile of one answer
    memory_mb: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # the served model's size in memory
    cost: str | None = None  # what may be spent, in words
    risks: str | None = None
    margin: float = Field(default=0.03, gt=0, lt=0.5)  # how much worse an optimised model may be


YEAR_HOURS = 8760  # an approval that waits longer than a year is forgotten, not asked


class Rules(Frozen):
    """How approvals are given in this project."""

    approvers: int = Field(default=1, ge=1, le=5)  # people who must approve
    self_approval: bool = True  # whether who asked to advance may approve alone
    hours: float = Field(default=72, gt=0, le=YEAR_HOURS)  # an approval expires after this long
    stages: tuple[Stage, ...] = (Stage.SCOPE, Stage.DEPLOY, Stage.INTEGRATE)  # stages a person must answer for


class Evidence(Frozen):
    """What one run measured, tied to digests of the model and the data it was measured on."""

    id: str  # "e12"
    run: str  # the job that measured it
    tool: str
    stage: Stage  # the stage the project was in
    round: int
    at: datetime
    summary: str
    model: str | None = None
    model_digest: str | None = None
    data: str | None = None
    data_digest: str | None = None
    data_kind: str | None = None
    split: str = ""
    metrics: tuple[Metric, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    facts: dict[str, JsonValue] = Field(default_factory=dict)

    def metric(self, name: str) -> Metric | None:
        return next((m for m in self.metrics if m.name == name), None)


class JobPhase(StrEnum):
    ACTIVE = "active"  # accepted; queued or running
    SERVING = "serving"  # a service that answers
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"  # ended without a result
    LOST = "lost"  # its engine has forgotten it
    STOPPED = "stopped"  # a service that was stopped


class Advice(Frozen):
    """What to do next, and why, as it was when a job ended."""

    title: str
    reason: str
    command: str


class JobState(Frozen):
    """A job as the life cycle knows it; progress and logs live with the job."""

    id: str  # "j7"
    tool: str
    params: dict[str, JsonValue]
    phase: JobPhase
    attempt: int = 1
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None = None
    model: str | None = None
    model_digest: str | None = None
    data: str | None = None
    data_digest: str | None = None
    data_kind: str | None = None
    endpoint: str | None = None
    error: str | None = None
    seconds: float | None = None
    advice: Advice | None = None  # once it has ended


class Choice(Frozen):
    """Which model the project goes on with, and why."""

    model: str
    digest: str
    reason: str
    by: str
    at: datetime


class Vote(Frozen):
    by: str
    at: datetime


class Approval(Frozen):
    """A question to people: may the project leave `stage` on exactly this evidence?"""

    number: int
    stage: Stage
    digest: str  # of stage, evidence, artefacts and parameters; see approvals.digest
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    votes: tuple[Vote, ...] = ()
    outcome: str = "waiting"  # waiting, approved, rejected, expired, withdrawn
    reason: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    # What stood behind the gate when it was asked, to tell a change by; None and empty in what an older version kept.
    charter: Charter | None = None
    model: str | None = None  # digest
    evidence: tuple[str, ...] = ()


class Skip(Frozen):
    """A technique or stage the project goes without, and why."""

    what: str
    reason: str
    by: str
    at: datetime
    round: int


class Waiver(Frozen):
    """A requirement of a gate that a person with the right set aside; it shows wherever the gate shows."""

    stage: Stage
    requirement: str
    reason: str
    by: str
    at: datetime
    round: int


class Move(Frozen):
    """One change of stage."""

    origin: Stage
    target: Stage
    by: str
    at: datetime
    reason: str
    round: int
    model: str | None = None  # name of the candidate that made the step
    model_digest: str | None = None


class DocumentRef(Frozen):
    """A document the team gave; the knowledge store holds its passages."""

    name: str
    path: str
    digest: str
    by: str
    at: datetime
    audience: str = "project"  # who may see it: "project", "workspace" or "channel:ID"


class Correction(Frozen):
    """What a person found wrong with an answer, and what became of it."""

    number: int  # of its event
    question: str
    said: str  # the answer that is wrong
    sources: tuple[str, ...]  # names of what it cited
    reason: str
    keeper: str | None  # who gave the source and can decide; None: an approver
    by: str
    at: datetime
    outcome: str = "waiting"  # waiting, pinned, rejected, replaced by another pinned answer
    text: str = ""  # the answer that is pinned
    why: str = ""  # it was rejected
    decided_by: str | None = None
    decided_at: datetime | None = None


class Project(Frozen):
    id: str
    name: str
    created_by: str
    created_at: datetime
    charter: Charter = Charter()
    rules: Rules = Rules()
    stage: Stage = Stage.SCOPE
    round: int = 1
    members: dict[str, Role] = Field(default_factory=dict)
    datasets: dict[str, Dataset] = Field(default_factory=dict)
    documents: dict[str, DocumentRef] = Field(default_factory=dict)
    candidates: dict[str, Candidate] = Field(default_factory=dict)
    current: str | None = None  # name of the candidate the project goes on with
    choice: Choice | None = None
    evidence: tuple[Evidence, ...] = ()
    jobs: dict[str, JobState] = Field(default_factory=dict)
    approval: Approval | None = None  # the one that waits
    decided: tuple[Approval, ...] = ()
    skips: tuple[Skip, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    moves: tuple[Move, ...] = ()
    corrections: tuple[Correction, ...] = ()
    seq: int = 0  # sequence number of the last event applied

    @property
    def model(self) -> Candidate | None:
        return self.candidates.get(self.current) if self.current else None

    def role(self, person: str) -> Role | None:
        return self.members.get(person)

    def active_jobs(self) -> tuple[JobState, ...]:
        return tuple(job for job in self.jobs.values() if job.phase in (JobPhase.ACTIVE, JobPhase.SERVING))

    def service(self) -> JobState | None:
        """The service that answers now, the newest one if there are several."""
        serving = [job for job in self.jobs.values() if job.phase is JobPhase.SERVING]
        return serving[-1] if serving else None
