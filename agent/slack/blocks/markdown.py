"""Odyssey's Markdown as messages: text as `markdown` blocks, tables as `table` blocks, as many messages as it takes.

Nothing of a text is lost. A message holds one table (Slack's rule) and 11,000 characters, so that with sources and
buttons it stays under the 13,200 at which Slack refuses it. A table that goes on in the next message repeats its
heading; a block of code that does is closed and opened again.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from agent.slack import sanitize
from agent.slack.blocks import tables
from agent.slack.blocks.cutting import Fence, chunks
from agent.slack.blocks.tables import Table
from agent.slack.model import Block, Names, Rendered
from agent.slack.sanitize import HOSTS, units

ROOM = 11_000  # UTF-16 units of text in a message
_LEAST = 1_500  # a text that does not fit begins in a message with at least so much room
_LONGEST_TITLE = 200  # characters of a paragraph that stays with the table below it
_MARKUP = re.compile(r"\*\*|`+|^#{1,6} |(?<=\n)#{1,6} ")
_FALLBACK = 280  # characters of a message's plain text, for notifications


def render(text: str, *, hosts: Collection[str] = HOSTS, names: Names | None = None) -> tuple[Rendered, ...]:
    """`text` (Markdown from people, documents, models) as one or more messages; nothing of it is lost."""
    safe = sanitize.markdown(names(text) if names else text, hosts)
    pages = [_Page()]
    for part in _parts(safe):
        if isinstance(part, Table):
            _add_table(pages, part)
        elif part.strip():
            _add_text(pages, part)
    return tuple(page.rendered() for page in pages if page.blocks) or (Rendered(text="–"),)


def fallback(text: str) -> str:
    """The beginning of a text in one plain line, for notifications."""
    return sanitize.label(_MARKUP.sub("", text), _FALLBACK)


@dataclass
class _Page:
    """A message being filled."""

    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    used: int = 0
    has_table: bool = False

    def add(self, block: Block, words: str, size: int) -> None:
        self.blocks.append(block)
        self.words.append(words)
        self.used += size

    def give_title(self) -> str:
        """Take away the last paragraph, if it is so short that it belongs to what follows."""
        if not self.blocks or self.blocks[-1]["type"] != "markdown":
            return ""
        before, _, title = str(self.blocks[-1]["text"]).rpartition("\n\n")
        if len(title) > _LONGEST_TITLE or "```" in title:
            return ""
        self.blocks.pop()
        self.words.pop()
        if before.strip():
            self.add({"type": "markdown", "text": before}, before[:_FALLBACK], 0)
        return title

    def rendered(self) -> Rendered:
        return Rendered(text=fallback(" ".join(self.words)), blocks=tuple(self.blocks))


def _add_text(pages: list[_Page], text: str) -> None:
    left = ROOM - pages[-1].used
    if left < min(units(text), _LEAST):
        pages.append(_Page())
        left = ROOM
    for number, chunk in enumerate(chunks(text, left, ROOM)):
        if number:
            pages.append(_Page())
        chunk = chunk.strip("\n")
        pages[-1].add({"type": "markdown", "text": chunk}, chunk[:_FALLBACK], units(chunk))


def _add_table(pages: list[_Page], table: Table) -> None:
    parts = tables.parts(table)
    if parts is None:  # wider or longer than any table of Slack's
        _add_text(pages, "\n".join(["```", *table.source, "```"]))
        return
    for rows in parts:
        size = tables.size(rows)
        if pages[-1].has_table or pages[-1].used + size > ROOM:
            title = pages[-1].give_title()
            pages.append(_Page())
            if title:
                _add_text(pages, title)
        pages[-1].add(tables.block(rows, table.alignments), " ".join(rows[0]), size)
        pages[-1].has_table = True


def _parts(text: str) -> Iterator[str | Table]:
    """The text cut into tables and what lies between them; a table in a block of code is code."""
    lines, fence, held = text.split("\n"), Fence(), list[str]()
    number = 0
    while number < len(lines):
        table = None if fence.open else tables.read(lines[number:])
        if table is None:
            fence.take(lines[number])
            held.append(lines[number])
            number += 1
            continue
        yield "\n".join(held)
        yield table
        held = []
        number += len(table.source)
    yield "\n".join(held)


def texts(rendered: Sequence[Rendered]) -> str:
    """All Markdown of the messages' text blocks, for streams, which take no other block."""
    found = [block["text"] for each in rendered for block in each.blocks if block["type"] == "markdown"]
    return "\n\n".join(str(text) for text in found)
