"""What a written sentence claims, compared with a sentence of a source: numbers, names, words kept and exchanged.

Pure functions on texts. They look for the ways in which a sentence that sounds like its source says something else.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from knowledge.thesaurus import likeness, synonyms, weight
from knowledge.words import (
    NUMBER,
    STOP_WORDS,
    content_in_order,
    content_terms,
    fold,
    is_chinese,
    ordered,
    plain_number,
)

_IDENTIFIER = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w+\b|\b\w+_\w+\b|\b[A-Z]{2,}\b|\b[a-z]+[A-Z]\w*\b")
_NAME = re.compile(r"(?:(?<=[a-z0-9,;:)] )|(?<=\())[A-Z][a-z]+\b")  # a capital that does not begin the sentence
_AUTHOR = re.compile(r"\b([A-Z][a-z]+) (?:et al\.|and [A-Z][a-z]+,? \(?\d{4})|\b([A-Z][a-z]+),? \(?\d{4}\b")
_NUMERALS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty"""
_SPELLED = {word: str(number) for number, word in enumerate(_NUMERALS.split())}
_SIZE = re.compile(r"\b(\d+(?:\.\d+)?)([BM])\b")  # of a model; "16 GB" stays as it is
_SIZES = {"B": "billion", "M": "million"}
_BITS = re.compile(r"\b[iI][nN][tT](\d+)\b")
_HARMLESS = frozenset({"0", "1"})  # "one", "a first": too common to prove anything when spelled out
_NEAR = 3  # words on either side of a number that tell what it counts
_COMMON = 0.5  # from which on two parts that changed places are noticed
_ALIKE = 0.78  # share of two sentences that matches word for word, from which on a difference is an exchange


def numbers(text: str) -> set[str]:
    """The numbers of a text in one form: "1,000" is 1000, "0.90" is 0.9, "seven" is 7."""
    found = {plain_number(written) for written in NUMBER.findall(text)}
    spelled = {_SPELLED[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _SPELLED}
    return found | (spelled - _HARMLESS)


def written_out(text: str) -> str:
    """With "7B" as "7 billion" and "int8" as "8 bits", so that both forms meet."""
    return _BITS.sub(r"\1 bits", _SIZE.sub(lambda found: f"{found[1]} {_SIZES[found[2]]}", text))


def labels(text: str) -> set[str]:
    """The identifiers and names of a text, folded."""
    found = [label for pattern in (_IDENTIFIER, _NAME) for label in pattern.findall(text)]
    found += [name for pair in _AUTHOR.findall(text) for name in pair if name]
    return {fold(label) for label in found}


def exchanged(claim: str, source: str) -> tuple[bool, bool]:
    """Of a claim that is otherwise the same: whether a word stands in place of another, and whether two changed places.

    Words of like meaning may stand for each other.
    """
    said, stands = ordered(claim), ordered(source)
    matcher = SequenceMatcher(None, said, stands, autojunk=False)
    matched = sum(block.size for block in matcher.get_matching_blocks())
    if not said or matched < _COMMON * len(said):
        return False, False
    replaced = [
        (_meaning(said[low:high]), _meaning(stands[from_:to]))
        for kind, low, high, from_, to in matcher.get_opcodes()
        if kind == "replace"
    ]
    if any(ours and ours != theirs and (theirs, ours) in replaced for ours, theirs in replaced):
        return False, True
    if matched < _ALIKE * len(said):
        return False, False
    new = moved = False
    for ours, theirs in replaced:
        if ours and theirs and ours != theirs and not _alike(ours, theirs):
            known = all(token in stands for token in ours) and all(t in said or t.isdigit() for t in theirs)
            new, moved = new or not known, moved or known
    return new, moved


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    return all(word in theirs or synonyms(word).intersection(theirs) for word in ours)


def coverage(claim: Sequence[str], source: str) -> float:
    """Share of what the terms of a claim tell that words of the source tell as well, or words of like meaning."""
    known = set(content_in_order(source, degrees=True))
    whole = sum(map(weight, claim))
    return sum(weight(term) * likeness(term, known) for term in claim) / whole if whole else 0.0


def kept_pairs(claim: str, source: str) -> float:
    """Share of the claim's neighbouring content words that are near each other in the source too."""
    said, stands = content_terms(claim), content_terms(source)
    if len(said) < 2:
        return 1.0
    place = {term: index for index, term in enumerate(stands)}
    near = sum(
        first in place and second in place and abs(place[first] - place[second]) <= _NEAR
        for first, second in pairwise(said)
    )
    return near / (len(said) - 1)


def share(claim: Sequence[str], known: set[str]) -> float:
    return sum(term in known for term in claim) / len(claim) if claim else 0.0


def _meaning(tokens: Sequence[str]) -> list[str]:
    return [t for t in tokens if t not in STOP_WORDS and (len(t) > 1 or t.isdigit() or is_chinese(t))]
