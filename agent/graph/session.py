"""One turn at work: what the toolset may see and change. Its lasting part is plain JSON in the graph's state."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import Field, JsonValue, TypeAdapter

from agent.details import JobRecord
from agent.errors import Mendable, NotPermitted
from agent.graph.desk import Desk
from agent.graph.follow_up import complete
from agent.graph.intents import Context
from agent.graph.replies import Audience, ReplyKind, Turn
from agent.language.detect import Language, language_of
from agent.lifecycle.events import Body
from agent.lifecycle.project import Project
from agent.status import AuditLine
from knowledge.model import Citation
from tools.contract import Frozen

MOST_SAID = 4000  # characters of an answer that a correction quotes
MOST_KEPT = 1000  # characters of a question that follow-up questions lean on
BODY: TypeAdapter[Body] = TypeAdapter(Body)


class RecordedDesk(Desk, Protocol):
    """A desk that also shows the record: of a project, and what a job left."""

    def audit(self, project_id: str) -> Sequence[AuditLine]: ...

    def job_record(self, job: str) -> JobRecord: ...


class Said(Frozen):
    """What a call of the toolset answers. `final` ends the turn with exactly this text, whichever model is at work."""

    text: str
    kind: ReplyKind = "answer"
    citations: tuple[Citation, ...] = ()
    data: dict[str, JsonValue] = Field(default_factory=dict)
    final: bool = False


class Asked(Frozen):
    """The last question of a thread, complete in itself, and the call that answered it."""

    question: str
    call: str
    project: str | None = None  # id of the project it was asked about: it means nothing in another one
    said: str = ""  # the answer, where it cited something
    sources: tuple[str, ...] = ()


class Call(Frozen):
    """A call of the toolset with its arguments, as a model asks for it or a choice stands for it."""

    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Option(Frozen):
    """A choice that waits for its number."""

    label: str
    call: Call


class Proposal(Frozen):
    """An effect that waits for a yes. It dies when it is declined, replaced or carried out."""

    number: int
    actor: str  # who asked for it
    title: str
    text: str  # the card the person saw
    project: str | None  # id; None creates one
    events: tuple[dict[str, JsonValue], ...] = ()  # bodies, in order; the first refusal ends it
    documents: str | None = None  # a path whose documents are taken into the project's knowledge


@dataclass
class Session:
    """A turn's actor and desk, and the conversation's lasting memory, which calls may change."""

    desk: RecordedDesk
    actor: str
    thread: str
    turn: str | None = None  # the turn's id
    place: str | None = None  # id of the project of the place the conversation is held in
    project_id: str | None = None
    proposal: Proposal | None = None
    options: tuple[Option, ...] = ()
    asking: str | None = None  # the charter's field that the next plain sentence answers
    draft: dict[str, JsonValue] = field(default_factory=dict)  # fields of the charter collected so far
    proposals: int = 0  # proposals made in this thread
    languages: dict[str, Language] = field(default_factory=dict)  # by person: what they spoke last
    asked: Asked | None = None  # what a follow-up question leans on
    audience: Audience | None = None  # who hears the answer; None: the person alone
    line: str = ""  # what was said in this turn
    proposed_now: bool = False  # whether a proposal was made in this turn

    @property
    def language(self) -> Language:
        """The language of the person who speaks now."""
        return self.languages.get(self.actor, "en")

    def hear(self, text: str, *, command: bool) -> None:
        """Note the language of what the person said; an English command is everybody's, a question is not."""
        heard = language_of(text, self.language)
        if heard == "zh" or not command or text.rstrip().endswith("?"):
            self.languages[self.actor] = heard

    def note(self, question: str, call: str) -> None:
        """Keep what was asked for follow-up questions; one that only follows up is kept complete already."""
        if self.asked is None or complete(self.line, self.asked.question) is None:
            self.asked = Asked(question=question[:MOST_KEPT], call=call, project=self.project_id)

    @property
    def project(self) -> Project | None:
        return self.desk.find_project(self.actor, self.project_id) if self.project_id else None

    def require_project(self) -> Project:
        """The project this is about: the bound one, the place's, or the only one the person sees. Raises `Mendable`."""
        if self.project_id is None and self.place is not None:
            self.project_id = self.place
        if (bound := self.project) is not None:
            return bound
        if self.project_id is not None:
            raise self.outside()
        seen = self.desk.projects(self.actor)
        if len(seen) == 1:
            self.project_id = seen[0].id
            return seen[0]
        if not seen:
            raise Mendable("There is no project yet: `create project NAME` makes one.")
        names = ", ".join(project.name for project in seen)
        raise Mendable(f"Which project is this for? `use NAME`, with one of {names}; or `create project NAME`.")

    def outside(self) -> NotPermitted:
        """What somebody without a role is told: neither another of their projects is shown, nor this one's name."""
        own = ", ".join(project.name for project in self.desk.projects(self.actor)) or "none yet"
        return NotPermitted(
            f"This conversation is about a project that {self.actor} has no role in; an owner of it can give one:"
            f" `role {self.actor} viewer`. Your own: {own}."
        )

    def context(self) -> Context:
        projects = [project.name for project in self.desk.projects(self.actor)]
        return Context.of(self.project, projects, self.desk.catalogue)

    # --- to and from the graph's state ---------------------------------------------------------------------------

    @classmethod
    def of(cls, desk: RecordedDesk, memory: "Memory", turn: Turn) -> "Session":
        lasting = {name: getattr(memory, name) for name in LASTING}
        return cls(
            desk=desk,
            actor=turn.actor,
            thread=turn.thread,
            turn=turn.id,
            place=turn.fallback,
            audience=turn.audience,
            line=turn.text,
            **lasting,
        )

    def memory(self) -> "Memory":
        return Memory(**{name: getattr(self, name) for name in LASTING})


LASTING = ("project_id", "proposal", "options", "asking", "draft", "proposals", "languages", "asked")


class Memory(Frozen):
    """The lasting part of a session."""

    project_id: str | None = None
    proposal: Proposal | None = None
    options: tuple[Option, ...] = ()
    asking: str | None = None
    draft: dict[str, JsonValue] = Field(default_factory=dict)
    proposals: int = 0
    languages: dict[str, Language] = Field(default_factory=dict)
    asked: Asked | None = None


Line = dict[str, Any]  # one message of the window: role, text, and calls or the call it answers
Role = Literal["person", "assistant", "tool"]
