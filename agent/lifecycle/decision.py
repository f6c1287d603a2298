"""What an event did: the next project, what to do outside of it, what to say."""

from typing import Any, Literal

from agent.lifecycle.events import SYSTEM
from agent.lifecycle.project import Advice, DocumentRef, Project
from tools.contract import Frozen, Spec


class Effect(Frozen):
    """Something to do outside the state, once: carried out from the outbox under a key of its event."""

    kind: Literal["submit_job", "cancel_job", "resume_job", "ingest", "forget", "discard", "render_state"]
    job: str | None = None
    attempt: int = 1
    by: str = SYSTEM
    spec: Spec | None = None
    document: DocumentRef | None = None


class Decision(Frozen):
    """What an event did. A refused event changes nothing but the project's sequence number."""

    project: Project
    accepted: bool
    said: str  # one or two sentences for the person
    effects: tuple[Effect, ...] = ()
    advice: Advice | None = None  # what comes next, for those who are told of a job's end


class Refused(Exception):
    """The event cannot be applied; the text is what the person reads."""


def accept(project: Project, said: str, *effects: Effect, **changes: Any) -> Decision:
    return Decision(project=project.model_copy(update=changes), accepted=True, said=said, effects=effects)
