"""A record that one process opens twice: another process that looks at it must not take the log away from under it."""

import subprocess
import sys

from agent.ledger import tables
from agent.ledger.database import open_database

LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM notices").fetchone()
connection.close()
"""


def test_who_looks_in_from_outside_leaves_the_log_alone(tmp_path):
    path = tmp_path / "odyssey.db"
    first = open_database(path)
    with first.connect() as kept:
        kept.rollback()
        open_database(path)
        with first.begin() as connection:
            connection.execute(tables.notices.insert().values(key="k", project="p", at="now", text="kept"))
        subprocess.run([sys.executable, "-c", LOOK, str(path)], check=True)
        assert (tmp_path / "odyssey.db-wal").stat().st_size > 0
