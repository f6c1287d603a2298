"""The tables of the record: what was accepted and what happened. All times are UTC, ISO 8601."""

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String(200), nullable=False, unique=True),
    Column("project", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("thread", String(200)),  # the conversation it was asked for in
    Column("body", Text, nullable=False),
    Column("applied", Boolean, nullable=False, default=False),
    Column("accepted", Boolean),
    Column("said", Text),
    Index("ix_inbox_waiting", "applied", "seq"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(200), nullable=False, unique=True),
    Column("project", String(64), nullable=False, index=True),
    Column("actor", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("said", Text, nullable=False),
    Column("state", String(80), nullable=False),  # digest of the project after the event
    Column("previous", String(80), nullable=False),  # hash of the project's row before this one
    Column("hash", String(80), nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("seq", Integer, nullable=False),
    Column("updated_at", String(40), nullable=False),
    Column("state", Text, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project", String(64), nullable=False, index=True),
    Column("run", String(40), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("round", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("body", Text, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("project", String(64), nullable=False, index=True),
    Column("stage", String(20), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("body", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String(200), primary_key=True),  # event id and number: an effect is carried out once
    Column("seq", Integer, nullable=False),
    Column("project", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Index("ix_outbox_waiting", "done", "seq"),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("project", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

transcript = Table(
    "transcript",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("thread", String(200), nullable=False, index=True),
    Column("turn", String(200), index=True),
    Column("project", String(64)),
    Column("actor", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

votes = Table(
    "votes",
    metadata,
    Column("turn", String(200), primary_key=True),
    Column("actor", String(64), primary_key=True),
    Column("good", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(40), nullable=False),
)
