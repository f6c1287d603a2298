"""Markdown's tables as Slack's: at most 100 rows, 20 columns and 10,000 characters each."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.slack.blocks.elements import EMPTY, MOST_COLUMNS, MOST_ROWS, Piece
from agent.slack.blocks.elements import table as table_block
from agent.slack.model import Block
from agent.slack.sanitize import units

MOST_UNITS = 9_500  # of all cells together

_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_BAR = re.compile(r"(?<!\\)\|")
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<words>[^\[\]]+)\]\((?P<url>https?://[^()\s]+)\)"
    r"|(?<!\w)_(?P<italic>[^_]+)_(?!\w)"
)

Rows = list[tuple[str, ...]]


class Table(NamedTuple):
    """`rows` begins with the heading and has the same number of cells in each; `source` is what it was read from."""

    rows: Rows
    alignments: tuple[str, ...]
    source: tuple[str, ...]


def read(lines: Sequence[str]) -> Table | None:
    """The table that the first line begins, or None."""
    if len(lines) < 2 or "|" not in lines[0] or "|" not in lines[1] or not _RULE.fullmatch(lines[1]):
        return None
    heading, rule = _cells(lines[0]), _cells(lines[1])
    if len(heading) != len(rule):
        return None
    body = 2
    while body < len(lines) and "|" in lines[body] and lines[body].strip():
        body += 1
    rows = [heading, *(_cells(line) for line in lines[2:body])]
    width = max(len(row) for row in rows)
    alignments = tuple(_alignment(mark) for mark in rule)
    return Table([row + ("",) * (width - len(row)) for row in rows], alignments, tuple(lines[:body]))


def parts(table: Table) -> list[Rows] | None:
    """The table in pieces that Slack takes, each with the heading; None if no piece can be made small enough."""
    heading, *body = table.rows
    room = MOST_UNITS - _row_size(heading)
    if len(heading) > MOST_COLUMNS or room < 0 or any(_row_size(row) > room for row in body):
        return None
    pieces, left = [[heading]], room
    for row in body:
        if len(pieces[-1]) == MOST_ROWS or _row_size(row) > left:
            pieces.append([heading])
            left = room
        pieces[-1].append(row)
        left -= _row_size(row)
    return pieces


def size(rows: Rows) -> int:
    return sum(_row_size(row) for row in rows)


def block(rows: Rows, alignments: Sequence[str]) -> Block:
    return table_block([[_cell(text) for text in row] for row in rows], alignments)


def _row_size(row: tuple[str, ...]) -> int:
    return sum(units(text) or 1 for text in row)


def _cells(line: str) -> tuple[str, ...]:
    stripped = line.strip()
    inner = stripped.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return tuple(part.strip().replace("\\|", "|") for part in _BAR.split(inner))


def _alignment(mark: str) -> str:
    if mark.endswith(":"):
        return "center" if mark.startswith(":") else "right"
    return "left"


def _cell(text: str) -> Piece:
    """Bold, italics, code and links as rich text; anything else as it is."""
    if not text or not _INLINE.search(text):
        return {"type": "raw_text", "text": text or EMPTY}
    elements, end = list[Piece](), 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            elements.append({"type": "text", "text": text[end : match.start()]})
        elements.append(_styled(match))
        end = match.end()
    if text[end:]:
        elements.append({"type": "text", "text": text[end:]})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [*elements]}]}


def _styled(match: re.Match[str]) -> Piece:
    if match["url"]:
        return {"type": "link", "url": match["url"], "text": match["words"]}
    style = next(name for name in ("code", "bold", "italic") if match[name])
    return {"type": "text", "text": match[style], "style": {style: True}}
