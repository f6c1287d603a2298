"""Documents and passages in SQLite: the record the vectors follow.

A change is written down as unfinished before Chroma is touched and struck out afterwards. So a crash between the two
stores leaves work to finish, never a passage that is shown without being known or known without being found.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge import lexical
from knowledge.errors import REBUILD, Unavailable
from knowledge.model import Document, Language, Passage, Sentence, Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    scope TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL, digest TEXT NOT NULL,
    version TEXT NOT NULL,  -- of the file, the chunker and the encoder together
    text TEXT NOT NULL, language TEXT NOT NULL DEFAULT 'en', number INTEGER NOT NULL DEFAULT 1,
    owner TEXT NOT NULL DEFAULT '', audience TEXT NOT NULL DEFAULT 'project',
    passages INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (scope, name));
CREATE INDEX IF NOT EXISTS sizes ON documents (scope, audience, passages);  -- counting reads no document's text
CREATE TABLE IF NOT EXISTS passages (
    id TEXT PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    sentences TEXT NOT NULL,  -- JSON: [[text, start, end], …]
    vectors BLOB NOT NULL);  -- float16 rows: passage, innermost heading, title with it, then one a sentence
CREATE INDEX IF NOT EXISTS passages_of ON passages (scope, name);
CREATE TABLE IF NOT EXISTS unfinished (scope TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (scope, name));
"""


_ADDED = {  # columns that the first form of the table did not have
    "language": "TEXT NOT NULL DEFAULT 'en'", "number": "INTEGER NOT NULL DEFAULT 1",
    "owner": "TEXT NOT NULL DEFAULT ''", "audience": "TEXT NOT NULL DEFAULT 'project'",
    "passages": "INTEGER NOT NULL DEFAULT 0",
}  # fmt: skip

PASSAGE, HEADING, PATH, SENTENCES = 0, 1, 2, 3  # rows of a passage's vectors; the sentences' go on to the end


@dataclass(frozen=True, slots=True)
class Indexed:
    """A stored passage with its sentences and vectors, float32 [SENTENCES + number of sentences, dimension]."""

    stored: Stored
    sentences: tuple[Sentence, ...]
    vectors: "NDArray[np.float32]"


