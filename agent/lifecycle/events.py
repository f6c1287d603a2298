"""Events: one accepted fact or request each. What is not an event does not change a project."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from agent.lifecycle.project import YEAR_HOURS, Role, TaskKind
from agent.lifecycle.stages import Stage
from tools.contract import Candidate, Frozen, Result

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
# Who may see a document: the project's people, everybody in the workspace, or the people of one channel.
Audience = Annotated[str, StringConstraints(pattern=r"^(?:project|workspace|channel:[A-Za-z0-9._-]{1,64})$")]


class CreateProject(Frozen):
    kind: Literal["create_project"] = "create_project"
    name: Name
    description: str | None = None


class SetCharter(Frozen):
    """Fill or change fields of the charter; None leaves a field as it is."""

    kind: Literal["set_charter"] = "set_charter"
    description: Text | None = None
    task: TaskKind | None = None
    users: Text | None = None
    metric: Text | None = None
    target: float | None = Field(default=None, gt=0, le=1)
    test_set: str | None = None
    latency_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    memory_mb: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cost: Text | None = None
    risks: Text | None = None
    margin: float | None = Field(default=None, gt=0, lt=0.5)


class AddDocument(Frozen):
    """A document for the project's knowledge; `path` is the owner's copy, below its home."""

    kind: Literal["add_document"] = "add_document"
    name: str
    path: str
    digest: str
    audience: Audience = "project"


class RemoveDocument(Frozen):
    """Take a document out of the project's knowledge, with every passage of it."""

    kind: Literal["remove_document"] = "remove_document"
    name: str


class AddCandidate(Frozen):
    """An existing model: a packaged one, a local folder or one from the hub, measured and hashed already."""

    kind: Literal["add_candidate"] = "add_candidate"
    candidate: Candidate


class ChooseModel(Frozen):
    kind: Literal["choose_model"] = "choose_model"
    model: str
    reason: Reason


class StartJob(Frozen):
    """Start a tool. `params` are checked by the tool's own parameters before the event is accepted."""

    kind: Literal["start_job"] = "start_job"
    tool: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class FinishJob(Frozen):
    """A job's process ended, or its service answers ("ready"). Comes from the supervisor alone."""

    kind: Literal["finish_job"] = "finish_job"
    job: str
    attempt: int
    outcome: Literal["succeeded", "failed", "cancelled", "crashed", "lost", "ready", "stopped"]
    result: Result | None = None
    error: str | None = None
    error_id: str | None = None
    seconds: float | None = None


class CancelJob(Frozen):
    kind: Literal["cancel_job"] = "cancel_job"
    job: str


class ResumeJob(Frozen):
    kind: Literal["resume_job"] = "resume_job"
    job: str


class SkipTechnique(Frozen):
    """Go without a technique, or without the whole stage `align`."""

    kind: Literal["skip"] = "skip"
    what: str
    reason: Reason


class Advance(Frozen):
    """Ask to leave the stage: the gate answers, and a person where one must."""

    kind: Literal["advance"] = "advance"


class Approve(Frozen):
    """`digest` is what the person saw; None (the exact command typed) means the one that waits now."""

    kind: Literal["approve"] = "approve"
    number: int
    digest: str | None = None


class Reject(Frozen):
    kind: Literal["reject"] = "reject"
    number: int
    reason: Reason


class GoBack(Frozen):
    kind: Literal["go_back"] = "go_back"
    stage: Stage
    reason: Reason


class Waive(Frozen):
    kind: Literal["waive"] = "waive"
    requirement: str
    reason: Reason


class SetRole(Frozen):
    kind: Literal["set_role"] = "set_role"
    person: Name
    role: Role | None  # None takes the person out


class SetRules(Frozen):
    kind: Literal["set_rules"] = "set_rules"
    approvers: int | None = Field(default=None, ge=1, le=5)
    self_approval: bool | None = None
    hours: float | None = Field(default=None, gt=0, le=YEAR_HOURS)


class CorrectAnswer(Frozen):
    """An answer is wrong: `said` is what it was, `sources` the names of what it cited."""

    kind: Literal["correct_answer"] = "correct_answer"
    question: Text
    said: Annotated[str, Field(max_length=8000)] = ""
    sources: tuple[str, ...] = Field(default=(), max_length=20)
    reason: Reason


class PinAnswer(Frozen):
    """The right answer, by the number of the correction that asked for it."""

    kind: Literal["pin_answer"] = "pin_answer"
    number: int
    text: Text


class RejectCorrection(Frozen):
    kind: Literal["reject_correction"] = "reject_correction"
    number: int
    reason: Reason


Body = Annotated[
    CreateProject
    | SetCharter
    | AddDocument
    | RemoveDocument
    | AddCandidate
    | ChooseModel
    | StartJob
    | FinishJob
    | CancelJob
    | ResumeJob
    | SkipTechnique
    | Advance
    | Approve
    | Reject
    | GoBack
    | Waive
    | SetRole
    | SetRules
    | CorrectAnswer
    | PinAnswer
    | RejectCorrection,
    Field(discriminator="kind"),
]


class Event(Frozen):
    """`id` is unique for ever: the same id delivered twice is one event. `seq` is its place in the inbox."""

    id: str
    seq: int
    project: str  # the project's id
    actor: str
    at: datetime
    body: Body


SYSTEM = "odyssey"  # the actor of facts that no person reports: a job's end
