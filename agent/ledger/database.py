"""Opening the record: a private SQLite file in WAL, at the newest schema."""

import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY = 30  # seconds that a transaction waits for the others
HEAD = "0004"  # the newest migration; a test keeps it equal to the migrations themselves


def open_database(path: Path, *, durable: bool = False) -> Engine:
    """The engine on the SQLite file at `path`, created (mode 0600) or migrated where needed.

    With `durable`, an accepted event survives a loss of power (synchronous=FULL); without, a kill of the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Never open a file that is in use: closing it would drop every lock that SQLite holds on it in this process.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY})
    synchronous = "FULL" if durable else "NORMAL"

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # SQLAlchemy emits BEGIN itself below, so the driver must not.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        # IMMEDIATE: a transaction that reads first and writes later cannot lose the race for the lock half-way.
        options = connection.get_execution_options()
        if options.get("first"):
            _begin_first(connection.connection.dbapi_connection)
        else:
            connection.exec_driver_sql("BEGIN" if options.get("reads_only") else "BEGIN IMMEDIATE")

    migrate(engine)
    return engine


def for_reading(engine: Engine) -> Engine:
    """The same database for transactions that only read: they wait for no writer, and no writer waits for them."""
    return engine.execution_options(reads_only=True)


def for_acceptance(engine: Engine) -> Engine:
    """The same database for what somebody waits for with a clock in hand: it is next whenever the lock is free."""
    return engine.execution_options(first=True)


def _begin_first(connection: sqlite3.Connection) -> None:
    """Ask for the write lock each millisecond: SQLite's own pauses grow to 100, in which others come first."""
    connection.execute("PRAGMA busy_timeout=0")
    end = time.monotonic() + _BUSY
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
            time.sleep(0.001)
    finally:
        connection.execute(f"PRAGMA busy_timeout={_BUSY * 1000}")


def migrate(engine: Engine) -> None:
    """Bring the schema to `HEAD`. Alembic is loaded only where there is something to do."""
    if _version(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
