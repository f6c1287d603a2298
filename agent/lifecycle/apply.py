"""`apply(project, event)`: the one pure decision. It gives the next project, what to do, and what to say."""

from typing import assert_never

from agent.lifecycle import answers, material, members, moves, permissions, work
from agent.lifecycle.decision import Decision, Refused
from agent.lifecycle.events import (
    AddCandidate,
    AddDocument,
    Advance,
    Approve,
    CancelJob,
    ChooseModel,
    CorrectAnswer,
    CreateProject,
    Event,
    FinishJob,
    GoBack,
    PinAnswer,
    Reject,
    RejectCorrection,
    RemoveDocument,
    ResumeJob,
    SetCharter,
    SetRole,
    SetRules,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.project import Project, Role
from agent.lifecycle.resolve import Catalogue, Unresolved
from agent.lifecycle.stages import label


def create(event: Event) -> Decision:
    """A new project, owned by who asked for it."""
    body = event.body
    if not isinstance(body, CreateProject):
        raise Refused("A project begins with its creation.")
    project = Project(
        id=event.project,
        name=body.name,
        created_by=event.actor,
        created_at=event.at,
        members={event.actor: Role.OWNER},
        seq=event.seq,
    )
    project = project.model_copy(
        update={"charter": project.charter.model_copy(update={"description": body.description})}
    )
    return Decision(
        project=project,
        accepted=True,
        said=f"Project {body.name} is created; {event.actor} owns it. It begins at {label(project.stage)}.",
    )


def apply(project: Project, event: Event, catalogue: Catalogue) -> Decision:
    """The next state. Never raises for what a person asked: a refusal is a decision, too."""
    stamped = project.model_copy(update={"seq": event.seq})
    if not permissions.may(project, event.actor, event.body.kind):
        said = permissions.refusal(project, event.actor, event.body)
        return Decision(project=stamped, accepted=False, said=said)
    try:
        return _decide(stamped, event, catalogue)
    except (Refused, Unresolved) as refusal:
        return Decision(project=stamped, accepted=False, said=str(refusal))


def _decide(project: Project, event: Event, catalogue: Catalogue) -> Decision:
    match event.body:
        case CreateProject(name=name):
            raise Refused(f"There is a project called {name} already.")
        case SetCharter() as body:
            return material.set_charter(project, body)
        case AddDocument() as body:
            return material.add_document(project, event, body)
        case RemoveDocument(name=name):
            return material.remove_document(project, name)
        case AddCandidate() as body:
            return material.add_candidate(project, body)
        case ChooseModel() as body:
            return material.choose(project, event, body)
        case StartJob() as body:
            return work.start(project, event, body, catalogue)
        case FinishJob() as body:
            return work.finish(project, event, body)
        case CancelJob() as body:
            return work.cancel(project, event, body)
        case ResumeJob() as body:
            return work.resume(project, event, body)
        case SkipTechnique() as body:
            return moves.skip(project, event, body)
        case Advance():
            return moves.advance(project, event)
        case Approve() as body:
            return moves.approve(project, event, body)
        case Reject() as body:
            return moves.reject(project, event, body)
        case GoBack() as body:
            return moves.go_back(project, event, body)
        case Waive() as body:
            return moves.waive(project, event, body)
        case SetRole() as body:
            return members.set_role(project, body)
        case SetRules() as body:
            return members.set_rules(project, body)
        case CorrectAnswer() as body:
            return answers.correct(project, event, body)
        case PinAnswer() as body:
            return answers.pin(project, event, body)
        case RejectCorrection() as body:
            return answers.reject(project, event, body)
        case _:
            assert_never(event.body)
