"""What the Slack side speaks in: where something is said, what was delivered, what is to be posted."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import JsonValue

from agent.graph.desk import JobView, Outcome
from agent.graph.replies import Audience, Reply
from agent.language.detect import Language
from agent.lifecycle.events import Body
from agent.lifecycle.project import Project
from tools.contract import Frozen, Tool

Block = dict[str, JsonValue]
Way = Literal["mention", "direct", "thread", "command", "shortcut", "button", "modal", "upload"]
Rank = Literal["reply", "final", "card", "progress"]  # sent in this order where there is a choice


class Place(Frozen):
    """Where something is posted: a channel or direct message, or a thread in it."""

    team: str
    channel: str
    thread_ts: str | None = None

    @property
    def key(self) -> str:
        """`slack:T1:C1`, with the thread's root `slack:T1:C1:1700000000.000100`."""
        parts = ["slack", self.team, self.channel, *([self.thread_ts] if self.thread_ts else [])]
        return ":".join(parts)

    @classmethod
    def of(cls, key: str | None) -> "Place | None":
        """The place of a conversation key, None if it is not Slack's; a slash command's stands in its channel."""
        parts = (key or "").split(":")
        if len(parts) < 3 or parts[0] != "slack":
            return None
        root = parts[3] if len(parts) == 4 else None
        return cls(team=parts[1], channel=parts[2], thread_ts=root)


class Attachment(Frozen):
    """A file that a person gave with a message."""

    id: str
    name: str
    size: int  # bytes
    url: str  # to fetch with the bot's token
    mimetype: str = ""


class Delivery(Frozen):
    """One thing a person said or pressed, as it is accepted. `id` is unique for ever."""

    id: str  # Slack's event id; for actions and commands one made of what Slack repeats on a retry
    message: str | None = None  # "TEAM:CHANNEL:TS" of a message: a mention arrives as two events
    thread: str  # the conversation; turns of one conversation are taken in order
    place: Place
    actor: str
    at: datetime
    way: Way
    text: str
    seen: str | None = None  # digest of what the pressed card showed
    project: str | None = None  # id of the project the pressed card was about
    files: tuple[Attachment, ...] = ()


class Rendered(Frozen):
    """A message's body: `text` for notifications and where blocks are not shown."""

    text: str
    blocks: tuple[Block, ...] = ()


class Message(Frozen):
    """Something that must stand in Slack, once, under its key; a new body updates it in place."""

    key: str
    place: Place
    body: Rendered
    rank: Rank = "reply"
    ephemeral_for: str | None = None  # user id: seen by this person only, and not kept
    upload: Path | None = None  # a picture to show in place of blocks; `body.text` is its alt text


class Assistant(Protocol):
    """What the Slack side asks of the owner. Calls block; they run in worker threads."""

    @property
    def catalogue(self) -> Mapping[str, Tool]: ...

    def now(self) -> datetime: ...

    def say(
        self,
        actor: str,
        thread: str,
        text: str,
        project: str | None = None,
        *,
        turn: str | None = None,
        fallback: str | None = None,
        seen: str | None = None,
        audience: Audience | None = None,
        tell: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Reply:
        """One turn. `project` binds the conversation; `fallback`, the channel's project, counts where none is bound.

        `turn` said again has its effect once and the same reply. `tell` hears each new piece of text as it is written;
        `stop`, once set, ends the turn at the next word.
        """
        ...

    def projects(self, actor: str) -> tuple[Project, ...]: ...

    def find_project(self, actor: str, name: str) -> Project | None: ...

    def all_projects(self) -> tuple[Project, ...]:
        """Every project, the one touched last first: for boards, which show a project only where it is at home."""
        ...

    def jobs(self, project_id: str) -> tuple[JobView, ...]: ...

    def asked_in(self, seq: int) -> str | None:
        """The conversation in which event `seq` was asked for: job `j17` and approval `17` are events' numbers."""
        ...

    def spoken(self, thread: str, actor: str) -> Language:
        """The language a person spoke last in a conversation."""
        ...

    def submit(self, actor: str, project_id: str | None, body: Body, event_id: str | None = None) -> Outcome: ...

    def vote(self, turn: str, actor: str, good: bool, reason: str = "") -> None:
        """Keep a person's vote on the answer of a turn; the last one of a person counts."""
        ...

    def curve(self, job: str) -> Path | None:
        """The picture of a job's curves (PNG), if it drew one."""
        ...


class Names(Protocol):
    """People's names as Slack shows them; an unknown id stays as it is."""

    def __call__(self, text: str) -> str:
        """The text with ids of known people replaced by their display names."""
        ...


Render = Callable[[Delivery, Reply], Sequence[Message]]  # pure: what is to be posted for an answer
