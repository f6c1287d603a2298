"""A process that records a project's events and brings its state to the knowledge store, until it is killed."""

import os
from pathlib import Path
from typing import Any

from knowledge_walker import Hashed

from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger
from agent.lifecycle.stages import Stage
from agent.state_index import RENDER, CurrentFacts, StateIndex
from knowledge.knowledge import Knowledge
from tests.walk import Walk


class Parts:
    """A ledger, a store with a cheap encoder, and what keeps the store's copy of the state."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(open_database(folder / "odyssey.db"))
        self.current = CurrentFacts(self.ledger)
        self.knowledge = Knowledge(folder / "knowledge", Hashed(), guides=folder / "none", current=self.current)
        self.index = StateIndex(self.ledger, lambda: self.knowledge, self.current)


def run(folder: Path, out: Any) -> None:
    """Go on with the walk where the ledger stands; each event is told once it is recorded."""
    descriptor = out.detach()
    parts = Parts(folder)
    os.write(descriptor, b"open\n")
    for event, decision in Walk().to(Stage.LAUNCHED).decisions:
        if event.seq <= parts.ledger.last_event(event.project):
            continue
        parts.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
        effects = (*decision.effects, RENDER)
        parts.ledger.record(event, decision.model_copy(update={"effects": effects}))
        os.write(descriptor, f"{event.seq}\n".encode())
        parts.index.drain()
    os.write(descriptor, b"over\n")
