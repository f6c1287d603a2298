"""The record: events are accepted here before anybody is told so, and what they did is written in one transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from agent.ledger import tables
from agent.ledger.database import for_reading
from agent.lifecycle.decision import Decision, Effect
from agent.lifecycle.events import Body, CorrectAnswer, Event, FinishJob, PinAnswer, RejectCorrection
from agent.lifecycle.project import Project
from tools import digest
from tools.contract import Frozen

_BODY: TypeAdapter[Body] = TypeAdapter(Body)
GENESIS = "genesis"
_TOLD = (CorrectAnswer, PinAnswer, RejectCorrection)  # the people of a project are told of these, too
_WISH = '{"kind":"render_state"%'  # how the effect begins as JSON


class Applied(Frozen):
    """What became of an inbox row."""

    seq: int
    accepted: bool
    said: str


class AuditRow(Frozen):
    """One line of a project's history. `hash` covers the row and the hash of the one before."""

    seq: int
    event_id: str
    project: str
    actor: str
    at: str
    kind: str
    body: str
    accepted: bool
    said: str
    state: str
    previous: str
    hash: str


class OutboxRow(Frozen):
    key: str
    project: str
    effect: Effect


class NoticeRow(Frozen):
    id: int
    project: str
    at: datetime
    text: str


class VoteRow(Frozen):
    """What a person thought of the answer of a turn."""

    turn: str
    actor: str
    good: bool
    reason: str
    at: datetime


class TranscriptRow(Frozen):
    id: int
    thread: str
    turn: str | None
    project: str | None
    actor: str
    at: datetime
    text: str


