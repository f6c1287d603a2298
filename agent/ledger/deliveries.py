"""What was delivered: written down before it is acknowledged, taken in order, forgotten when it is old.

Storage only, and nothing of Slack's: a delivery is an id, a conversation and a body.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, or_, select, update

from agent.ledger.database import for_acceptance, for_reading
from agent.ledger.messages import Wanted, put
from agent.ledger.slack_tables import bindings, deliveries
from tools.contract import Frozen

_MOST_AT_ONCE = 500  # rows of one commit; more would make its first wait for its last


class Arrived(Frozen):
    """A delivery to be written down. `message` is known already when another event told of the same message."""

    id: str
    message: str | None
    thread: str
    at: datetime
    body: str


class DeliveryRow(Frozen):
    """A delivery that waits to be answered; `tries` counts how often a process began to."""

    seq: int
    id: str
    thread: str
    body: str
    tries: int


class Binding(Frozen):
    """A place that is about a project."""

    place: str
    project: str
    at: datetime


class Deliveries:
    """Accepts deliveries and hands them out; every method is one transaction and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = for_reading(engine)
        self._accepting = for_acceptance(engine)

    def accept(self, arrived: Sequence[Arrived]) -> list[bool]:
        """Write all of them down; False for one that is known by its id or by its message."""
        new: list[bool] = []
        for start in range(0, len(arrived), _MOST_AT_ONCE):
            new += self._accept(arrived[start : start + _MOST_AT_ONCE])
        return new

    def _accept(self, arrived: Sequence[Arrived]) -> list[bool]:
        ids = [item.id for item in arrived]
        about = [item.message for item in arrived if item.message is not None]
        query = select(deliveries.c.id, deliveries.c.message).where(
            or_(deliveries.c.id.in_(ids), deliveries.c.message.in_(about))
        )
        with self._accepting.begin() as connection:
            known = {name for row in connection.execute(query) for name in (row.id, _about(row.message))}
            new = [_is_new(item, known) for item in arrived]
            rows = [_row(item) for item, fresh in zip(arrived, new, strict=True) if fresh]
            if rows:
                connection.execute(deliveries.insert(), rows)
        return new

    def waiting(self, after: int = 0, limit: int = 1000) -> tuple[DeliveryRow, ...]:
        """Deliveries numbered above `after` that are not answered, in order."""
        query = (
            select(deliveries)
            .where(deliveries.c.state == "waiting", deliveries.c.seq > after)
            .order_by(deliveries.c.seq)
            .limit(limit)
        )
        with self._reading.begin() as connection:
            rows = connection.execute(query).all()
        return tuple(DeliveryRow(seq=r.seq, id=r.id, thread=r.thread, body=r.body, tries=r.tries) for r in rows)

    def taken(self, seq: int) -> int:
        """Note that a process begins to answer it; how often that was so, this time included."""
        statement = (
            update(deliveries)
            .where(deliveries.c.seq == seq)
            .values(tries=deliveries.c.tries + 1)
            .returning(deliveries.c.tries)
        )
        with self._engine.begin() as connection:
            return int(connection.execute(statement).scalar_one())

    def done(self, seq: int, answer: Sequence[Wanted], bind: Binding | None = None, *, failed: bool = False) -> bool:
        """Mark it answered and put the answer into the outbox, all or nothing; False if it was answered already."""
        statement = (
            update(deliveries)
            .where(deliveries.c.seq == seq, deliveries.c.state == "waiting")
            .values(state="failed" if failed else "done")
        )
        with self._engine.begin() as connection:
            if connection.execute(statement).rowcount == 0:
                return False
            put(connection, answer)
            if bind is not None:
                row = {"project": bind.project, "at": bind.at.isoformat()}
                if connection.execute(update(bindings).where(bindings.c.place == bind.place).values(row)).rowcount == 0:
                    connection.execute(bindings.insert().values(place=bind.place, **row))
        return True

    def bound(self, place: str) -> str | None:
        """The project a place is about."""
        with self._reading.begin() as connection:
            return connection.execute(select(bindings.c.project).where(bindings.c.place == place)).scalar()

    def bindings(self) -> dict[str, str]:
        """Every bound place with its project's id."""
        with self._reading.begin() as connection:
            return {row.place: row.project for row in connection.execute(select(bindings))}

    def forget(self, before: datetime, limit: int = 5000) -> int:
        """Drop answered deliveries accepted before a time, some at once; how many. A repeat is known until then."""
        old = (
            select(deliveries.c.seq)
            .where(deliveries.c.state != "waiting", deliveries.c.at < before.isoformat())
            .order_by(deliveries.c.seq)
            .limit(limit)
        )
        with self._engine.begin() as connection:
            return connection.execute(delete(deliveries).where(deliveries.c.seq.in_(old.scalar_subquery()))).rowcount


def _about(message: str | None) -> tuple[str] | None:
    """A message's name as a set's member that no delivery's id can equal."""
    return None if message is None else (message,)


def _is_new(item: Arrived, known: set[str | tuple[str] | None]) -> bool:
    """Whether neither it nor its message is known; afterwards both are."""
    names = {item.id, _about(item.message)} - {None}
    if names & known:
        return False
    known.update(names)
    return True


def _row(item: Arrived) -> dict[str, object]:
    return {
        "id": item.id,
        "message": item.message,
        "thread": item.thread,
        "body": item.body,
        "at": item.at.isoformat(),
        "state": "waiting",
        "tries": 0,
    }
