"""What of the retrieved passages a model gets to read. Pure."""

import math
import re
from collections.abc import Sequence

_ENDS = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_WORDS = re.compile(r"\w+")
_MARKS = re.compile(r"^[#>*\-\s]+")


def sentences(text: str) -> list[str]:
    """Sentences of a passage, without the marks of markdown; headings are left out."""
    parts = (part.strip() for part in _ENDS.split(text))
    return [_MARKS.sub("", part) for part in parts if part and not part.startswith("#")]


def fittest(question: str, passages: Sequence[str], count: int) -> list[str]:
    """The `count` sentences that share most with the question, rare words counting more, in the order of their fit.

    Passages come best first; of sentences that fit alike, the one from the better passage stands before.
    """
    found = list(dict.fromkeys(sentence for passage in passages for sentence in sentences(passage)))
    words = [_words(sentence) for sentence in found]
    asked = _words(question)

    def weight(word: str) -> float:
        return math.log(1 + len(found) / (1 + sum(word in others for others in words)))

    fits = [sum(weight(word) for word in asked & own) / math.sqrt(1 + len(own)) for own in words]
    order = sorted(range(len(found)), key=lambda i: (-fits[i], i))
    return [found[i] for i in order[:count] if fits[i] > 0]


def prompt(question: str, notes: Sequence[str]) -> str:
    """The question with what was found for it; the question alone where nothing was found."""
    return f"Question: {question} Notes: {' '.join(notes)}" if notes else question


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(text)}
