"""Other ways to say the words of a question: how else they are written, and words of like meaning."""

import re
from collections.abc import Sequence
from functools import cache

from knowledge.thesaurus import expressions
from knowledge.words import STOP_WORDS, content_terms, stem

Group = tuple[str, ...]

_LETTERS_DIGITS = re.compile(r"([a-z]{2,})(\d+)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(b|m|k)")
_MAGNITUDES = {"b": "billion", "m": "million", "k": "thousand"}
_BITS_OF = re.compile(r"u?int(\d{1,2})|(\d{1,2})bits?")
_SHORTEST_PART = 3  # letters of each half of a compound
_PARTICLES = frozenset({"up", "out", "down", "off", "in", "on"})


def spellings(words: Sequence[str]) -> list[Group]:
    """How else these neighbouring words are written, as groups of terms: "7b" for "7 billion"."""
    if len(words) == 1:
        return _apart(words[0])
    return _together(*words) if len(words) == 2 else []


def _together(first: str, second: str) -> list[Group]:
    if not (first.isascii() and second.isascii()):
        return []
    found: list[Group] = [(stem(first + second),)]
    if first.replace(".", "").isdigit():
        found += [(first + letter,) for letter, name in _MAGNITUDES.items() if stem(second) == stem(name)]
        if stem(second) == "bit":
            found += [(f"int{first}",), (f"{first}bit",)]
    return found


def _apart(word: str) -> list[Group]:
    if not word.isascii():
        return []
    found: list[Group] = []
    if size := _SIZE.fullmatch(word):
        found.append((size[1], stem(_MAGNITUDES[size[2]])))
    if bits := _BITS_OF.fullmatch(word):
        found.append((bits[1] or bits[2], "bit"))
    if parts := _LETTERS_DIGITS.fullmatch(word):
        found.append((stem(parts[1]), parts[2]))
    if word.isalpha():
        halves = ((word[:at], word[at:]) for at in range(_SHORTEST_PART, len(word) - 1))
        found += [
            (stem(a), stem(b))
            for a, b in halves
            if a not in STOP_WORDS and (b in _PARTICLES or (len(b) > _SHORTEST_PART and b not in STOP_WORDS))
        ]
    return found


@cache
def kin_of() -> dict[Group, tuple[Group, ...]]:
    """Expressions, as their terms, to others of like meaning."""
    found: dict[Group, dict[Group, None]] = {}
    for line in expressions():
        alike = list(dict.fromkeys(filter(None, (tuple(content_terms(name)) for name in line))))
        for name in alike:
            found.setdefault(name, {}).update((other, None) for other in alike if other != name)
    return {name: tuple(others) for name, others in found.items()}