class Catalogue:
    """All documents of all scopes. Not safe for several threads: its owner holds a lock."""

    def __init__(self, path: Path) -> None:
        try:
            self.connection = sqlite3.connect(path, check_same_thread=False)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
            self.connection.executescript(_SCHEMA + lexical.SCHEMA)
            sound = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"The catalogue {path} cannot be opened ({error}); {REBUILD}.") from error
        if sound != "ok":
            self.connection.close()
            raise Unavailable(f"The catalogue {path} is damaged; {REBUILD}.")
        path.chmod(0o600)

    def _migrate(self) -> None:
        known = {row[1] for row in self.connection.execute("PRAGMA table_info(documents)")}
        with self.connection:
            for column, kind in _ADDED.items() if known else ():
                if column not in known:
                    self.connection.execute(f"ALTER TABLE documents ADD COLUMN {column} {kind}")

    def begin(self, scope: str, name: str) -> None:
        """Write down that the vectors of a document are about to change."""
        with self.connection:
            self.connection.execute("INSERT OR IGNORE INTO unfinished VALUES (?, ?)", (scope, name))

    def finish(self, scope: str, name: str) -> None:
        with self.connection:
            self.connection.execute("DELETE FROM unfinished WHERE scope = ? AND name = ?", (scope, name))

    def unfinished(self) -> list[tuple[str, str]]:
        return list(self.connection.execute("SELECT scope, name FROM unfinished"))

    def put(self, document: Document, version: str, text: str, passages: Sequence[tuple[str, Passage, bytes]]) -> None:
        """Replace a document and all its passages, given as (id, passage, vectors), in one transaction."""
        scope, name = document.scope, document.name
        with self.connection:
            self._delete(scope, name)
            self.connection.execute(
                "INSERT INTO documents (scope, name, title, digest, version, text, language, number, owner, audience, "
                "passages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (scope, name, document.title, document.digest, version, text, document.language, document.number,
                 document.owner, document.audience, len(passages)),
            )  # fmt: skip
            self.connection.executemany(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (key, scope, name, p.heading, p.text, p.start, p.end, _dump(p.sentences), vectors)
                    for key, p, vectors in passages
                ],
            )
            lexical.insert(self.connection, [(key, scope, p.heading, p.text) for key, p, _ in passages])

    def delete(self, scope: str, name: str) -> None:
        """Forget a document; its vectors are left to be removed."""
        with self.connection:
            self.connection.execute("INSERT OR IGNORE INTO unfinished VALUES (?, ?)", (scope, name))
            self._delete(scope, name)

    def _delete(self, scope: str, name: str) -> None:
        rows = self.connection.execute("SELECT id FROM passages WHERE scope = ? AND name = ?", (scope, name))
        lexical.delete(self.connection, [key for (key,) in rows])
        self.connection.execute("DELETE FROM passages WHERE scope = ? AND name = ?", (scope, name))
        self.connection.execute("DELETE FROM documents WHERE scope = ? AND name = ?", (scope, name))

    def version(self, scope: str, name: str) -> str | None:
        row = self.connection.execute(
            "SELECT version FROM documents WHERE scope = ? AND name = ?", (scope, name)
        ).fetchone()
        return row[0] if row else None

    def text(self, scope: str, name: str) -> str:
        row = self.connection.execute(
            "SELECT text FROM documents WHERE scope = ? AND name = ?", (scope, name)
        ).fetchone()
        return row[0] if row else ""

    def documents(self, scope: str) -> list[Document]:
        """The documents of a scope by name."""
        rows = self.connection.execute(
            "SELECT scope, name, title, digest, length(text), passages, language, number, owner, audience "
            "FROM documents WHERE scope = ? ORDER BY name",
            (scope,),
        )
        return [_document(row) for row in rows]

    def document(self, scope: str, name: str) -> Document | None:
        row = self.connection.execute(
            "SELECT scope, name, title, digest, length(text), passages, language, number, owner, audience "
            "FROM documents WHERE scope = ? AND name = ?",
            (scope, name),
        ).fetchone()
        return _document(row) if row else None

    def names(self, scope: str) -> set[str]:
        return {name for (name,) in self.connection.execute("SELECT name FROM documents WHERE scope = ?", (scope,))}

    def count(self, scope: str, audiences: Sequence[str] | None = None) -> tuple[int, int]:
        """Documents and passages of a scope, those for these audiences only if some are given."""
        chosen, values = _for_audiences(audiences)
        row = self.connection.execute(
            f"SELECT count(*), coalesce(sum(passages), 0) FROM documents d WHERE scope = ?{chosen}",  # noqa: S608
            (scope, *values),
        ).fetchone()
        return int(row[0]), int(row[1])

    def visible(self, scopes: Sequence[str], audiences: Sequence[str]) -> set[str]:
        """Ids of the passages of the scopes that these audiences may see."""
        rows = self.connection.execute(
            "SELECT p.id FROM passages p JOIN documents d ON d.scope = p.scope AND d.name = p.name "
            "WHERE d.scope IN (SELECT value FROM json_each(?)) AND d.audience IN (SELECT value FROM json_each(?))",
            (json.dumps(list(scopes)), json.dumps(list(audiences))),
        )
        return {key for (key,) in rows}

    def scopes(self) -> list[str]:
        return [scope for (scope,) in self.connection.execute("SELECT DISTINCT scope FROM documents")]

    def size(self) -> int:
        """The number of passages of all scopes."""
        return int(self.connection.execute("SELECT coalesce(sum(passages), 0) FROM documents").fetchone()[0])

    def load(
        self, ids: Iterable[str], scopes: Sequence[str], audiences: Sequence[str] | None = None
    ) -> dict[str, Indexed]:
        """Passages by id; those that are not known (any more) in these scopes, or not for them, are left out."""
        chosen, values = _for_audiences(audiences)
        rows = self.connection.execute(
            'SELECT p.id, p.scope, p.name, d.title, p.heading, p.text, p.start, p."end", p.sentences, p.vectors, '  # noqa: S608
            "d.language, d.audience, d.digest FROM passages p "
            "JOIN documents d ON d.scope = p.scope AND d.name = p.name "
            f"WHERE p.id IN (SELECT value FROM json_each(?)) AND p.scope IN (SELECT value FROM json_each(?)){chosen}",
            (json.dumps(list(ids)), json.dumps(list(scopes)), *values),
        )
        return {row[0]: _indexed(row) for row in rows}

    def vectors_of(self, scope: str, name: str) -> tuple[list[str], "NDArray[np.float32]"]:
        """Ids and passage vectors of a document, to fill the vector store again."""
        import numpy as np

        rows = self.connection.execute(
            "SELECT id, vectors, sentences FROM passages WHERE scope = ? AND name = ?", (scope, name)
        ).fetchall()
        if not rows:
            return [], np.zeros((0, 1), np.float32)
        first = [np.frombuffer(v, np.float16).reshape(SENTENCES + len(json.loads(s)), -1)[PASSAGE] for _, v, s in rows]
        return [key for key, _, _ in rows], np.array(first, np.float32)

    def vectors_by_id(self, scope: str) -> dict[str, "NDArray[np.float32]"]:
        """Each passage's own vector."""
        found: dict[str, NDArray[np.float32]] = {}
        for name in self.names(scope):
            ids, vectors = self.vectors_of(scope, name)
            found.update(zip(ids, vectors, strict=True))
        return found

    def passages_of(self, scope: str) -> dict[str, tuple[str, str, str, int, int]]:
        """Of a scope by id: document, heading, text, start, end; to hold them against their sources."""
        rows = self.connection.execute(
            'SELECT id, name, heading, text, start, "end" FROM passages WHERE scope = ?', (scope,)
        )
        return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows}

    def close(self) -> None:
        self.connection.close()


def _for_audiences(audiences: Sequence[str] | None) -> tuple[str, tuple[str, ...]]:
    """A condition on documents `d`; none without audiences."""
    if audiences is None:
        return "", ()
    return " AND d.audience IN (SELECT value FROM json_each(?))", (json.dumps(list(audiences)),)


def _document(row: Sequence[object]) -> Document:
    fields = ("scope", "name", "title", "digest", "characters", "passages", "language", "number", "owner", "audience")
    return Document.model_validate(dict(zip(fields, row, strict=True)))


def _dump(sentences: Iterable[Sentence]) -> str:
    return json.dumps([[s.text, s.start, s.end] for s in sentences], ensure_ascii=False)


def _indexed(row: Sequence[object]) -> Indexed:
    import numpy as np

    key, scope, name, title, heading, text, start, end, sentences, vectors, language, audience, digest = row
    made = tuple(Sentence(*values) for values in json.loads(str(sentences)))
    assert isinstance(vectors, bytes) and isinstance(start, int) and isinstance(end, int)  # noqa: S101
    spoken: Language = "zh" if language == "zh" else "en"
    stored = Stored(
        str(key), str(scope), str(name), str(title), str(heading), str(text), start, end, spoken, str(audience),
        str(digest),
    )  # fmt: skip
    return Indexed(
        stored, made, np.frombuffer(vectors, np.float16).reshape(SENTENCES + len(made), -1).astype(np.float32)
    )
