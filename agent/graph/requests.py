"""Calls that have an effect: each makes a proposal that a person confirms; none changes anything by itself."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from agent.errors import Mendable
from agent.graph import charter
from agent.graph.proposals import job_lines, propose, require_document_right, require_right
from agent.graph.session import Said, Session
from agent.lifecycle import stages
from agent.lifecycle.events import (
    AddCandidate,
    Advance,
    Body,
    CancelJob,
    ChooseModel,
    CreateProject,
    GoBack,
    RemoveDocument,
    ResumeJob,
    SetRole,
    SetRules,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.project import JobPhase, Project, Role
from agent.lifecycle.resolve import find_job
from agent.lifecycle.stages import following, label
from agent.markdown import short
from tools.contract import Candidate, DataKind, Frozen, Tool

MIN_REASON = 3  # characters; as the events ask for
# Slack's ids have nine characters or more and digits among them; a word such as UNRESOLVED is none.
SLACK_PERSON = r"(?:[TE][A-Z0-9]{2,20}\.)?[UW](?=[A-Z]*[0-9])[A-Z0-9]{7,20}"


class Creation(Frozen):
    name: str = Field(default="", description="name of the new project: letters, digits, dots, dashes")
    description: str | None = Field(default=None, description="what is built, in a sentence")


class CharterFields(Frozen):
    fields: dict[str, JsonValue] = Field(
        default_factory=dict, description=f"fields and their values: {', '.join(charter.QUESTIONS)}, margin"
    )
    path: str | None = Field(default=None, description="a JSON file with the fields, instead of `fields`")


class DocumentPath(Frozen):
    path: str = Field(default="", description="a document, or a folder of documents, on the machine Odyssey runs on")


class ModelName(Frozen):
    model: str = Field(default="", description="a candidate's name, a packaged model (minilm), a folder or a hub id")
    reason: str | None = Field(default=None, description="why, in the person's words")


class JobName(Frozen):
    job: str = Field(default="", description="the job's id, such as j12")


class Nothing(Frozen):
    """No arguments."""


class Return(Frozen):
    stage: str = Field(default="", description="the earlier stage: scope, select, assess, align, deploy or integrate")
    reason: str | None = Field(default=None, description="why, in the person's words")


class Omission(Frozen):
    what: str = Field(default="", description="align, quantize or prompting")
    reason: str | None = Field(default=None, description="why, in the person's words")


class Exemption(Frozen):
    requirement: str = Field(default="", description="id of the gate's requirement, such as latency")
    reason: str | None = Field(default=None, description="why, in the person's words")


class Appointment(Frozen):
    person: str = Field(default="", description="whose role changes")
    role: Role | None = Field(default=None, description="viewer, member, approver, owner; none takes the person out")


class ApprovalRules(Frozen):
    approvers: int | None = Field(default=None, description="how many people must approve")
    self_approval: bool | None = Field(default=None, description="whether who asked to advance may approve alone")
    hours: float | None = Field(default=None, description="an approval expires after this long")


def create_project(session: Session, arguments: Creation) -> Said:
    if not arguments.name:
        raise Mendable("What is the project called? `create project NAME`, with letters, digits, dots and dashes.")
    if session.desk.find_project(session.actor, arguments.name) is not None:
        raise Mendable(f"There is a project called {arguments.name} already: `use {arguments.name}` goes there.")
    body = _checked(CreateProject, name=arguments.name, description=arguments.description)
    about = [f"what is built: {arguments.description}"] if arguments.description else []
    return propose(
        session,
        f"create project {arguments.name}",
        [*about, f"{session.actor} owns it"],
        project=None,
        bodies=[body],
    )


def set_charter(session: Session, arguments: CharterFields) -> Said:
    project = session.require_project()
    if arguments.path:
        session.desk.check_path(session.thread, arguments.path)
    fields = charter.read(arguments.path) if arguments.path else arguments.fields
    if not fields:
        raise Mendable("Which field, with which value? As in `charter target=0.9`; `charter` asks for them one by one.")
    return propose_charter(session, project, fields)


def propose_charter(session: Session, project: Project, fields: Mapping[str, Any]) -> Said:
    body = charter.complete(fields, project)
    given = {name: value for name, value in body if name != "kind" and value is not None}
    lines = [f"{name}: {f'{v:g}' if isinstance(v, float) else v}{_was(project, name)}" for name, v in given.items()]
    return propose(session, "set the charter", lines, project=project, bodies=[body])


def _was(project: Project, name: str) -> str:
    held = getattr(project.charter, name, None)
    return "" if held is None or name == "margin" else f" (now {held})"


def add_documents(session: Session, arguments: DocumentPath) -> Said:
    project = session.require_project()
    if not arguments.path:
        raise Mendable("Which file or folder? `add documents PATH` (read on the machine Odyssey runs on).")
    require_document_right(session, project)
    session.desk.check_path(session.thread, arguments.path)
    return propose(session, "add documents", [f"from {arguments.path}"], project=project, documents=arguments.path)


class DocumentName(Frozen):
    name: str = Field(default="", description="the document's name, as `data` lists it")


def remove_document(session: Session, arguments: DocumentName) -> Said:
    project = session.require_project()
    if arguments.name not in project.documents:
        known = ", ".join(list(project.documents)[:10]) or "none"
        raise Mendable(f"Which document? {project.name} has {known}. `remove document NAME`.")
    document = project.documents[arguments.name]
    lines = [f"given by {document.by}", "nothing is answered from it any more"]
    body = RemoveDocument(name=arguments.name)
    return propose(session, f"remove document {arguments.name}", lines, project=project, bodies=[body])


def add_model(session: Session, arguments: ModelName) -> Said:
    project = session.require_project()
    if not arguments.model:
        raise Mendable("Which model? `add model NAME` with a packaged model (minilm), a folder or a hub id.")
    candidate = _known_model(session, arguments.model)
    body = AddCandidate(candidate=candidate)
    return propose(session, f"add {candidate.name} as a candidate", _about(candidate), project=project, bodies=[body])


def choose_model(session: Session, arguments: ModelName) -> Said:
    project = session.require_project()
    if not arguments.model:
        known = ", ".join(project.candidates) or "none yet; `pretrain` makes one, `add model PATH` takes one"
        raise Mendable(f"Which model? {project.name} has {known}. `choose model NAME because …`.")
    reason = _reason(arguments.reason, f"choose model {arguments.model} because …")
    require_right(session, project, ChooseModel(model=arguments.model, reason=reason))
    bodies: list[Body] = []
    candidate = project.model if arguments.model == "current" else project.candidates.get(arguments.model)
    if candidate is None:
        candidate = _known_model(session, arguments.model)
        bodies.append(AddCandidate(candidate=candidate))
    bodies.append(_checked(ChooseModel, model=candidate.name, reason=reason))
    lines = [*_about(candidate), f"because {reason}"]
    return propose(session, f"choose {candidate.name}", lines, project=project, bodies=bodies)


def _known_model(session: Session, name: str) -> Candidate:
    if Path(name).expanduser().exists():
        session.desk.check_path(session.thread, name)
    return session.desk.known_model(name)


def _about(candidate: Candidate) -> list[str]:
    return [
        f"{candidate.kind}, {candidate.parameters / 1e6:.1f} M weights, reads {candidate.context} tokens,"
        f" licence {candidate.licence}; {short(candidate.digest)}"
    ]


def cancel_job(session: Session, arguments: JobName) -> Said:
    project = session.require_project()
    job = find_job(project, _job(project, arguments.job, "cancel"))
    serving = job.phase is JobPhase.SERVING
    lost = "its endpoint will no longer answer" if serving else "its last checkpoint is kept: it can be resumed"
    lines = [f"{job.id}: {job.tool}, asked by {job.requested_by}", lost]
    return propose(session, f"cancel {job.id}", lines, project=project, bodies=[CancelJob(job=job.id)])


def resume_job(session: Session, arguments: JobName) -> Said:
    project = session.require_project()
    job = find_job(project, _job(project, arguments.job, "resume"))
    lines = [f"{job.id}: {job.tool}, {job.phase.value}; it goes on from its last complete checkpoint"]
    return propose(session, f"resume {job.id}", lines, project=project, bodies=[ResumeJob(job=job.id)])


def _job(project: Project, given: str, verb: str) -> str:
    """The job that is meant; the only active one where none is named."""
    active = [job.id for job in project.active_jobs()]
    if given:
        return given
    if verb == "cancel" and len(active) == 1:
        return active[0]
    raise Mendable(f"Which job? `{verb} 12`; active: {', '.join(active) or 'none'}.")


def advance(session: Session, arguments: Nothing) -> Said:
    project = session.require_project()
    lines = [f"{r.title.lower()}: {r.found}{' (waived)' if r.waived else ''}" for r in gate(project).requirements]
    if project.stage in project.rules.stages:
        lines.append("a person then has to approve the step by its number")
    return propose(session, f"go on to {label(following(project.stage))}", lines, project=project, bodies=[Advance()])


def go_back(session: Session, arguments: Return) -> Said:
    project = session.require_project()
    stage = stages.find(arguments.stage)
    if stage is None:
        raise Mendable("To which stage? `go back to STAGE because …`, with scope, select, assess, align or deploy.")
    reason = _reason(arguments.reason, f"go back to {stage.value} because …")
    lines = [f"because {reason}", f"round {project.round + 1} begins; what was measured stays"]
    body = _checked(GoBack, stage=stage, reason=reason)
    return propose(session, f"go back to {label(stage)}", lines, project=project, bodies=[body])


def skip(session: Session, arguments: Omission) -> Said:
    project = session.require_project()
    if not arguments.what:
        raise Mendable("Skip what? `skip align because …`; align, quantize and prompting can be skipped.")
    reason = _reason(arguments.reason, f"skip {arguments.what} because …")
    body = _checked(SkipTechnique, what=arguments.what.lower(), reason=reason)
    return propose(session, f"go without {arguments.what}", [f"because {reason}"], project=project, bodies=[body])


def waive(session: Session, arguments: Exemption) -> Said:
    project = session.require_project()
    if not arguments.requirement:
        lacking = ", ".join(r.id for r in gate(project).missing) or "nothing"
        raise Mendable(f"Waive which requirement? `waive ID because …`; missing at this gate: {lacking}.")
    reason = _reason(arguments.reason, f"waive {arguments.requirement} because …")
    body = _checked(Waive, requirement=arguments.requirement, reason=reason)
    lines = [f"because {reason}", "it shows at the gate and in the report"]
    return propose(session, f"waive {arguments.requirement}", lines, project=project, bodies=[body])


def set_role(session: Session, arguments: Appointment) -> Said:
    project = session.require_project()
    if not arguments.person:
        raise Mendable("Whose role, and which? `role PERSON member`; viewer, member, approver, owner or none.")
    body = _checked(SetRole, person=arguments.person, role=arguments.role)
    held = project.role(arguments.person)
    if held is None and session.thread.startswith("slack:") and not re.fullmatch(SLACK_PERSON, arguments.person):
        raise Mendable(  # the name alone would look right and be nobody
            "In Slack a role is given by mention: type @ and pick the person;"
            f" {arguments.person} as a mere word names nobody."
        )
    now = arguments.role.value if arguments.role else "no member any more"
    lines = [f"now {held.value if held else 'not a member'}, then {now}"]
    return propose(session, f"role of {arguments.person}: {now}", lines, project=project, bodies=[body])


def set_rules(session: Session, arguments: ApprovalRules) -> Said:
    project = session.require_project()
    given = {name: value for name, value in arguments if value is not None}
    if not given:
        raise Mendable("Which rule? `rules approvers=2`, `rules self_approval=false` or `rules hours=24`.")
    lines = [f"{name}: {value} (now {getattr(project.rules, name)})" for name, value in given.items()]
    return propose(session, "rules of approvals", lines, project=project, bodies=[_checked(SetRules, **given)])


def _reason(given: str | None, command: str) -> str:
    reason = (given or "").strip()
    if len(reason) < MIN_REASON:
        raise Mendable(f"Why? The record keeps the reason: `{command}`.")
    return reason


def _checked(kind: type[Any], **values: Any) -> Any:
    """An event from what a person said. Raises `Mendable` in place of a validation error."""
    try:
        return kind(**values)
    except ValueError as error:
        first: list[Any] = getattr(error, "errors", list)()
        fault = first[0] if first else {"loc": ("value",), "msg": str(error), "input": ""}
        name = str(fault["loc"][-1]) if fault["loc"] else "value"
        hint = " Use letters, digits, dots and dashes." if fault.get("type") == "string_pattern_mismatch" else ""
        shown = str(fault.get("input", ""))[:60]
        raise Mendable(f"{name}={shown!r} will not do: {str(fault['msg']).lower()}.{hint}") from None


# --- jobs --------------------------------------------------------------------------------------------------------

# Where a tool needs data that nobody named and one set alone is of the right kind, that one is meant.
_KINDS: dict[tuple[str, str], tuple[DataKind, ...]] = {
    ("pretrain", "data"): (DataKind.CORPUS,),
    ("rlhf", "preferences"): (DataKind.PREFERENCE,),
    ("augment", "data"): (DataKind.FACTS,),
    ("prompt", "data"): (DataKind.TASK,),
}


def run_tool(session: Session, tool: Tool, given: Mapping[str, JsonValue]) -> Said:
    """Propose a job: everything resolved by name and digest, so that what is shown is what starts."""
    project = session.require_project()
    named = {name: value for name, value in given.items() if value is not None}
    params = {**_by_kind(project, tool, given), **named}
    require_right(session, project, StartJob(tool=tool.name))
    resolved, plan = session.desk.plan(project, tool.name, params, thread=session.thread)
    settled = {**resolved.params, **{f: m.name for f, m in resolved.inputs.models.items()}}
    asked = {name: settled[name] for name in given if name in settled}
    lines = job_lines(asked, resolved.model_copy(update={"params": settled}))
    body = StartJob(tool=tool.name, params=settled)
    return propose(session, tool.title, lines, project=project, bodies=[body], plan=plan)


def _by_kind(project: Project, tool: Tool, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for field in tool.datasets:
        info = tool.parameters.model_fields.get(field)
        kinds = _KINDS.get((tool.name, field))
        if given.get(field) or kinds is None or info is None or not info.is_required():
            continue
        fitting = [data.name for data in project.datasets.values() if data.kind in kinds]
        if len(fitting) == 1:
            found[field] = fitting[0]
    return found
