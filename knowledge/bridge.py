"""Between Chinese and English: the glossary, both ways, and Chinese text as an encoder of English can read it."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from knowledge.embed import Embedder
from knowledge.words import RUN, is_chinese, terms

OR = "|"  # between English names of one term, the usual one first
ASKING = "~"  # marks words of asking in the glossary: they belong to the question, not to what it is about


@cache
def glossary() -> dict[str, str]:
    """Chinese terms in English, other names behind a bar; words of asking are marked, function words have none."""
    file = Path(__file__).with_name("glossary.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))


@cache
def glossary_digest() -> str:
    """Of what Chinese text is embedded with."""
    entries = json.dumps(glossary(), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(entries.encode()).hexdigest()[:16]


@cache
def chinese_of() -> dict[tuple[str, ...], tuple[str, ...]]:
    """English names, as their terms, to the Chinese terms of the glossary that mean them."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for chinese, english in glossary().items():
        if english and not english.startswith(ASKING):
            for name in english.split(OR):
                key = tuple(terms(name))
                found[key] = (*found.get(key, ()), chinese)
    return found


def segments(run: str) -> Iterator[tuple[str, str | None]]:
    """Cut Chinese by the longest terms of the glossary: (term, English name; "" for a function word; None: unknown)."""
    known = glossary()
    longest = _longest()
    rest = ""
    position = 0
    while position < len(run):
        sizes = range(min(longest, len(run) - position), 0, -1)
        size = next((n for n in sizes if run[position : position + n] in known), 0)
        if size:
            if rest:
                yield rest, None
            rest = ""
            term = run[position : position + size]
            yield term, known[term]
        else:
            rest += run[position]
        position += max(size, 1)
    if rest:
        yield rest, None


@cache
def _longest() -> int:
    return max(map(len, glossary()))


def first_name(english: str) -> str:
    """The usual English name of a term of the glossary."""
    return english.removeprefix(ASKING).partition(OR)[0]


def readable(text: str, embedder: Embedder) -> str:
    """The text as the encoder can read it: Chinese through the glossary where it knows no Chinese."""
    if getattr(embedder, "reads_chinese", False):
        return text
    return in_english(text)


def in_english(text: str) -> str:
    """Chinese terms by their English names; Chinese that is not in the glossary is left out, unless nothing is left."""
    parts: list[str] = []
    chinese = False
    for part in RUN.findall(text):
        if is_chinese(part):
            chinese = True
            parts += [first_name(english) for _, english in segments(part) if english]
        else:
            parts.append(part)
    return (" ".join(" ".join(parts).split()) or text) if chinese else text
