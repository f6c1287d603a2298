"""Turns: accepted deliveries are answered, in order within a conversation, many conversations side by side.

A delivery stays waiting until its answer is in the outbox, in one transaction. So after a crash it is simply taken
again; its id is the turn's id, and a turn said again has its effect once.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import OdysseyError, new_reference
from agent.graph.replies import Audience, Reply
from agent.slack.lanes import Lanes, Rush, is_press
from agent.slack.model import Assistant, Delivery, Message, Place, Render, Rendered
from agent.slack.store import SlackStore, Waiting

log = logging.getLogger(__name__)
MOST_TRIES = 20  # times that a process may end in a delivery's turn before the delivery is given up
_PAUSE = 1.0  # seconds before an answer that could not be written is written again
_WRITES = 5
STOPPED = Reply(text="Stopped.", kind="done")


class Told(Protocol):
    """Shows an answer while it is being written. Called from the turn's thread; must not block."""

    def tell(self, piece: str) -> None:
        """The next piece of text."""
        ...

    def finish(self) -> None:
        """The answer is in the outbox, or there will be none."""
        ...


class Telling(Protocol):
    """Opens a `Told` for a turn that begins; `again` where an earlier process began it."""

    def open(self, delivery: Delivery, *, again: bool) -> Told: ...


@dataclass(eq=False)
class Running:
    """A turn at work. Whoever claims it first writes its answer: its worker, or `stop` when that takes too long."""

    item: Waiting
    stop: threading.Event = field(default_factory=threading.Event)
    told: Told | None = None
    _claimed: threading.Lock = field(default_factory=threading.Lock)

    def claim(self) -> bool:
        return self._claimed.acquire(blocking=False)


