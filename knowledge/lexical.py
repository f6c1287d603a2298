"""Word search: SQLite FTS5 over text that was segmented and stemmed beforehand, ranked by BM25.

Robertson and Zaragoza 2009 for BM25. The words of the headings count more than those of the body.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from knowledge.words import terms

HEADING_WEIGHT = 1.5
_RANK = f"bm25({HEADING_WEIGHT}, 1.0)"
_BATCH = 500  # values in one statement

SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    heading, body, scope UNINDEXED, id UNINDEXED, tokenize = "unicode61 remove_diacritics 0 tokenchars '.,'");
CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab(words, row);
"""


def insert(connection: sqlite3.Connection, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Index passages given as (id, scope, heading, body)."""
    connection.executemany(
        "INSERT INTO words (id, scope, heading, body) VALUES (?, ?, ?, ?)",
        ((key, scope, " ".join(terms(heading)), " ".join(terms(body))) for key, scope, heading, body in rows),
    )


def delete(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    connection.executemany("DELETE FROM words WHERE id = ?", ((key,) for key in ids))


def ids(connection: sqlite3.Connection, scope: str) -> set[str]:
    """The passages of a scope that are indexed."""
    return {key for (key,) in connection.execute("SELECT id FROM words WHERE scope = ?", (scope,))}


def search(
    connection: sqlite3.Connection, words: Sequence[str], scopes: Sequence[str], k: int
) -> list[tuple[str, float]]:
    """At most `k` (id, BM25 score), higher is better, of passages with any of the words."""
    if not words:
        return []
    match = " OR ".join(map(_quoted, words))
    rows = connection.execute(
        # ordered by `rank`, FTS5 scores each passage once: half the time of ordering by the function
        "SELECT id, -rank FROM words WHERE words MATCH ? AND rank MATCH ? "
        "AND scope IN (SELECT value FROM json_each(?)) ORDER BY rank LIMIT ?",
        (match, _RANK, _json(scopes), k),
    )
    return [(key, float(score)) for key, score in rows]


def frequencies(connection: sqlite3.Connection, words: Iterable[str]) -> Mapping[str, int]:
    """In how many passages each word, or phrase of several, occurs; those that occur in none are left out."""
    asked = list(dict.fromkeys(words))
    wanted = [word for word in asked if " " not in word]
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _BATCH):
        rows = connection.execute(
            "SELECT term, doc FROM vocabulary WHERE term IN (SELECT value FROM json_each(?))",
            (_json(wanted[start : start + _BATCH]),),
        )
        found.update(dict(rows))
    for phrase in (word for word in asked if " " in word):
        (count,) = connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (_quoted(phrase),)).fetchone()
        if count:
            found[phrase] = count
    return found


def _quoted(phrase: str) -> str:
    return '"' + phrase.replace('"', "") + '"'


def _json(values: Sequence[str]) -> str:
    return json.dumps(list(values))
