"""What a conversation may ask of the owner: read the state, submit events, look things up. Nothing else."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from agent.lifecycle.events import Body
from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Resolved
from agent.price import Price
from agent.status import JobView, Notice
from knowledge.model import Answer
from tools.contract import Candidate, Frozen, Plan, Tool

__all__ = ["Desk", "JobView", "Notice", "Outcome"]


class Outcome(Frozen):
    """What became of an event: applied or refused, in a sentence, with its number."""

    seq: int
    accepted: bool
    said: str
    project: Project | None


class Desk(Protocol):
    """The owner's side of a conversation. Errors people can mend come as `agent.errors.Mendable`."""

    @property
    def catalogue(self) -> Mapping[str, Tool]: ...

    @property
    def price(self) -> Price | None:
        """Of an hour of the machine; None where nobody set one."""
        ...

    def now(self) -> datetime: ...

    def projects(self, actor: str) -> tuple[Project, ...]:
        """The projects the actor may see, the one touched last first."""
        ...

    def find_project(self, actor: str, name: str) -> Project | None:
        """A project by name or id, if the actor may see it."""
        ...

    def submit(
        self,
        actor: str,
        project_id: str | None,
        body: Body,
        event_id: str | None = None,
        *,
        thread: str | None = None,
    ) -> Outcome:
        """Write an event to the inbox and wait until it is applied; project `None` with `create_project` only.

        The same `event_id` again is the same event. `thread` is the conversation it was asked for in.
        """
        ...

    def plan(
        self, project: Project, tool: str, params: Mapping[str, JsonValue], *, thread: str | None = None
    ) -> tuple[Resolved, Plan]:
        """Check a tool call against the project and say what it will do.

        Raises `Unresolved`, and `NotPermitted` where the call names a path that nobody in `thread` may name.
        """
        ...

    def add_documents(
        self, actor: str, project_id: str, path: Path, event_id: str | None = None, *, thread: str | None = None
    ) -> tuple[Outcome, ...]:
        """Take a document, or every document of a folder, into the project's knowledge; `event_id` begins their ids."""
        ...

    def check_path(self, thread: str, path: str) -> None:
        """Raise `NotPermitted` where somebody in this conversation may not name this file or folder."""
        ...

    def known_model(self, name: str) -> Candidate:
        """A packaged model ("minilm"), a local folder or a hub id as a candidate. Raises `tools.errors.UserFault`."""
        ...

    def answer(self, question: str, project_id: str | None, audiences: tuple[str, ...] | None = None) -> Answer:
        """An answer with citations of what the audiences may see; None: of everything the project has."""
        ...

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        """Every job of the project, newest first, with live progress."""
        ...

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]:
        """Notices newer than `after`, waiting up to `wait` seconds for the first."""
        ...
