"""Whether a claim and its source deny the same.

Two looks: at a claim that is nearly the source word for word, where any denial put in or left out counts; and at one in
other words, where what the source denies must not be affirmed.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from knowledge.words import STOP_WORDS, content_terms, fold, ordered

_WORDS = """not no never none nothing nobody neither nor without cannot unable refuse refused forbidden hardly barely
    scarcely seldom rarely worthless useless lack lacks lacking"""
_DENIAL = re.compile(
    rf"\b(?:{'|'.join(_WORDS.split())}|\w+n['’]t|rather than|instead of|leaving out|leaves? out)\b"
    r"|不(?!同|过|仅|只|断|论|管)|[没無勿]|无(?!论)|未(?!来)|非(?!常)"
)
_TWICE = re.compile(r"\bnot\W+(?:\w+\W+){0,2}no\b")
_DENYING = frozenset((*_WORDS.split(), "rather", "instead")) - {"lack", "lacks", "lacking", "worthless", "useless"}
_AUXILIARIES = "does do did is are was were wo should could would has have"  # before "n't"
_SHORTENED = frozenset(f"{word}n" for word in _AUXILIARIES.split())
_CHINESE = re.compile("^.?[不没無无未非勿]")
_END = re.compile("[,;:.()，；：。（）、]")
_REACH = 40  # characters on either side of a denial in which stands what it may deny
_NEAR = 4  # content words of those
_COPIED = 0.7  # share of a claim that matches word for word, from which on differences are edits
_SHORT = 4  # words: a denial that goes with a longer part may be left out with it


def denied_by_edit(claim: str, source: str) -> bool:
    """Of a claim that is nearly a copy: whether an edit put a denial in or took one out."""
    said, stands = ordered(claim), ordered(source)
    matcher = SequenceMatcher(None, said, stands, autojunk=False)
    matched = sum(block.size for block in matcher.get_matching_blocks())
    if not said or matched < _COPIED * len(said):
        return False
    ours: list[set[str]] = []
    theirs: list[set[str]] = []
    for kind, low, high, from_, to in matcher.get_opcodes():
        if kind != "equal":
            ours += _behind(said, low, high)
            theirs += _behind(stands, from_, to) if to - from_ <= _SHORT else []
    kept = sum(any(words & other for other in theirs) for words in ours)  # put elsewhere, before the same words
    return max(len(ours), len(theirs)) > kept


def _behind(words: Sequence[str], start: int, end: int) -> list[set[str]]:
    """For each denial of a part of a sentence the words that follow it."""
    return [
        {word for word in words[at + 1 : at + 1 + _NEAR] if word not in STOP_WORDS}
        for at in range(start, end)
        if _denies(words[at])
    ]


def _denies(word: str) -> bool:
    return word in _DENYING or word in _SHORTENED or bool(_CHINESE.match(word))


def denied_alone(claim: str, source: str, around: str) -> float:
    """How far only one of the two denies: the share of the denied words of the source that the claim affirms.

    1 for a claim that denies something where nothing `around` in the source does, and for one that denies what the
    source affirms and affirms what it denies ("the mean, not the median").
    """
    if _exchanged(claim, source):
        return 1.0
    if next(_denied(claim), None) is not None:
        return float(next(_denied(around), None) is None or _doubled(claim, source))
    affirmed = set(content_terms(claim))
    return max((len(words & affirmed) / max(len(words), 1) for words in _denied(source)), default=0.0)


def _exchanged(claim: str, source: str) -> bool:
    """Whether what follows the denials changed places with what is affirmed."""
    not_said, not_stands = _follows(claim), _follows(source)
    said, stands = set(content_terms(claim)) - not_said, set(content_terms(source)) - not_stands
    return bool(not_said & stands - said) and bool(not_stands & said - stands)


def _follows(text: str) -> set[str]:
    """The content words behind each denial, to the end of its clause."""
    folded = fold(text)
    return {
        word
        for found in _DENIAL.finditer(folded)
        for word in content_terms(_END.split(folded[found.end() : found.end() + _REACH])[0])[:_NEAR]
    }


def _doubled(claim: str, source: str) -> bool:
    return bool(_TWICE.search(fold(claim))) and not _TWICE.search(fold(source))


def _denied(text: str) -> Iterator[set[str]]:
    """The content words near each denial."""
    folded = fold(text)
    for found in _DENIAL.finditer(folded):
        before = content_terms(folded[max(0, found.start() - _REACH) : found.start()])
        after = content_terms(folded[found.end() : found.end() + _REACH])
        yield {*before[-_NEAR:], *after[:_NEAR]}
