"""Keeps the knowledge store's copy of the projects' states: what each event changed is put there from the outbox.

An event leaves the wish `render_state` in the outbox, in the transaction that writes the event's consequences. It is
done when the store has the texts, so a kill at any moment only delays it; of several wishes for a project the newest
stands for all. Nothing is put while the store is closed: a process that is asked nothing does not load it.
"""

import threading
from collections.abc import Callable

from agent.facts import facts
from agent.ledger.ledger import Ledger, OutboxRow
from agent.lifecycle.decision import Effect
from agent.worker import Worker
from knowledge.knowledge import Knowledge

RENDER = Effect(kind="render_state")  # follows every event that was accepted
IDLE = 5.0  # seconds until a wish that failed is tried again


class CurrentFacts:
    """A project's texts as of now, by key. The texts are made once an event, the event's number is read every time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._made: dict[str, tuple[int, dict[str, str]]] = {}

    def __call__(self, project_id: str, key: str) -> str | None:
        return self.all(project_id).get(key)

    def all(self, project_id: str) -> dict[str, str]:
        """Every text of a project; none if there is no such project."""
        seq = self._ledger.last_event(project_id)
        with self._lock:
            made = self._made.get(project_id)
            if made is not None and made[0] == seq:
                return made[1]
        project = self._ledger.project(project_id)
        if project is None:
            return {}
        texts = facts(project)
        with self._lock:
            self._made[project_id] = (project.seq, texts)
        return texts


class StateIndex:
    """Drains the wishes into the store, each project's newest first of all its own."""

    def __init__(self, ledger: Ledger, opened: Callable[[], Knowledge | None], current: CurrentFacts) -> None:
        """`opened` gives the knowledge store if it is open."""
        self._ledger = ledger
        self._opened = opened
        self._current = current
        self._news = threading.Condition()
        self._worker = Worker("state index", lambda: self.drain() > 0, IDLE)
        self.start, self.stop, self.wake = self._worker.start, self._worker.stop, self._worker.wake

    def drain(self) -> int:
        """Put what waits into the store; how many projects were put."""
        newest: dict[str, OutboxRow] = {}
        for row in self._ledger.wishes():
            if row.project in newest:
                self._ledger.done(newest[row.project].key)
            newest[row.project] = row
        knowledge = self._opened()
        if knowledge is None:
            return 0
        for row in newest.values():
            self._put(knowledge, row.project)
            self._ledger.done(row.key)
            with self._news:
                self._news.notify_all()
        return len(newest)

    def settle(self, project_id: str, timeout: float) -> bool:
        """Wait until the store has what the project's events so far say; False if that takes longer."""
        with self._news:
            self.wake()
            return self._news.wait_for(lambda: all(row.project != project_id for row in self._ledger.wishes()), timeout)

    def put_all(self, knowledge: Knowledge) -> None:
        """Put every project's texts, whether they were wished for or not."""
        for project in self._ledger.projects():
            self._put(knowledge, project.id)

    def _put(self, knowledge: Knowledge, project_id: str) -> None:
        texts: dict[str, str | None] = dict(self._current.all(project_id))
        gone = dict.fromkeys(set(knowledge.facts(project_id)) - set(texts))
        knowledge.put_facts(project_id, {**texts, **gone})
