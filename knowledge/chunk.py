"""A document to passages: along its headings, about 200 tokens each, with offsets that quote exactly.

Markdown is read by its blocks (headings, paragraphs, list items, tables, fenced code); plain text is a document
with paragraphs only. For every passage `document[passage.start:passage.end] == passage.text`, and so for sentences.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from knowledge.model import Passage, Sentence
from knowledge.words import CJK, count_tokens

TARGET_TOKENS = 200  # see the guide on retrieval: small enough to be found, large enough to be read
SEPARATOR = " › "

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^[\s|:+-]+$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_SENTENCE_END = re.compile(rf"""[.!?]["'”’)\]]*\s+(?=["'“‘(\[]?[A-Z0-9{CJK}])|[。！？；]["”’）]*\s*""")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|al|vs|cf|fig|dr|mr|mrs|ms|approx|inc|st|ca)|\b[A-Z])\.$", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_EMPHASIS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|\[!\[[^\]]*\]\([^)\s]*\)\]\([^)\s]*\)")  # also pictures that are links
_QUOTED = re.compile(r"^\s*(?:>\s?)+(?:\[![A-Z]+\])?", re.MULTILINE)
_MARKER = re.compile(r"\s*(?:>\s?)*(?:(?:[-*+•]|\d{1,3}[.)])\s+)?")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together, below the headings `path`."""

    path: tuple[str, ...]
    sentences: tuple[Sentence, ...]


def passages(document: str, title: str = "", begin: int = 0) -> list[Passage]:
    """Cut a document from character `begin` on; a passage's heading is the title and the headings above."""
    made: list[Passage] = []
    section: list[Sentence] = []
    path: tuple[str, ...] = ()
    for block in _blocks(document, begin):
        if block.path != path:
            made += _pack(document, section, _heading(title, path))
            section, path = [], block.path
        section += block.sentences
    made += _pack(document, section, _heading(title, path))
    return made


def first_heading(document: str) -> str:
    """The document's own title, or nothing."""
    for line in document.splitlines():
        if found := _HEADING.match(line):
            return _clean(found[2])
    return ""


def is_item(text: str) -> bool:
    """Whether a text begins like an item of a list or a row of a table."""
    return _ITEM.match(text) is not None or text.startswith("|")


def _heading(title: str, path: tuple[str, ...]) -> str:
    names = [title, *path] if title else list(path)
    return SEPARATOR.join(dict.fromkeys(name for name in names if name))


def _pack(document: str, sentences: list[Sentence], heading: str) -> Iterator[Passage]:
    """Passages of nearly equal length, none above the target unless a single sentence is."""
    if not sentences:
        return
    sizes = [count_tokens(document[s.start : s.end]) for s in sentences]
    share = sum(sizes) / ceil(sum(sizes) / TARGET_TOKENS)
    group: list[Sentence] = []
    filled = 0
    for sentence, size in zip(sentences, sizes, strict=True):
        if group and (filled + size > TARGET_TOKENS or filled + size / 2 > share):
            yield _passage(document, group, heading)
            group, filled = [], 0
        group.append(sentence)
        filled += size
    yield _passage(document, group, heading)


def _passage(document: str, group: list[Sentence], heading: str) -> Passage:
    start, end = group[0].start, group[-1].end
    return Passage(heading=heading, text=document[start:end], start=start, end=end, sentences=tuple(group))


def _lines(document: str, begin: int) -> Iterator[tuple[int, str]]:
    position = begin
    for line in document[begin:].splitlines(keepends=True):
        yield position, line.rstrip("\r\n")
        position += len(line)


def _blocks(document: str, begin: int) -> Iterator[_Block]:
    """Walk the lines; a block ends at a blank line, a heading, a new list item, or a change of kind."""
    headings: list[tuple[int, str]] = []
    open_lines: list[tuple[int, str]] = []
    kind = ""

    def close() -> Iterator[_Block]:
        if open_lines:
            path = tuple(name for _, name in headings)
            if found := tuple(_sentences(document, kind, open_lines)):
                yield _Block(path, found)
            open_lines.clear()

    for start, line in _lines(document, begin):
        if kind == "code" and open_lines:
            open_lines.append((start, line))
            if _FENCE.match(line):
                yield from close()
                kind = ""
            continue
        if kind == "comment":
            kind = "" if line.rstrip().endswith("-->") else kind
            continue
        now = _kind(line)
        if now != kind or now in {"heading", "item"}:
            yield from close()
        kind = now
        if now == "heading" and (found := _HEADING.match(line)):
            level = len(found[1])
            headings[:] = [h for h in headings if h[0] < level] + [(level, _clean(found[2]))]
        elif now == "comment":
            kind = "" if line.rstrip().endswith("-->") else now
        elif now != "blank":
            open_lines.append((start, line))
            kind = "paragraph" if now == "item" else now
    yield from close()


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _FENCE.match(line):
        return "code"
    if line.startswith("<!--"):
        return "comment"
    if _HEADING.match(line):
        return "heading"
    if _ROW.match(line):
        return "table"
    if _ITEM.match(line):
        return "item"
    return "paragraph"


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text that is one paragraph."""
    return list(_sentences(text, "paragraph", [(0, text)])) if text.strip() else []


def _sentences(document: str, kind: str, lines: list[tuple[int, str]]) -> Iterator[Sentence]:
    if kind == "table":
        yield from _rows(lines)
        return
    start, (last, line) = lines[0][0], lines[-1]
    end = last + len(line)
    if kind == "code":
        yield from _limited(document, start, end)
        return
    position = start
    marker = _MARKER.match(document, start, end)  # "1." before an item ends no sentence
    for found in _SENTENCE_END.finditer(document, marker.end() if marker else start, end):
        if not _ABBREVIATION.search(document[position : found.start() + 1]):
            yield from _limited(document, position, found.end())
            position = found.end()
    yield from _limited(document, position, end)


def _limited(document: str, start: int, end: int) -> Iterator[Sentence]:
    """The sentence without surrounding space; one that is longer than a passage in pieces, cut between words."""
    text = document[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    words = [m.end() for m in re.finditer(rf"[{CJK}]|\S+?(?=[{CJK}\s]|$)", document[start:end])]
    for first in range(0, len(words), TARGET_TOKENS):
        low = start + (words[first - 1] if first else 0)
        low += len(document[low:end]) - len(document[low:end].lstrip())
        high = start + words[min(first + TARGET_TOKENS, len(words)) - 1]
        text = _clean(document[low:high])
        if any(character.isalnum() for character in text):
            yield Sentence(text=text, start=low, end=high)


def _rows(lines: list[tuple[int, str]]) -> Iterator[Sentence]:
    """Each row of a table as a sentence that names its columns."""
    columns = _cells(lines[0][1])
    has_header = len(lines) > 1 and _RULE.match(lines[1][1]) is not None
    for start, line in lines[2:] if has_header else lines:
        cells = _cells(line)
        named = zip(columns, cells, strict=False) if has_header else (("", cell) for cell in cells)
        text = "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
        if text:
            indent = len(line) - len(line.lstrip())
            yield Sentence(text=text, start=start + indent, end=start + len(line.rstrip()))


def _cells(row: str) -> list[str]:
    return [_clean(cell) for cell in row.strip().strip("|").split("|")]


def _clean(text: str) -> str:
    """As it reads aloud: one line, no list marker, no emphasis, links by their text."""
    text = _MARKER.sub("", _QUOTED.sub("", text), count=1)
    return " ".join(_EMPHASIS.sub("", _LINK.sub(r"\1", _TAG.sub("", text))).split())
