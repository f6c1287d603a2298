"""Which conversation a Stop button belongs to: it stands in a thread, and direct messages are one conversation."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from agent.slack.model import Delivery, Place
from agent.slack.turns import Told


class Showing(Protocol):
    """Shows an answer while it is written, with its Stop button (`agent.slack.stream.Streams`)."""

    def open(self, delivery: Delivery, *, again: bool = False) -> Told: ...


class Sessions:
    """Knows the turns that run. May be called from any thread."""

    def __init__(self, inner: Showing, stop: Callable[[str], bool]) -> None:
        """`stop(thread)` ends the turn that runs in a conversation."""
        self._inner = inner
        self._stop = stop
        self._guard = threading.Lock()
        self._running: dict[str, str] = {}  # where a turn's signs are shown: its conversation

    def open(self, delivery: Delivery, *, again: bool) -> Told:
        """Begin a turn."""
        key = shown_at(delivery).key
        with self._guard:
            self._running[key] = delivery.thread
        return _Session(self._inner.open(delivery, again=again), lambda: self._end(key))

    def stop(self, place: Place) -> bool:
        """Stop was pressed there; whether a turn ran."""
        with self._guard:
            thread = self._running.get(place.key, place.key)
        return self._stop(thread)

    def _end(self, key: str) -> None:
        with self._guard:
            self._running.pop(key, None)


class _Session:
    """One turn's `Told`, which tells when it has ended."""

    def __init__(self, told: Told, ended: Callable[[], None]) -> None:
        self._told = told
        self._ended = ended
        self.tell = told.tell

    def finish(self) -> None:
        self._ended()
        with suppress(RuntimeError):  # the loop has ended: the answer is in the outbox, and there is nothing to show
            self._told.finish()


def shown_at(delivery: Delivery) -> Place:
    """The thread that shows a turn's signs: for a line of direct messages that of the line itself."""
    root = delivery.place.thread_ts or (delivery.message or "").rpartition(":")[2] or None
    return delivery.place.model_copy(update={"thread_ts": root})
