"""The tables of the Slack side: what was delivered, what must stand in Slack, which channel is about which project."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from agent.ledger.tables import metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(200), nullable=False, unique=True),
    Column("message", String(200), unique=True),  # a mention arrives as two events about one message
    Column("thread", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", String(40), nullable=False),  # when it was accepted
    Column("state", String(10), nullable=False),  # waiting, done, failed
    Column("tries", Integer, nullable=False),
    Index("ix_deliveries_waiting", "state", "seq"),
    Index("ix_deliveries_thread", "thread"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("key", String(300), nullable=False, unique=True),
    Column("place", String(200), nullable=False, index=True),
    Column("rank", String(10), nullable=False),
    Column("body", Text, nullable=False),  # empty while a stream has no final answer yet
    Column("digest", String(80), nullable=False),  # of the body; empty with it
    Column("once", Boolean, nullable=False),  # what cannot be changed afterwards: seen by one person, or a file
    Column("at", String(40), nullable=False),  # when it was first wanted
    Column("state", String(10), nullable=False),  # waiting, sending, streaming, posted, failed
    Column("ts", String(40)),  # Slack's name for the message, once known
    Column("sent", String(80)),  # digest of the body that was sent last
    Column("stream", Boolean, nullable=False),  # whether a stream was opened under it and not closed yet
    Column("tries", Integer, nullable=False),  # times in a row that it was lost on its way
    Index("ix_messages_open", "state", "seq"),
    sqlite_autoincrement=True,
)

bindings = Table(
    "bindings",
    metadata,
    Column("place", String(200), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("at", String(40), nullable=False),
)

installations = Table(
    "installations",
    metadata,
    Column("team", String(64), primary_key=True),  # the workspace, or the organisation it was installed for
    Column("body", Text, nullable=False),  # encrypted: tokens are in it
    Column("at", String(40), nullable=False),
)
