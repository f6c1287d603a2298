"""English words that say nearly the same, that say the opposite, and that say little, by their stems; and expressions
of a question that texts put otherwise.

Words of everyday and of the field's language, in `thesaurus.json`: enough to see that a paraphrase is one, and that
"the large model" is not "the small model".
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.words import is_chinese, stem

_FILE = Path(__file__).with_name("thesaurus.json")
_SYNONYM = 0.8  # how much a word of like meaning counts against the word itself
_RELATED = 5  # first letters in which words of one family agree: "distil", "distillation"
_LONGER = 4  # letters by which one of a family may be longer
_CHARACTERS = 0.6  # a pair of Chinese characters that stand there, but not together
_LIGHT = 0.5


@cache
def _read() -> dict[str, list[Any]]:
    return dict(json.loads(_FILE.read_text(encoding="utf-8")))


def expressions() -> list[list[str]]:
    """Groups of words and phrases of like meaning, as people write them."""
    return _read()["expressions"]


@cache
def _synonyms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in _read()["same"]:
        stems = {stem(word) for word in group.split()}
        for one in stems:
            found.setdefault(one, set()).update(stems - {one})
    return found


@cache
def _opposites() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in _read()["opposite"]:
        first, second = (stem(word) for word in pair.split())
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return found


@cache
def _light() -> frozenset[str]:
    return frozenset(stem(word) for word in _read()["light"])


def synonyms(term: str) -> set[str]:
    return _synonyms().get(term, set())


def opposites(term: str) -> set[str]:
    return _opposites().get(term, set())


def weight(term: str) -> float:
    """How much a term tells about what a sentence is about: words like "use" and "example" say little."""
    return _LIGHT if is_chinese(term) or term in _light() else 1.0


def likeness(term: str, known: set[str]) -> float:
    """How far some of the known terms say what this one says, 0 to 1."""
    if term in known:
        return 1.0
    if is_chinese(term):
        characters = set("".join(one for one in known if is_chinese(one)))
        return _CHARACTERS * sum(character in characters for character in term) / len(term)
    if synonyms(term) & known or any(_of_one_family(term, other) for other in known):
        return _SYNONYM
    return 0.0


def _of_one_family(one: str, other: str) -> bool:
    return (
        min(len(one), len(other)) >= _RELATED
        and one[:_RELATED] == other[:_RELATED]
        and abs(len(one) - len(other)) <= _LONGER
    )