class Turns:
    """Answers deliveries on threads of its own. `start` once, `wake` when there are new ones, `close` at the end."""

    def __init__(
        self,
        store: SlackStore,
        assistant: Assistant,
        render: Render,
        *,
        telling: Telling | None = None,
        attach: Callable[[Delivery], Delivery] = lambda delivery: delivery,
        workers: int = 16,
        reserved: int = 4,
        patience: float = 1.5,
    ) -> None:
        """`telling` shows answers while they are written (`agent.slack.stream.Streams`).

        `attach` fetches a delivery's files and turns them into words; it may raise `OdysseyError`. `workers` answer
        anything, `reserved` only presses. A turn that was stopped has `patience` seconds to return by itself.
        """
        self._store = store
        self._assistant = assistant
        self._render = render
        self._telling = telling
        self._attach = attach
        self._workers = workers
        self._reserved = reserved
        self._patience = patience
        self._lanes = Lanes()
        self._rush = Rush()
        self._running: dict[str, Running] = {}
        self._guard = threading.Lock()
        self._news = threading.Event()
        self._closed = False
        self._threads: list[threading.Thread] = []

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier process left, and everything accepted from now on."""
        self._news.set()
        self._spawn(self._feed, "slack-turns")
        for _ in range(self._workers):
            self._spawn(self._work, "slack-turn", False)
        for _ in range(self._reserved):
            self._spawn(self._work, "slack-press", True)

    def wake(self) -> None:
        """There may be new deliveries. From any thread."""
        self._news.set()

    def close(self, timeout: float = 5.0) -> None:
        """Let running turns end for up to `timeout` seconds in all; what is left is taken after the next start."""
        self._closed = True
        self._news.set()
        self._lanes.close()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self, thread: str) -> bool:
        """End the turn that runs in a conversation, within two seconds; False if none runs.

        A worker that does not return in time is left behind: its answer is dropped and "Stopped." is the answer.
        """
        with self._guard:
            # Slack names a thread even where the conversation is a whole direct message.
            running = self._running.get(thread) or self._running.get(thread.rpartition(":")[0])
        if running is None:
            return False
        if not running.stop.is_set():
            running.stop.set()
            timer = threading.Timer(self._patience, self._leave_behind, [running])
            timer.daemon = True
            timer.start()
        return True

    def running(self) -> frozenset[str]:
        """The conversations in which a turn runs."""
        with self._guard:
            return frozenset(self._running)

    def _spawn(self, target: Callable[..., None], name: str, *args: object) -> None:
        thread = threading.Thread(target=target, name=name, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- threads -------------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Put new deliveries into the lanes: numbers grow in the order of acceptance."""
        last = 0
        while True:
            self._news.wait()
            self._news.clear()
            if self._closed:
                return
            try:
                while found := self._store.waiting(last):
                    self._rush.arrived(len(found))
                    for item in found:
                        self._lanes.put(item)
                    last = found[-1].seq
            except SQLAlchemyError:
                log.exception("%s: waiting deliveries could not be read", new_reference())
                time.sleep(_PAUSE)
                self._news.set()

    def _work(self, presses_only: bool) -> None:
        while (item := self._lanes.take(presses_only=presses_only)) is not None:
            running = Running(item)
            with self._guard:
                self._running[item.delivery.thread] = running
            reply, failed = self._turn(running)
            if not running.claim():
                return  # left behind: another worker has taken this one's place
            self._settle(running, reply, failed=failed)

    def _leave_behind(self, running: Running) -> None:
        """Answer in place of a worker that does not return, and put another one in its place."""
        if not running.claim():
            return
        log.warning("The turn of %s was stopped and did not return; its answer is dropped", running.item.delivery.id)
        self._spawn(self._work, "slack-turn", False)
        self._settle(running, STOPPED)

    # --- one turn ------------------------------------------------------------------------------------------------

    def _turn(self, running: Running) -> tuple[Reply, bool]:
        """What to answer, and whether that is a failure of ours. Never raises: a person always gets an answer."""
        delivery = running.item.delivery
        try:
            tries = self._store.taken(running.item.seq)
            if tries > MOST_TRIES:
                return _sorry(delivery, f"was given up after {tries - 1} tries"), True
            if self._telling is not None:
                running.told = self._telling.open(delivery, again=tries > 1)
            if not is_press(delivery):
                self._rush.wait()
            if running.stop.is_set():
                return STOPPED, False
            return self._say(running, self._attach(delivery) if delivery.files else delivery), False
        except OdysseyError as error:
            log.info("%s: the turn of %s was refused: %s", error.reference, delivery.id, error)
            return Reply(text=str(error), kind="refused"), False
        except Exception:  # the boundary of a turn: the person must get an answer, and the next turn its worker
            reply = _sorry(delivery, "failed")
            log.exception("The turn of %s failed; the person was told so", delivery.id)
            return reply, True

    def _say(self, running: Running, delivery: Delivery) -> Reply:
        return self._assistant.say(
            delivery.actor,
            delivery.thread,
            delivery.text,
            delivery.project,
            turn=delivery.id,
            fallback=self._store.binding(delivery.place),
            seen=delivery.seen,
            audience=_audience(delivery),
            tell=running.told.tell if running.told is not None else None,
            stop=running.stop,
        )

    def _settle(self, running: Running, reply: Reply, *, failed: bool = False) -> None:
        """Write the answer and let the conversation go on. Only who claimed the turn comes here."""
        delivery = running.item.delivery
        with self._guard:
            del self._running[delivery.thread]
        messages = self._rendered(delivery, reply)
        self._write(running.item, messages, _bound(delivery, reply), failed=failed)
        if running.told is not None:
            running.told.finish()
        self._lanes.release(delivery.thread)

    def _rendered(self, delivery: Delivery, reply: Reply) -> Sequence[Message]:
        try:
            return self._render(delivery, reply)
        except Exception:  # the boundary of the drawing: the words at least
            sorry = _sorry(delivery, "has an answer that cannot be drawn")
            log.exception("The answer to %s cannot be drawn", delivery.id)
            key = f"reply:{delivery.id}:0"
            return (Message(key=key, place=delivery.place, body=Rendered(text=sorry.text)),)

    def _write(
        self, item: Waiting, messages: Sequence[Message], bound: tuple[Place, str] | None, *, failed: bool
    ) -> None:
        """Write the answer; where that fails for good, the delivery stays waiting for the next start."""
        for number in range(1, _WRITES + 1):
            try:
                self._store.done(item.seq, messages, bound, failed=failed)
                return
            except (SQLAlchemyError, ValidationError):
                log.exception("%s: the answer to %s was not written", new_reference(), item.delivery.id)
                time.sleep(_PAUSE * number)


def _bound(delivery: Delivery, reply: Reply) -> tuple[Place, str] | None:
    """The channel and the project that a command bound it to."""
    project = reply.data.get("bound")
    return (delivery.place, project) if delivery.way == "command" and isinstance(project, str) else None


def _audience(delivery: Delivery) -> Audience | None:
    """Who hears the answer: the channel, or the person alone, to whom a slash command is answered."""
    if delivery.way == "command":
        return None
    return Audience(channel=delivery.place.channel, direct=delivery.place.channel.startswith("D"))


def _sorry(delivery: Delivery, what: str) -> Reply:
    """A sentence to quote; the log knows the rest under its id."""
    reference = new_reference()
    log.error("%s: the turn of delivery %s %s", reference, delivery.id, what)
    return Reply(text=f"Something went wrong in Odyssey; your request is kept under {reference}.", kind="error")
