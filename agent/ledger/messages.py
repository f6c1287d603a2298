"""What must stand in Slack, each under its key: the outbox of messages. Storage only.

waiting ──> sending ──> posted ──(another body is wanted)──> waiting
   │           └──(lost on its way)── sending: looked for before it is sent again
   └──> failed   Slack refuses it for good
streaming      an answer is being streamed under the key; nobody else touches the message
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Engine, Row, case, delete, select, update

from agent.ledger.database import for_reading
from agent.ledger.slack_tables import messages
from tools.contract import Frozen

State = Literal["waiting", "sending", "streaming", "posted", "failed"]


class Wanted(Frozen):
    """A message as it should stand. `once`: it cannot be changed afterwards."""

    key: str
    place: str
    rank: str
    body: str
    digest: str
    once: bool
    at: datetime


class MessageRow(Frozen):
    """A message with what is known of it. `sent` is the digest sent last: what stands there if it arrived."""

    seq: int
    key: str
    place: str
    rank: str
    body: str
    digest: str
    once: bool
    at: datetime
    state: State
    ts: str | None
    sent: str | None
    stream: bool
    tries: int


@dataclass(frozen=True)
class Pending:
    """What deciding about a message needs: all but its body."""

    seq: int
    key: str
    place: str
    rank: str
    posted: bool  # whether it stands already: what waits is a change
    tries: int


def put(connection: Connection, wanted: Sequence[Wanted]) -> int:
    """Insert or change messages within a transaction; how many there was something to do about."""
    changed = 0
    for item in wanted:
        known = connection.execute(select(messages).where(messages.c.key == item.key)).first()
        if known is None:
            connection.execute(messages.insert().values(_new(item)))
            changed += 1
        elif known.digest != item.digest and not (known.once and known.state == "posted"):
            values = {"body": item.body, "digest": item.digest, "rank": item.rank, "state": _after_change(known, item)}
            connection.execute(update(messages).where(messages.c.key == item.key).values(values))
            changed += 1
    return changed


class Messages:
    """The outbox; every method is one transaction and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = for_reading(engine)

    # --- what is wanted ------------------------------------------------------------------------------------------

    def want(self, wanted: Sequence[Wanted]) -> int:
        """Insert messages or give them another body; how many were not as wanted."""
        with self._engine.begin() as connection:
            return put(connection, wanted)

    def draft(self, wanted: Wanted) -> bool:
        """As `want`, for the beginning of an answer: it never replaces what was wanted at another rank."""
        rank = select(messages.c.rank).where(messages.c.key == wanted.key)
        with self._engine.begin() as connection:
            if connection.execute(rank).scalar() not in (None, wanted.rank):
                return False
            return put(connection, [wanted]) > 0

    # --- sending -------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """After a start: streams of the process before are nobody's now. Those without a name are looked for."""
        of_nobody = messages.c.state == "streaming"
        state = case((messages.c.ts.is_(None), "sending"), else_="waiting")
        with self._engine.begin() as connection:
            connection.execute(update(messages).where(of_nobody).values(state=state))

    def pending(self, limit: int = 5000) -> tuple[Pending, ...]:
        """Messages that do not stand as wanted, in the order they were first wanted."""
        table = messages.c
        query = (
            select(table.seq, table.key, table.place, table.rank, table.ts.is_not(None), table.tries)
            .where(messages.c.state.in_(("waiting", "sending")), messages.c.digest != "")
            .order_by(messages.c.seq)
            .limit(limit)
        )
        with self._reading.begin() as connection:
            return tuple(Pending(*row) for row in connection.execute(query))

    def get(self, key: str) -> MessageRow | None:
        with self._reading.begin() as connection:
            row = connection.execute(select(messages).where(messages.c.key == key)).first()
        return _message(row) if row else None

    def sending(self, key: str, digest: str) -> None:
        """It is about to be posted for the first time: from now on nobody knows whether it stands."""
        self._set(key, state="sending", sent=digest)

    def lost(self, key: str) -> None:
        """Nobody knows whether it arrived."""
        self._set(key, tries=messages.c.tries + 1)

    def absent(self, key: str) -> None:
        """It was looked for and is not there: it may be posted."""
        self._set(key, state="waiting", stream=False)

    def found(self, key: str, ts: str) -> None:
        """It was looked for and stands there, with the body that was sent."""
        as_wanted = (messages.c.sent == messages.c.digest) & ~messages.c.stream
        self._set(key, ts=ts, tries=0, state=case((as_wanted, "posted"), else_="waiting"))

    def posted(self, key: str, digest: str, ts: str | None = None) -> None:
        """It stands with this body; it waits again if another one is wanted by now."""
        values = {"state": case((messages.c.digest == digest, "posted"), else_="waiting"), "sent": digest}
        named = {"ts": ts} if ts is not None else {}
        self._set(key, tries=0, stream=False, **values, **named)

    def failed(self, key: str) -> None:
        """Slack refuses it for good; another body at a rank above progress makes it wait again."""
        self._set(key, state="failed", tries=0)

    def _set(self, key: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(messages).where(messages.c.key == key).values(values))

    # --- streams -------------------------------------------------------------------------------------------------

    def begin_stream(self, key: str, place: str, at: datetime) -> bool:
        """Reserve the key for a stream about to be opened; False if there is a message under it already."""
        row = _new(Wanted(key=key, place=place, rank="progress", body="", digest="", once=False, at=at))
        with self._engine.begin() as connection:
            if connection.execute(select(messages.c.seq).where(messages.c.key == key)).first() is not None:
                return False
            connection.execute(messages.insert().values({**row, "state": "streaming", "stream": True}))
        return True

    def streaming(self, key: str, ts: str) -> None:
        """The stream is open, and this is its message."""
        self._set(key, ts=ts)

    def end_stream(self, key: str, told: Wanted, state: Literal["waiting", "sending"]) -> None:
        """Hand the message over to the poster. `told` is its body where no final answer is wanted yet.

        `waiting` with a name: the message stands and is closed and updated. `waiting` without: nothing was opened.
        `sending`: nobody knows whether it was opened.
        """
        empty = messages.c.digest == ""
        body = {"body": case((empty, told.body), else_=messages.c.body)}
        digest = {"digest": case((empty, told.digest), else_=messages.c.digest)}
        opened = (messages.c.ts.is_not(None)) | (state == "sending")
        values = {**body, **digest, "state": state, "stream": case((opened, True), else_=False)}
        statement = update(messages).where(messages.c.key == key, messages.c.state == "streaming").values(values)
        with self._engine.begin() as connection:
            connection.execute(statement)

    def known(self, place: str) -> frozenset[str]:
        """Slack's names of the messages of a place that have a key."""
        query = select(messages.c.ts).where(messages.c.place == place, messages.c.ts.is_not(None))
        with self._reading.begin() as connection:
            return frozenset(str(ts) for ts in connection.execute(query).scalars())

    def forget(self, before: datetime) -> int:
        """Drop replies that were posted long ago; how many. Cards stay: they are updated in place."""
        old = (messages.c.state.in_(("posted", "failed"))) & (messages.c.rank == "reply")
        with self._engine.begin() as connection:
            return connection.execute(delete(messages).where(old, messages.c.at < before.isoformat())).rowcount


def _new(item: Wanted) -> dict[str, object]:
    return {
        **item.model_dump(exclude={"at"}),
        "at": item.at.isoformat(),
        "state": "waiting",
        "stream": False,
        "tries": 0,
    }


def _after_change(known: Row[tuple[object, ...]], item: Wanted) -> str:
    """The state of a message whose wanted body has just changed."""
    if known.state == "posted" and known.sent == item.digest:
        return "posted"  # wanted again as it stands
    if known.state == "waiting" and known.ts is not None and known.sent == item.digest and not known.stream:
        return "posted"
    if known.state == "posted" or (known.state == "failed" and item.rank != "progress"):
        return "waiting"
    return str(known.state)


def _message(row: Row[tuple[object, ...]]) -> MessageRow:
    return MessageRow.model_validate({**row._mapping, "at": datetime.fromisoformat(row.at)})
