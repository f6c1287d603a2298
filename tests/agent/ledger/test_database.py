import stat

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from agent.ledger import database, tables
from agent.ledger.database import open_database
from tools.jobs import ledger as jobs


def test_the_file_is_private_and_in_wal(tmp_path):
    engine = open_database(tmp_path / "deep" / "odyssey.db")
    assert stat.S_IMODE((tmp_path / "deep" / "odyssey.db").stat().st_mode) == 0o600
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
    durable = open_database(tmp_path / "durable.db", durable=True)
    with durable.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_migrations_make_exactly_the_tables(tmp_path):
    engine = open_database(tmp_path / "odyssey.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, [tables.metadata, jobs.metadata]) == []


def test_the_head_is_the_newest_migration(tmp_path):
    folder = ScriptDirectory(database.__file__.replace("database.py", "migrations"))
    assert folder.get_current_head() == database.HEAD


def test_opening_again_keeps_what_is_there(tmp_path):
    path = tmp_path / "odyssey.db"
    with open_database(path).begin() as connection:
        connection.execute(tables.notices.insert().values(key="k", project="p", at="now", text="kept"))
    with open_database(path).connect() as connection:
        assert connection.execute(tables.notices.select()).one().text == "kept"
