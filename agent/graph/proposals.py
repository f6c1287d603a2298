"""Proposals: an effect is shown with everything it will do, and waits for a person's yes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from agent.errors import NotPermitted
from agent.graph.replies import ToolForm
from agent.graph.session import BODY, Proposal, Said, Session
from agent.lifecycle import permissions
from agent.lifecycle.apply import apply
from agent.lifecycle.events import AddDocument, Body, CreateProject, Event, StartJob
from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Resolved
from agent.markdown import duration, setting, short
from agent.price import Price
from tools.contract import Candidate, Dataset, Plan, Tool

DONE_TWICE = "Something is proposed in this turn already; a person answers one proposal at a time."


def propose(
    session: Session,
    title: str,
    lines: Sequence[str],
    *,
    project: Project | None,
    bodies: Sequence[Body] = (),
    documents: str | None = None,
    plan: Plan | None = None,
) -> Said:
    """Show an effect and let it wait; refused at once where it would be refused anyway."""
    if session.proposed_now:
        return Said(text=DONE_TWICE, kind="refused")
    if project is not None and (reason := objection(session, project, bodies)):
        return Said(text=reason, kind="refused")
    number = session.proposals + 1
    replaced = (
        f"Proposal {session.proposal.number} ({session.proposal.title}) is dropped.\n\n" if session.proposal else ""
    )
    where = f" in {project.name}" if project else ""
    shown = "\n".join(f"- {line}" for line in lines) + (_planned(plan, session.desk.price) if plan else "")
    answer = f"Say `yes` (or `confirm {number}`) to do it, `no` to leave it."
    card = f"**Proposal {number}: {title}{where}**\n\n{shown}\n\n{answer}"
    session.proposals, session.proposed_now = number, True
    session.proposal = Proposal(
        number=number,
        actor=session.actor,
        title=title,
        text=card,
        project=project.id if project else None,
        events=tuple(BODY.dump_python(body, mode="json") for body in bodies),
        documents=documents,
    )
    return Said(text=replaced + card, kind="proposal")


def objection(session: Session, project: Project, bodies: Sequence[Body]) -> str | None:
    """Why the life cycle would refuse these events from this person now, or None; nothing is changed."""
    for body in bodies:
        event = Event(
            id="what-if",
            seq=project.seq + 1,
            project=project.id,
            actor=session.actor,
            at=session.desk.now(),
            body=body,
        )
        decision = apply(project, event, session.desk.catalogue)
        if not decision.accepted:
            return decision.said
        project = decision.project
    return None


def require_right(session: Session, project: Project, body: Body) -> None:
    """Raise `NotPermitted`, saying who could, if the person may not cause such an event."""
    if not permissions.may(project, session.actor, body.kind):
        raise NotPermitted(permissions.refusal(project, session.actor, body))


def require_document_right(session: Session, project: Project) -> None:
    require_right(session, project, AddDocument(name="", path="", digest=""))


def form_of(proposal: Proposal, catalogue: Mapping[str, Tool]) -> ToolForm | None:
    """What a form needs to change the one job that is proposed: what stands at its default is known there."""
    if len(proposal.events) != 1:
        return None
    body = BODY.validate_python(proposal.events[0])
    if not isinstance(body, StartJob) or body.tool not in catalogue:
        return None
    defaults = catalogue[body.tool].parameters.model_construct().model_dump(mode="json", warnings=False)
    params = {n: value for n, value in body.params.items() if n not in defaults or value != defaults[n]}
    return ToolForm(tool=body.tool, params=params)


def carry_out(session: Session, proposal: Proposal) -> Said:
    """Submit what was proposed, as the person who confirmed it."""
    if proposal.documents is not None and proposal.project is not None:
        return _take_documents(session, proposal.project, proposal.documents)
    told, data = [], dict[str, JsonValue]()
    for number, raw in enumerate(proposal.events):
        body = BODY.validate_python(raw)
        event_id = f"{session.turn}:{number}" if session.turn else None
        outcome = session.desk.submit(session.actor, proposal.project, body, event_id, thread=session.thread)
        told.append(outcome.said)
        if not outcome.accepted:
            return Said(text="\n\n".join(told), kind="refused")
        if isinstance(body, StartJob):
            data["job"] = f"j{outcome.seq}"
        if isinstance(body, CreateProject) and outcome.project is not None:
            session.project_id = data["bound"] = outcome.project.id
    return Said(text="\n\n".join(told), kind="done", data=data)


def _take_documents(session: Session, project: str, path: str) -> Said:
    outcomes = session.desk.add_documents(
        session.actor, project, Path(path), f"{session.turn}:0" if session.turn else None, thread=session.thread
    )
    refused = [outcome.said for outcome in outcomes if not outcome.accepted]
    if refused:
        return Said(text="\n".join(refused), kind="refused")
    taken = [outcome.said for outcome in outcomes]
    more = [f"and {len(taken) - 5} more"] if len(taken) > 5 else []
    return Said(text="\n".join(f"- {line}" for line in taken[:5] + more), kind="done")


# --- the card of a job -------------------------------------------------------------------------------------------


def job_lines(given: Mapping[str, JsonValue], resolved: Resolved) -> list[str]:
    """What a job works on, and with which parameters."""
    lines = [f"{name}: {_data(data)}" for name, data in resolved.inputs.data.items()]
    lines += [f"{name}: {_model(model)}" for name, model in resolved.inputs.models.items()]
    shown = {
        k: v for k, v in resolved.params.items() if k not in resolved.inputs.data and k not in resolved.inputs.models
    }
    asked = {k: v for k, v in shown.items() if k in given}
    rest = {k: v for k, v in shown.items() if k not in given and v}  # what is off by default is not worth a word
    if asked:
        lines.append(f"as you say: {_values(asked)}")
    if rest:
        lines.append(f"by default: {_values(rest)}")
    return lines


def _planned(plan: Plan, price: Price | None) -> str:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(plan.steps, 1))
    paid = f", {price.of(plan.seconds)}" if price else ""
    cost = f"Expected: {duration(plan.seconds)}, {plan.memory_bytes / 1e9:.1f} GB of memory{paid}."
    warnings = "".join(f"\n\n⚠ {warning}" for warning in plan.warnings)
    return f"\n\n{steps}\n\n{cost}{warnings}"


def _values(values: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{key}={setting(value)}" for key, value in values.items())


def _data(data: Dataset) -> str:
    rows = ", ".join(f"{name} {split.rows}" for name, split in data.splits.items())
    return f"{data.name} ({data.kind}: {rows}; {short(data.digest)})"


def _model(model: Candidate) -> str:
    return f"{model.name} ({model.method}, {model.parameters / 1e6:.2f} M weights; {short(model.digest)})"
