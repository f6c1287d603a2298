"""The applier: drains the inbox into the life cycle, one event at a time, and writes down what each did.

The order of things makes a kill at any moment harmless: the event is in the inbox, then the graph's checkpoint
holds its decision, then one transaction of the ledger writes all its consequences. Where the checkpoint is ahead
of the ledger, that transaction is done again.
"""

import logging
import threading
from collections.abc import Callable

from langgraph.types import Command

from agent.graph.lifecycle import LifecycleGraph, decision_of, state_of, thread
from agent.ledger.ledger import Applied, Ledger
from agent.lifecycle.apply import create
from agent.lifecycle.decision import Decision, Effect
from agent.lifecycle.events import CreateProject, Event
from agent.worker import Worker

log = logging.getLogger(__name__)
IDLE = 1.0  # seconds after which the inbox is looked at unasked
_KEEP_EVERY = 50  # events of a thread between two prunings of its old checkpoints


class Applier:
    """Owns the life-cycle threads: nothing else resumes them."""

    def __init__(
        self,
        ledger: Ledger,
        graph: LifecycleGraph,
        *,
        prune: Callable[[str], None] | None = None,
        on_applied: Callable[[], None] | None = None,
        follows: tuple[Effect, ...] = (),
    ) -> None:
        """`follows`: effects of every event that was accepted, beside its own."""
        self._ledger = ledger
        self._graph = graph
        self._prune = prune
        self._on_applied = on_applied
        self._follows = follows
        self._news = threading.Condition()
        self._worker = Worker("applier", lambda: self.drain() > 0, IDLE)
        self.start, self.stop = self._worker.start, self._worker.stop
        self.wake = self._worker.wake  # says that the inbox has something new

    def wait_for(self, seq: int, timeout: float) -> Applied | None:
        """What became of event `seq`, waiting up to `timeout` seconds; None if it still waits."""
        with self._news:
            # Woken under the lock that the worker needs to say "applied": the news cannot come before the waiting.
            self.wake()
            self._news.wait_for(lambda: self._ledger.applied(seq) is not None, timeout)
        return self._ledger.applied(seq)

    def drain(self) -> int:
        """Apply everything that waits; the number of events applied."""
        count = 0
        while events := self._ledger.waiting():
            for event in events:
                self._apply(event)
                count += 1
        return count

    def _apply(self, event: Event) -> None:
        decision = self._decide(event)
        if isinstance(decision, str):
            self._ledger.refuse(event, decision)
        else:
            follows = self._follows if decision.accepted else ()
            self._ledger.record(event, decision.model_copy(update={"effects": (*decision.effects, *follows)}))
            if self._prune is not None and event.seq % _KEEP_EVERY == 0:
                self._prune(event.project)
        with self._news:
            self._news.notify_all()
        if self._on_applied is not None:
            self._on_applied()

    def _decide(self, event: Event) -> Decision | str:
        """The event's decision, durable in the checkpoint; a sentence if there is no project to apply it to."""
        config = thread(event.project)
        snapshot = self._graph.get_state(config)
        if not snapshot.values:
            return self._begin(event)
        if snapshot.values["seq"] < event.seq:
            if not snapshot.interrupts:
                # Killed between two nodes: go on to where the thread waits.
                self._graph.invoke(None, config, durability="sync")
                snapshot = self._graph.get_state(config)
            resume = {snapshot.interrupts[0].id: event.model_dump(mode="json")}
            self._graph.invoke(Command(resume=resume), config, durability="sync")
            snapshot = self._graph.get_state(config)
        return decision_of(snapshot.values)

    def _begin(self, event: Event) -> Decision | str:
        if not isinstance(event.body, CreateProject):
            return "There is no such project; `create project NAME` begins one."
        if self._ledger.project_by_name(event.body.name) is not None:
            return f"There is a project called {event.body.name} already; `use {event.body.name}` goes there."
        decision = create(event)
        self._graph.invoke(state_of(event, decision), thread(event.project), durability="sync")
        return decision
