"""The pieces of Block Kit that Odyssey uses, each within Slack's limits.

Text given as `markup` is mrkdwn that is safe already (see `agent.slack.sanitize`); text given as `words` is anybody's.
"""

import hashlib
import json
import re
from collections.abc import Sequence

from pydantic import JsonValue

from agent.slack import sanitize
from agent.slack.actions import Press
from agent.slack.model import Block, Names

LONGEST_SECTION = 3000
LONGEST_FIELD = 2000
LONGEST_HEADER = 150
LONGEST_BUTTON = 75
MOST_FIELDS = 10
MOST_ACTIONS = 25
MOST_ROWS = 100
MOST_COLUMNS = 20
EMPTY = "\u00a0"  # Slack wants a character in every cell of a table

Piece = dict[str, JsonValue]


def named(words: str, names: Names | None, most: int = 60) -> str:
    """A person, project or model for mrkdwn, ids replaced by names."""
    return sanitize.label(names(words) if names else words, most)


def plain_text(words: str, most: int) -> Piece:
    return {"type": "plain_text", "text": sanitize.line(words, most), "emoji": False}


def mrkdwn(markup: str, most: int = LONGEST_SECTION) -> Piece:
    """`verbatim`: Slack makes no link and no mention of what merely looks like one."""
    return {"type": "mrkdwn", "text": fit(markup, most) or "–", "verbatim": True}


def fit(markup: str, most: int) -> str:
    """mrkdwn cut to `most` characters, never inside an escape or a date."""
    if sanitize.units(markup) <= most:
        return markup
    cut = re.sub(r"(?:&[a-z]{0,4}|<[^>]*)$", "", sanitize.begin(markup, most - 1))
    return sanitize.whole_names(cut).rstrip() + "…"


def header(words: str) -> Block:
    return {"type": "header", "text": plain_text(words, LONGEST_HEADER)}


def section(markup: str, accessory: Piece | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(markup)}
    return {**block, "accessory": accessory, "block_id": _lasting([accessory])} if accessory else block


def fields(markups: Sequence[str]) -> Block:
    return {"type": "section", "fields": [mrkdwn(markup, LONGEST_FIELD) for markup in markups[:MOST_FIELDS]]}


def context(markup: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(markup)]}


def divider() -> Block:
    return {"type": "divider"}


def actions(elements: Sequence[Piece]) -> Block:
    kept = list(elements[:MOST_ACTIONS])
    return {"type": "actions", "elements": [*kept], "block_id": _lasting(kept)}


def _lasting(elements: Sequence[Piece]) -> str:
    """A block's id that lasts for as long as its buttons do.

    Slack makes up a new one at every update, and what is pressed on a card just then would belong to no block.
    """
    meant = json.dumps([[each.get("action_id"), each.get("value")] for each in elements])
    return hashlib.sha256(meant.encode()).hexdigest()[:20]


def button(words: str, action_id: str, value: str | None = None, *, style: str | None = None) -> Piece:
    """`style` is "primary" or "danger"."""
    given = {"value": value, "style": style}
    shown: Piece = {"type": "button", "text": plain_text(words, LONGEST_BUTTON), "action_id": action_id}
    return {**shown, **{key: each for key, each in given.items() if each is not None}}


def say(
    words: str,
    name: str,
    command: str,
    *,
    seen: str | None = None,
    project: str | None = None,
    style: str | None = None,
) -> Piece:
    """A button that says `command`; `name` tells it from the others in its block."""
    press = Press(say=command, seen=seen, project=project)
    return button(words, f"say:{name}", press.value(), style=style)


def rich_text(*parts: Piece) -> Block:
    return {"type": "rich_text", "elements": list(parts)}


def paragraph(words: str, *, style: str = "rich_text_section") -> Piece:
    """Text shown literally; `style` may be `rich_text_quote` or `rich_text_preformatted`."""
    return {"type": style, "elements": [{"type": "text", "text": sanitize.plain(words) or "–"}]}


def cell(words: str, most: int = 300) -> Piece:
    return {"type": "raw_text", "text": sanitize.line(words, most) if words else EMPTY}


def table(rows: Sequence[Sequence[Piece]], alignments: Sequence[str] = ()) -> Block:
    """Rows of cells of the same number; the first is the heading."""
    columns = len(rows[0])
    aligned = [*alignments, *("left" for _ in range(columns))][:columns]
    settings: list[JsonValue] = [{"align": align, "is_wrapped": True} for align in aligned]
    return {"type": "table", "rows": [list(row) for row in rows], "column_settings": settings}
