"""Everything the workspace remembers, in one SQLite file: documents by kind, and messages by channel and time."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Doc = dict[str, Any]  # a JSON object as Slack shapes it

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    channel TEXT, ts TEXT, thread_ts TEXT, top INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (channel, ts)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_thread ON messages (channel, thread_ts, ts);
CREATE INDEX IF NOT EXISTS messages_top ON messages (channel, top, ts);
"""
LATEST = "9999999999.999999"  # after every timestamp; they all have ten digits before the point until 2286


class Store:
    """Used by one thread. Every change is committed at once; `batch` groups several into one commit."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """All or nothing."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def put(self, kind: str, name: str, body: Doc) -> None:
        self._database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, name, json.dumps(body)))

    def get(self, kind: str, name: str) -> Doc | None:
        row = self._database.execute("SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return json.loads(row[0]) if row else None

    def drop(self, kind: str, name: str) -> None:
        self._database.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, name))

    def every(self, kind: str) -> list[Doc]:
        """All documents of a kind, by id."""
        rows = self._database.execute("SELECT body FROM documents WHERE kind = ? ORDER BY id", (kind,))
        return [json.loads(row[0]) for row in rows]

    def put_message(self, message: Doc) -> None:
        """`message` names its channel and ts. A reply stands in its thread; a broadcast one in the channel too."""
        root = message.get("thread_ts")
        top = root in (None, message["ts"]) or message.get("subtype") == "thread_broadcast"
        row = (message["channel"], message["ts"], root, int(top), json.dumps(message))
        self._database.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)", row)

    def message(self, channel: str, ts: str) -> Doc | None:
        row = self._database.execute("SELECT body FROM messages WHERE channel = ? AND ts = ?", (channel, ts)).fetchone()
        return json.loads(row[0]) if row else None

    def drop_message(self, channel: str, ts: str) -> None:
        self._database.execute("DELETE FROM messages WHERE channel = ? AND ts = ?", (channel, ts))

    def top_messages(self, channel: str, after: str = "0", before: str = LATEST, limit: int = 100) -> list[Doc]:
        """A channel's messages strictly between two timestamps, the newest first, without replies in threads."""
        query = "SELECT body FROM messages WHERE channel = ? AND top = 1 AND ts > ? AND ts < ? ORDER BY ts DESC LIMIT ?"
        return [json.loads(row[0]) for row in self._database.execute(query, (channel, after, before, limit))]

    def replies(self, channel: str, root: str, after: str = "0", before: str = LATEST, limit: int = -1) -> list[Doc]:
        """A thread's replies strictly between two timestamps, the oldest first, without the root."""
        query = """SELECT body FROM messages WHERE channel = ? AND thread_ts = ? AND ts != thread_ts
                   AND ts > ? AND ts < ? ORDER BY ts LIMIT ?"""
        return [json.loads(row[0]) for row in self._database.execute(query, (channel, root, after, before, limit))]

    def latest(self, channel: str | None = None) -> str | None:
        """The newest message's timestamp, of a channel's own messages or of all."""
        where, values = ("WHERE channel = ? AND top = 1", (channel,)) if channel else ("", ())
        return str(row[0]) if (row := self._one(f"SELECT max(ts) FROM messages {where}", values)) and row[0] else None  # noqa: S608 (fixed text)

    def count_after(self, channel: str, ts: str, other_than: str) -> int:
        """How many of a channel's own messages came later, from others than this person; counted to 100."""
        query = """SELECT count(*) FROM (SELECT 1 FROM messages WHERE channel = ? AND top = 1 AND ts > ?
                   AND json_extract(body, '$.user') != ? LIMIT 100)"""
        row = self._one(query, (channel, ts, other_than))
        return int(row[0]) if row else 0

    def _one(self, query: str, values: tuple[str, ...]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row
