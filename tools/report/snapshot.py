"""The record of a project as the report reads it: the file the owner wrote when the job was accepted."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tools.contract import Candidate, Comparison, Dataset, Metric
from tools.errors import UserFault


class Record(BaseModel):
    """A part of the record; what the report does not read is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Charter(Record):
    description: str | None = None
    task: str | None = None
    users: str | None = None
    metric: str | None = None
    target: float | None = None
    test_set: str | None = None
    test_digest: str | None = None
    latency_ms: float | None = None
    memory_mb: float | None = None
    cost: str | None = None
    risks: str | None = None
    margin: float = 0.03


class Evidence(Record):
    id: str
    run: str
    tool: str
    stage: str
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

    def metric(self, name: str | None) -> Metric | None:
        return next((m for m in self.metrics if m.name == name), None)

    def compared(self, kind: str) -> Comparison | None:
        """The first paired comparison of a kind: a win rate or a difference."""
        return next((c for c in self.comparisons if c.kind == kind), None)


class Job(Record):
    id: str
    tool: str
    phase: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    error: str | None = None
    endpoint: str | None = None


class Vote(Record):
    by: str
    at: datetime


class Approval(Record):
    number: int
    stage: str
    digest: str
    asked_by: str
    asked_at: datetime
    votes: tuple[Vote, ...] = ()
    outcome: str = "waiting"
    reason: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None


class Decided(Record):
    """A skip or a waiver: what was set aside, by whom, and why."""

    what: str = ""
    requirement: str = ""
    stage: str = ""
    reason: str
    by: str
    at: datetime
    round: int


class Move(Record):
    origin: str
    target: str
    by: str
    at: datetime
    reason: str
    round: int


class Choice(Record):
    model: str
    digest: str
    reason: str
    by: str


class Project(Record):
    id: str
    name: str
    created_by: str
    created_at: datetime
    charter: Charter = Charter()
    stage: str
    round: int = 1
    datasets: dict[str, Dataset] = Field(default_factory=dict)
    candidates: dict[str, Candidate] = Field(default_factory=dict)
    current: str | None = None
    choice: Choice | None = None
    evidence: tuple[Evidence, ...] = ()
    jobs: dict[str, Job] = Field(default_factory=dict)
    approval: Approval | None = None
    decided: tuple[Approval, ...] = ()
    skips: tuple[Decided, ...] = ()
    waivers: tuple[Decided, ...] = ()
    moves: tuple[Move, ...] = ()
    seq: int = 0


class Requirement(Record):
    id: str
    title: str
    met: bool
    found: str
    wanted: str
    evidence: tuple[str, ...] = ()
    waived: str | None = None


class Gate(Record):
    stage: str
    requirements: tuple[Requirement, ...] = ()


class Line(Record):
    """One line of the audit."""

    seq: int
    at: datetime
    actor: str
    kind: str
    said: str = ""
    accepted: bool = True


class Snapshot(Record):
    as_of: datetime
    project: Project
    gates: dict[str, Gate] = Field(default_factory=dict)
    audit: tuple[Line, ...] = ()

    @property
    def model(self) -> Candidate | None:
        return self.project.candidates.get(self.project.current or "")


def read(path: Path) -> Snapshot:
    """Raises `UserFault` where the file is missing or is no record of a project."""
    try:
        return Snapshot.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserFault(f"The project's record {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise UserFault(f"The project's record {path.name} is not complete at {where}: {first['msg']}.") from error


# --- reading it --------------------------------------------------------------------------------------------------


def by_digest(project: Project, digest: str | None) -> Candidate | None:
    return next((c for c in project.candidates.values() if c.digest == digest), None) if digest else None


def lineage(project: Project, model: Candidate) -> tuple[Candidate, ...]:
    """The model and what it was made from, the oldest first."""
    found = [model]
    while (parent := by_digest(project, found[-1].parent_digest)) is not None and parent not in found:
        found.append(parent)
    return tuple(reversed(found))


def on_test(project: Project, evidence: Evidence) -> bool:
    same = evidence.data_digest == project.charter.test_digest
    return evidence.tool == "evaluate" and evidence.split == "test" and same


def score(project: Project, model: Candidate) -> tuple[Evidence, Metric] | None:
    """The newest measurement of the charter's metric on its test set."""
    for evidence in reversed(project.evidence):
        metric = evidence.metric(project.charter.metric)
        if metric and on_test(project, evidence) and evidence.model_digest == model.digest:
            return evidence, metric
    return None


def newest(project: Project, tool: str, model: Candidate | None = None, kind: str | None = None) -> Evidence | None:
    """The newest evidence of a tool, of a model and on a kind of data where they are named."""
    for evidence in reversed(project.evidence):
        fits = evidence.tool == tool and (kind is None or evidence.data_kind == kind)
        if fits and (model is None or evidence.model_digest == model.digest):
            return evidence
    return None


def is_safety(evidence: Evidence) -> bool:
    return evidence.data_kind == "checklist" and evidence.facts.get("category") == "safety"


def preferences(project: Project) -> tuple[Evidence, Comparison] | None:
    """The newest paired win rate over answers that are not about safety."""
    return _compared(project, "win_rate", safety=False)


def safety(project: Project) -> tuple[Evidence, Comparison] | None:
    return _compared(project, "difference", safety=True)


def _compared(project: Project, kind: str, safety: bool) -> tuple[Evidence, Comparison] | None:
    """Of the model that goes on where it was measured, else of the newest one in its lineage."""
    current = project.candidates.get(project.current or "")
    line = [c.digest for c in lineage(project, current)] if current else []
    for evidence in reversed(project.evidence):
        if evidence.data_kind != "checklist" or is_safety(evidence) is not safety or evidence.model_digest not in line:
            continue
        for comparison in evidence.comparisons:
            if comparison.kind == kind:
                return evidence, comparison
    return None


def parity(project: Project, model: Candidate) -> tuple[Evidence, Comparison] | None:
    """The newest paired difference on the test set between the model and the one it was made from."""
    for evidence in reversed(project.evidence):
        if not on_test(project, evidence) or evidence.model_digest != model.digest:
            continue
        for comparison in evidence.comparisons:
            if comparison.kind == "difference" and comparison.baseline_digest == model.parent_digest:
                return evidence, comparison
    return None


def abstained(evidence: Evidence) -> bool:
    """Whether the least certain decisions were left to people; otherwise, facts were retrieved."""
    return evidence.data_kind != "facts"


def with_and_without(evidence: Evidence) -> tuple[Metric, Metric] | None:
    """The pair of metrics whose difference the first comparison is: with what was added, and without."""
    if not evidence.comparisons:
        return None
    comparison = evidence.comparisons[0]
    name = comparison.metric
    for after_name, before_name in ((name, f"{name}_without"), (f"{name}_kept", name)):
        after, before = evidence.metric(after_name), evidence.metric(before_name)
        if after is not None and before is not None:
            return after, before
    own = evidence.metric(name)
    return (own, Metric(name=own.name, value=own.value - comparison.value)) if own else None
