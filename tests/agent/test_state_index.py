"""A project's state on its way into the knowledge store: from the outbox, once, the newest for all."""

from pathlib import Path
from typing import cast

import pytest

from agent.facts import facts
from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger
from agent.lifecycle.stages import Stage
from agent.state_index import RENDER, CurrentFacts, StateIndex
from knowledge.errors import Unavailable
from knowledge.knowledge import Knowledge
from tests.walk import Walk


class Shelf:
    """Keeps facts, or fails."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {"old/key": "said before"}
        self.puts = 0
        self.broken = False

    def facts(self, project: str) -> dict[str, str]:
        return self.kept

    def put_facts(self, project: str, texts: dict[str, str | None]) -> None:
        if self.broken:
            raise Unavailable("The index is damaged.")
        self.puts += 1
        merged = {**self.kept, **texts}
        self.kept = {key: text for key, text in merged.items() if text is not None}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(open_database(tmp_path / "odyssey.db"))
    for event, decision in Walk().to(Stage.SELECT).decisions:
        ledger.accept(event.id, event.project, event.actor, event.at, event.body)
        ledger.record(event, decision.model_copy(update={"effects": (*decision.effects, RENDER)}))
    return ledger


def index(ledger: Ledger, shelf: Shelf | None) -> StateIndex:
    return StateIndex(ledger, lambda: cast(Knowledge, shelf), CurrentFacts(ledger))


def test_many_events_are_put_once_and_what_is_said_no_more_goes(ledger: Ledger) -> None:
    shelf = Shelf()
    assert len(ledger.wishes()) > 5
    assert index(ledger, shelf).drain() == 1
    project = ledger.project("p1")
    assert project is not None
    assert shelf.kept == facts(project)
    assert (shelf.puts, ledger.wishes()) == (1, ())
    assert index(ledger, shelf).drain() == 0


def test_while_the_store_is_closed_one_wish_a_project_waits(ledger: Ledger) -> None:
    assert index(ledger, None).drain() == 0
    assert [row.project for row in ledger.wishes()] == ["p1"]
    assert index(ledger, Shelf()).drain() == 1


def test_a_store_that_fails_is_tried_again(ledger: Ledger) -> None:
    shelf = Shelf()
    shelf.broken = True
    with pytest.raises(Unavailable):
        index(ledger, shelf).drain()
    assert len(ledger.wishes()) == 1
    shelf.broken = False
    assert index(ledger, shelf).drain() == 1


def test_the_current_texts_follow_every_event(ledger: Ledger) -> None:
    current, walk = CurrentFacts(ledger), Walk().to(Stage.ASSESS)
    before = current("p1", "charter")
    assert before is not None and current("p1", "choice") is None and current("nobody", "charter") is None
    for event, decision in walk.decisions:
        if event.seq > ledger.last_event("p1"):
            ledger.accept(event.id, event.project, event.actor, event.at, event.body)
            ledger.record(event, decision)
    assert current.all("p1") == facts(walk.project)


def test_the_dispatcher_is_not_given_these_wishes(ledger: Ledger) -> None:
    assert all(row.effect.kind != "render_state" for row in ledger.undone())
    assert all(row.effect.kind == "render_state" for row in ledger.wishes())
