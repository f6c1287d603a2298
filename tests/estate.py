"""An owner at work on real SQLite, whose project has gone through a walk and whose jobs never really run.

with Estate(tmp_path, Walk().to(Stage.DEPLOY, work=True)) as estate:
    estate.owner.say("ben", "thread", "approve 31", project=estate.project.id)
"""

import itertools
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from sqlalchemy import select

from agent.dispatch import Dispatcher, Reporter
from agent.graph.applier import Applier
from agent.graph.conversation import Conversation
from agent.graph.lifecycle import build
from agent.ledger import tables
from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger
from agent.lifecycle.events import SYSTEM, Body, FinishJob
from agent.lifecycle.project import JobState, Project
from agent.owner import Owner
from knowledge.knowledge import Knowledge
from tests.walk import CATALOGUE, Walk
from tools.jobs.engine import LocalEngine
from tools.jobs.ledger import JobLedger
from tools.jobs.supervisor import Supervisor


class Silent(Supervisor):
    """Takes jobs and never looks at them: a test says how they end."""

    def start(self) -> None: ...


class Shelf:
    """Knowledge that takes documents and knows nothing."""

    def ingest(self, *where: object, **more: object) -> None: ...

    def delete(self, project_id: str, name: str) -> None: ...

    def open(self) -> Knowledge:
        return cast(Knowledge, self)

    def close(self) -> None: ...


class Estate:
    """The parts that `agent.bootstrap` wires, without processes and without knowledge."""

    def __init__(self, home: Path, walk: Walk, model: BaseChatModel | None = None) -> None:
        self.home = home
        self.events = itertools.count(1)
        engine = self._engine = open_database(home / "odyssey.db")
        self._connection = sqlite3.connect(home / "checkpoints.db", check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self.saver = SqliteSaver(self._connection, serde=JsonPlusSerializer(pickle_fallback=False))
        self.saver.setup()
        self.ledger = Ledger(engine)
        heard: list[Callable[[], None]] = []
        self.applier = Applier(self.ledger, build(CATALOGUE, self.saver), on_applied=lambda: [f() for f in heard])
        reporter = Reporter(self.ledger, self.applier.wake)
        supervisor = Silent(JobLedger(engine), LocalEngine(home, slots=1), CATALOGUE, reporter.outcome)
        shelf = Shelf()
        dispatcher = self.dispatcher = Dispatcher(
            ledger=self.ledger,
            supervisor=supervisor,
            knowledge=shelf.open,
            catalogue=CATALOGUE,
            prepared=home / "prepared",
            copies=home / "documents",
            threads=1,
            reporter=reporter,
        )
        self.owner = Owner(
            home=home,
            ledger=self.ledger,
            applier=self.applier,
            dispatcher=dispatcher,
            supervisor=supervisor,
            knowledge=shelf,
            catalogue=CATALOGUE,
            converse=lambda desk: Conversation(desk, self.saver, model=model),
        )
        heard.append(self.owner.applied)
        self._walk = walk

    def __enter__(self) -> Self:
        self.owner.start()
        for event, _ in self._walk.decisions:
            self.ledger.accept(event.id, event.project, event.actor, event.at, event.body)
        last = self._walk.decisions[-1][0].seq
        applied = self.applier.wait_for(last, 60)
        assert applied is not None and applied.accepted, applied
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.owner.stop()
        self._connection.close()

    @property
    def project(self) -> Project:
        found = self.ledger.project("p1")
        assert found is not None
        return found

    def since(self, seq: int) -> list[tuple[str, str]]:
        """Who has caused which kind of event after number `seq`, as far as it was accepted."""
        table = tables.audit.c
        query = select(table.actor, table.kind).where(table.seq > seq, table.accepted, table.project == "p1")
        with self._engine.begin() as connection:
            return [(row.actor, row.kind) for row in connection.execute(query.order_by(table.seq))]

    def ok(self, body: Body, actor: str = "ana") -> int:
        """Let somebody who may cause an event; its number."""
        outcome = self.owner.submit(actor, "p1", body)
        assert outcome.accepted, outcome.said
        return outcome.seq

    def ends(self, job: JobState, outcome: Any) -> None:
        """Let a job end, as the supervisor reports it."""
        body = FinishJob(job=job.id, attempt=job.attempt, outcome=outcome, error="It was a test.")
        seq = self.ledger.accept(f"end-{next(self.events)}", "p1", SYSTEM, datetime.now(UTC), body)
        assert self.applier.wait_for(seq, 60) is not None