class Ledger:
    """Storage only: it decides nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = for_reading(engine)

    # --- acceptance ----------------------------------------------------------------------------------------------

    def accept(
        self, event_id: str, project: str, actor: str, at: datetime, body: Body, thread: str | None = None
    ) -> int:
        """Write an event down; its number. The same event id again gives the number it has already."""
        row = {
            "event_id": event_id,
            "project": project,
            "actor": actor,
            "at": at.isoformat(),
            "thread": thread,
            "body": body.model_dump_json(),
            "applied": False,
        }
        known = select(tables.inbox.c.seq).where(tables.inbox.c.event_id == event_id)
        with self._engine.begin() as connection:
            # Looked up first, under the write lock: an insert that does nothing would still use up a number.
            seq = connection.execute(known).scalar()
            if seq is None:
                seq = connection.execute(tables.inbox.insert().values(row).returning(tables.inbox.c.seq)).scalar_one()
            return int(seq)

    def waiting(self, limit: int = 100) -> tuple[Event, ...]:
        """Accepted events that are not applied yet, in order."""
        query = select(tables.inbox).where(~tables.inbox.c.applied).order_by(tables.inbox.c.seq).limit(limit)
        with self._reading.begin() as connection:
            return tuple(_event(row) for row in connection.execute(query))

    def applied(self, seq: int) -> Applied | None:
        """What became of an event, or None while it waits."""
        query = select(tables.inbox).where(tables.inbox.c.seq == seq, tables.inbox.c.applied)
        with self._reading.begin() as connection:
            row = connection.execute(query).first()
        return Applied(seq=seq, accepted=bool(row.accepted), said=row.said or "") if row else None

    def asked_in(self, seq: int) -> str | None:
        """The conversation in which event `seq` was asked for, if it was asked for in one."""
        query = select(tables.inbox.c.thread).where(tables.inbox.c.seq == seq)
        with self._reading.begin() as connection:
            return connection.execute(query).scalar()

    # --- what an event did ---------------------------------------------------------------------------------------

    def record(self, event: Event, decision: Decision) -> None:
        """Audit row, project row, evidence, approvals, outbox and the applied mark, all or nothing."""
        with self._engine.begin() as connection:
            if not self._mark(connection, event, decision.accepted, decision.said):
                return
            self._audit(connection, event, decision.accepted, decision.said, decision.project)
            _put_project(connection, decision.project, event.at)
            _put_evidence(connection, decision.project)
            _put_approvals(connection, decision.project)
            for number, effect in enumerate(decision.effects):
                row = {
                    "key": f"{event.id}:{number}",
                    "seq": event.seq,
                    "project": event.project,
                    "body": effect.model_dump_json(),
                    "done": False,
                }
                connection.execute(insert_or(tables.outbox).values(row).on_conflict_do_nothing())
            if isinstance(event.body, FinishJob) or (decision.accepted and isinstance(event.body, _TOLD)):
                _put_notice(connection, event, _told(decision))

    def refuse(self, event: Event, said: str) -> None:
        """An event that never reached a project (its name is taken, there is no such project)."""
        with self._engine.begin() as connection:
            if self._mark(connection, event, False, said):
                self._audit(connection, event, False, said, None)

    def _mark(self, connection: Connection, event: Event, accepted: bool, said: str) -> bool:
        """Set the applied mark; False if it was set already, so that nothing is written twice."""
        marked = connection.execute(
            update(tables.inbox)
            .where(tables.inbox.c.seq == event.seq, ~tables.inbox.c.applied)
            .values(applied=True, accepted=accepted, said=said)
        )
        return marked.rowcount == 1

    def _audit(self, connection: Connection, event: Event, accepted: bool, said: str, project: Project | None) -> None:
        query = (
            select(tables.audit.c.hash)
            .where(tables.audit.c.project == event.project)
            .order_by(tables.audit.c.seq.desc())
            .limit(1)
        )
        row: dict[str, Any] = {
            "seq": event.seq,
            "event_id": event.id,
            "project": event.project,
            "actor": event.actor,
            "at": event.at.isoformat(),
            "kind": event.body.kind,
            "body": event.body.model_dump_json(),
            "accepted": accepted,
            "said": said,
            "state": state_digest(project) if project else "",
            "previous": connection.execute(query).scalar() or GENESIS,
        }
        connection.execute(tables.audit.insert().values(**row, hash=digest.of_json(row)))

    # --- reading -------------------------------------------------------------------------------------------------

    def project(self, project_id: str) -> Project | None:
        return self._project(tables.projects.c.id == project_id)

    def project_by_name(self, name: str) -> Project | None:
        return self._project(tables.projects.c.name == name)

    def _project(self, condition: Any) -> Project | None:
        with self._reading.begin() as connection:
            state = connection.execute(select(tables.projects.c.state).where(condition)).scalar()
        return Project.model_validate_json(state) if state else None

    def last_event(self, project_id: str) -> int:
        """The number of the last event applied to a project; 0 if there is no such project."""
        with self._reading.begin() as connection:
            seq = connection.execute(select(tables.projects.c.seq).where(tables.projects.c.id == project_id)).scalar()
        return int(seq or 0)

    def projects(self) -> tuple[Project, ...]:
        """All projects, the one touched last first."""
        query = select(tables.projects.c.state).order_by(tables.projects.c.seq.desc())
        with self._reading.begin() as connection:
            return tuple(Project.model_validate_json(state) for state in connection.execute(query).scalars())

    def audit(self, project_id: str) -> tuple[AuditRow, ...]:
        query = select(tables.audit).where(tables.audit.c.project == project_id).order_by(tables.audit.c.seq)
        with self._reading.begin() as connection:
            return tuple(AuditRow.model_validate(dict(row._mapping)) for row in connection.execute(query))

    def events(self, project_id: str) -> tuple[Event, ...]:
        """Every event of a project that was applied, in order: what a replay starts from."""
        query = (
            select(tables.inbox)
            .where(tables.inbox.c.project == project_id, tables.inbox.c.applied)
            .order_by(tables.inbox.c.seq)
        )
        with self._reading.begin() as connection:
            return tuple(_event(row) for row in connection.execute(query))

    # --- effects and notices -------------------------------------------------------------------------------------

    def undone(self, limit: int = 100) -> tuple[OutboxRow, ...]:
        """Effects that wait to be carried out, in order; those on the knowledge of a state are `wishes`."""
        return self._outbox(tables.outbox.c.body.not_like(_WISH), limit)

    def wishes(self) -> tuple[OutboxRow, ...]:
        """Renderings of a state that the knowledge store does not have yet, in order."""
        return self._outbox(tables.outbox.c.body.like(_WISH), None)

    def _outbox(self, condition: Any, limit: int | None) -> tuple[OutboxRow, ...]:
        query = select(tables.outbox).where(~tables.outbox.c.done, condition)
        query = query.order_by(tables.outbox.c.seq, tables.outbox.c.key).limit(limit)
        with self._reading.begin() as connection:
            rows = connection.execute(query).all()
        return tuple(
            OutboxRow(key=row.key, project=row.project, effect=Effect.model_validate_json(row.body)) for row in rows
        )

    def done(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(tables.outbox).where(tables.outbox.c.key == key).values(done=True))

    def notices(self, project_id: str, after: int) -> tuple[NoticeRow, ...]:
        query = (
            select(tables.notices)
            .where(tables.notices.c.project == project_id, tables.notices.c.id > after)
            .order_by(tables.notices.c.id)
        )
        with self._reading.begin() as connection:
            rows = connection.execute(query).all()
        return tuple(NoticeRow(id=r.id, project=r.project, at=datetime.fromisoformat(r.at), text=r.text) for r in rows)

    # --- transcript ----------------------------------------------------------------------------------------------

    def write_turn(
        self,
        thread: str,
        project: str | None,
        at: datetime,
        lines: Sequence[tuple[str, str]],
        turn: str | None = None,
    ) -> None:
        """Append what was said in a thread: (actor, text) pairs, in order. A turn with an id is written once."""
        rows = [
            {"thread": thread, "turn": turn, "project": project, "actor": actor, "at": at.isoformat(), "text": text}
            for actor, text in lines
        ]
        known = select(tables.transcript.c.id).where(tables.transcript.c.turn == turn).limit(1)
        with self._engine.begin() as connection:
            if turn is None or connection.execute(known).scalar() is None:
                connection.execute(tables.transcript.insert(), rows)

    def vote(self, turn: str, actor: str, good: bool, reason: str, at: datetime) -> None:
        """Keep a person's vote on the answer of a turn; a later one replaces it."""
        row = {"turn": turn, "actor": actor, "good": good, "reason": reason, "at": at.isoformat()}
        statement = insert_or(tables.votes).values(row)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["turn", "actor"], set_=row))

    def votes(self, turn: str) -> tuple[VoteRow, ...]:
        query = select(tables.votes).where(tables.votes.c.turn == turn).order_by(tables.votes.c.at)
        with self._reading.begin() as connection:
            return tuple(VoteRow.model_validate(dict(row._mapping)) for row in connection.execute(query))

    def transcript(self, thread: str, limit: int = 50) -> tuple[TranscriptRow, ...]:
        """The last lines of a thread, oldest first."""
        table = tables.transcript
        query = select(table).where(table.c.thread == thread).order_by(table.c.id.desc()).limit(limit)
        with self._engine.begin() as connection:
            rows = connection.execute(query).all()
        return tuple(TranscriptRow.model_validate(dict(row._mapping)) for row in reversed(rows))


