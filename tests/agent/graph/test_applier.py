"""The applier on a real database and real checkpoints, with the events of a whole made-up walk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from walk import CATALOGUE, Walk

from agent.graph.applier import Applier
from agent.graph.lifecycle import build, node_of, thread
from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger, chain_fault, state_digest
from agent.lifecycle.apply import apply, create
from agent.lifecycle.events import Advance, CreateProject, SetCharter
from agent.lifecycle.project import Project
from agent.lifecycle.stages import Stage


class Desk:
    """A ledger, a graph and an applier on one folder; opened again they are a new process's."""

    def __init__(self, home: Path) -> None:
        self.ledger = Ledger(open_database(home / "odyssey.db"))
        connection = sqlite3.connect(home / "checkpoints.db", check_same_thread=False)
        self.graph = build(CATALOGUE, SqliteSaver(connection))
        self.applier = Applier(self.ledger, self.graph)

    def accept(self, walk: Walk) -> None:
        for event, _ in walk.decisions:
            self.ledger.accept(event.id, event.project, event.actor, event.at, event.body)


@pytest.fixture(scope="module")
def whole_walk() -> Walk:
    return Walk().to(Stage.LAUNCHED)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)


def replay(ledger: Ledger, project_id: str) -> Project:
    project: Project | None = None
    for event in ledger.events(project_id):
        if project is None:
            if isinstance(event.body, CreateProject):
                project = create(event).project
        else:
            project = apply(project, event, CATALOGUE).project
    assert project is not None
    return project


def test_a_walk_ends_where_the_pure_decisions_end(desk, whole_walk):
    desk.accept(whole_walk)
    assert desk.applier.drain() == len(whole_walk.decisions)
    project = desk.ledger.project("p1")
    assert project == whole_walk.project
    assert project.stage is Stage.LAUNCHED
    assert desk.graph.get_state(thread("p1")).next == (node_of(project),)


def test_people_are_told_of_a_jobs_end_with_what_comes_next(desk, whole_walk):
    desk.accept(whole_walk)
    desk.applier.drain()
    told = [notice.text for notice in desk.ledger.notices("p1", 0)]
    ended = next(text for text in told if "(prompt) succeeded" in text)
    assert "\n  Next: Fine-tune with LoRA. exact_match 0.118 [0.090, 0.146] (e25) against the target 0.9" in ended
    assert ended.endswith("`finetune model=tiny data=tickets name=tiny-lora`")


def test_replay_rebuilds_the_state_and_the_audit_holds(desk, whole_walk):
    desk.accept(whole_walk)
    desk.applier.drain()
    rows = desk.ledger.audit("p1")
    assert chain_fault(rows) is None
    assert state_digest(replay(desk.ledger, "p1")) == rows[-1].state
    forged = [row.model_copy(update={"actor": "mallory"}) if row.seq == 7 else row for row in rows]
    assert "event 7" in (chain_fault(forged) or "")
    assert "event 8" in (chain_fault([row for row in rows if row.seq != 7]) or "")


def test_an_event_delivered_twice_is_one(desk, whole_walk):
    desk.accept(whole_walk)
    desk.accept(whole_walk)
    assert desk.applier.drain() == len(whole_walk.decisions)
    desk.accept(whole_walk)
    assert desk.applier.drain() == 0


def test_a_checkpoint_ahead_of_the_ledger_is_written_down_once(tmp_path, whole_walk):
    """Killed between the checkpoint and the ledger's transaction: the next process does the transaction alone."""
    desk = Desk(tmp_path)
    first, rest = whole_walk.decisions[:9], whole_walk.decisions[9:]
    for event, _ in first:
        desk.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
    desk.applier.drain()
    event = rest[0][0]
    seq = desk.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
    waiting = desk.graph.get_state(thread("p1"))
    resume = {waiting.interrupts[0].id: event.model_copy(update={"seq": seq}).model_dump(mode="json")}
    desk.graph.invoke(Command(resume=resume), thread("p1"), durability="sync")

    again = Desk(tmp_path)
    assert again.applier.drain() == 1
    assert again.ledger.project("p1") == rest[0][1].project
    assert len(again.ledger.audit("p1")) == 10


def test_effects_stand_in_the_outbox_until_they_are_done(desk, whole_walk):
    desk.accept(whole_walk)
    desk.applier.drain()
    expected = [effect for _, decision in whole_walk.decisions for effect in decision.effects]
    rows = desk.ledger.undone()
    assert [row.effect for row in rows] == expected
    for row in rows:
        desk.ledger.done(row.key)
    assert desk.ledger.undone() == ()


def test_a_refused_event_changes_nothing_and_is_recorded(desk, whole_walk):
    for event, _ in whole_walk.decisions[:2]:
        desk.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
    desk.applier.drain()
    before = desk.ledger.project("p1")
    seq = desk.ledger.accept("x", "p1", "stranger", whole_walk.at, Advance())
    desk.applier.drain()
    applied = desk.ledger.applied(seq)
    assert applied is not None and not applied.accepted and "stranger" in applied.said
    after = desk.ledger.project("p1")
    assert after == before.model_copy(update={"seq": seq})


def test_events_without_a_project_and_names_taken_are_refused(desk, whole_walk):
    seq = desk.ledger.accept("a", "p-none", "ana", whole_walk.at, SetCharter(users="all"))
    first = desk.ledger.accept("b", "p-1", "ana", whole_walk.at, CreateProject(name="one"))
    second = desk.ledger.accept("c", "p-2", "ben", whole_walk.at, CreateProject(name="one"))
    desk.applier.drain()
    assert not desk.ledger.applied(seq).accepted
    assert desk.ledger.applied(first).accepted
    assert not desk.ledger.applied(second).accepted
    assert [p.id for p in desk.ledger.projects()] == ["p-1"]


def test_waiting_for_an_event_ends_when_it_is_applied(desk, whole_walk):
    desk.applier.start()
    try:
        event = whole_walk.decisions[0][0]
        seq = desk.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
        applied = desk.applier.wait_for(seq, 30)
        assert applied is not None and applied.accepted
    finally:
        desk.applier.stop()
