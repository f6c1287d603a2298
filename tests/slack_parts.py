"""What the tests of acceptance and sending share: deliveries, an assistant that answers by a script, a record."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.graph.replies import Reply
from agent.ledger.database import open_database
from agent.slack.gateway import Limits
from agent.slack.model import Delivery, Message, Place, Rendered
from agent.slack.store import SlackStore

TEAM = "T000LOCAL"
QUICK = Limits(
    tiers=dict.fromkeys((1, 2, 3, 4), 60_000),
    posts_a_minute=60_000,
    post_a_second=1000,
    post_burst=1000,
    pause=0.001,
)  # no limit in the way
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def place(channel: str = "C00GENERAL", thread_ts: str | None = None) -> Place:
    return Place(team=TEAM, channel=channel, thread_ts=thread_ts)


def delivery(number: int | str, thread: str = "1700000000.000100", text: str = "status", **more: Any) -> Delivery:
    """A line in a thread of #general."""
    where = more.pop("place", None) or place(thread_ts=thread)
    values = {
        "id": f"Ev{number}",
        "message": f"{TEAM}:{where.channel}:1700000001.{number:0>6}",
        "thread": where.key,
        "place": where,
        "actor": "U000000ADA",
        "at": AT,
        "way": "mention",
        "text": text,
    }
    return Delivery.model_validate(values | more)


def new_store(folder: Path) -> SlackStore:
    return SlackStore(open_database(folder / "odyssey.db"))


def plainly(delivery: Delivery, reply: Reply) -> Sequence[Message]:
    """The answer as it is, cut into messages of 10,000 characters."""
    parts = [reply.text[start : start + 10_000] for start in range(0, len(reply.text), 10_000)] or [""]
    return [
        Message(
            key=f"reply:{delivery.id}:{number}",
            place=delivery.place,
            body=Rendered(text=part[:3000], blocks=({"type": "markdown", "text": part},)),
        )
        for number, part in enumerate(parts)
    ]


class Scripted:
    """An assistant whose answers come from a function; it notes what it was asked, in order, by thread."""

    catalogue: Mapping[str, Any] = {}

    def __init__(self, answer: Callable[..., Reply | str] = lambda text, **_: f"You said {text}.") -> None:
        self._answer = answer
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.asked: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def say(self, actor: str, thread: str, text: str, project: str | None = None, **more: Any) -> Reply:
        with self._lock:
            self.heard[thread].append(text)
            self.asked.append({"actor": actor, "thread": thread, "text": text, "project": project, **more})
        answer = self._answer(text, **more)
        return Reply(text=answer) if isinstance(answer, str) else answer


class Until:
    """Waits for a condition that other threads bring about, without a fixed sleep."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def holds(self, condition: Callable[[], bool], timeout: float = 20.0) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, timeout)