def state_digest(project: Project) -> str:
    return digest.of_json(project.model_dump(mode="json"))


def chain_fault(rows: Sequence[AuditRow]) -> str | None:
    """Where a project's audit was changed afterwards, or None if its chain of hashes holds."""
    previous = GENESIS
    for row in rows:
        content = row.model_dump(exclude={"hash"})
        if row.previous != previous or digest.of_json(content) != row.hash:
            return (
                f"The audit of {row.project} does not hold at event {row.seq}: the row was changed or one is missing."
            )
        previous = row.hash
    return None


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.event_id,
        seq=row.seq,
        project=row.project,
        actor=row.actor,
        at=datetime.fromisoformat(row.at),
        body=_BODY.validate_json(row.body),
    )


def _put_project(connection: Connection, project: Project, at: datetime) -> None:
    row = {
        "id": project.id,
        "name": project.name,
        "seq": project.seq,
        "updated_at": at.isoformat(),
        "state": project.model_dump_json(),
    }
    statement = insert_or(tables.projects).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))


def _put_evidence(connection: Connection, project: Project) -> None:
    """Evidence is only ever added, and an event adds at most one."""
    for item in project.evidence[-1:]:
        row = {
            "id": item.id,
            "project": project.id,
            "run": item.run,
            "stage": item.stage.value,
            "round": item.round,
            "at": item.at.isoformat(),
            "body": item.model_dump_json(),
        }
        connection.execute(insert_or(tables.evidence).values(row).on_conflict_do_nothing())


def _put_approvals(connection: Connection, project: Project) -> None:
    """The waiting approval and the one decided last: an event touches no others."""
    touched = (*project.decided[-1:], *((project.approval,) if project.approval else ()))
    for approval in touched:
        row = {
            "number": approval.number,
            "project": project.id,
            "stage": approval.stage.value,
            "digest": approval.digest,
            "outcome": approval.outcome,
            "body": approval.model_dump_json(),
        }
        statement = insert_or(tables.approvals).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["number"], set_=row))


def _told(decision: Decision) -> str:
    """What people are told of an event: what was said, and below it what comes next, and why."""
    next_one = decision.advice
    if next_one is None:
        return decision.said
    return f"{decision.said}\n  Next: {next_one.title}. {next_one.reason} `{next_one.command}`"


def _put_notice(connection: Connection, event: Event, text: str) -> None:
    row = {"key": event.id, "project": event.project, "at": event.at.isoformat(), "text": text}
    connection.execute(insert_or(tables.notices).values(row).on_conflict_do_nothing())


def dump_audit(rows: Sequence[AuditRow]) -> list[dict[str, Any]]:
    """Audit rows as plain data, their bodies as objects."""
    return [row.model_dump(exclude={"body"}) | {"body": json.loads(row.body)} for row in rows]
