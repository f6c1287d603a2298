"""Whether the words of a claim stand to each other as in its source: who does what to whom, which of two is meant.

Pure functions on texts. A sentence made of its source's own words can still say something else; these look for that.
"""

import re
from collections.abc import Sequence
from itertools import combinations, pairwise

from knowledge.thesaurus import opposites, synonyms
from knowledge.words import content_in_order, fold, is_chinese

_CLAUSE = re.compile(r"[,;:。，；：、().]|\b(?:and|but|because|since|so that|which|while|whereas)\b")
_SENTENCE = re.compile("[;:。；：.]")
_PASSIVE = re.compile(r"\bby\b|[被由]")
_COPULA = re.compile(r"\b(?:is|are|was|were|be|been)\b|是")  # "a is b" may be told as "b is a"
_CLOSE = 2  # words on either side of a claim's word that tell which thing it is about
_WIDER = 3  # of the source's
_TOLD = 0.7  # a synonym among them
_SPAN = 6  # words over which doer, deed and done-to stand in a source
_MOST = 2.0


def turned(claim: str, source: str) -> float:
    """Whether a word of the claim stands where the source has its opposite, judged by the words beside both.

    0 where none does, else by how many words the opposite fits better, 2 at most.
    """
    said, stands = content_in_order(claim, degrees=True), content_in_order(source, degrees=True)
    worst = 0.0
    for index, word in enumerate(said):
        contrary = opposites(word).intersection(stands)
        if contrary:
            beside = _beside(said, index, _CLOSE) - {word} - contrary
            here = _fit(beside, stands, {word} | synonyms(word))
            worst = max(worst, _fit(beside, stands, contrary) - here)
    return min(worst, _MOST)


def _fit(beside: set[str], stands: Sequence[str], words: set[str]) -> float:
    """How many of the words beside a claim's stand beside one of these in the source, where they do most."""
    places = (_beside(stands, index, _WIDER) for index, word in enumerate(stands) if word in words)
    return max((sum(_in(word, place) for word in beside) for place in places), default=0.0)


def _in(word: str, place: set[str]) -> float:
    return 1.0 if word in place else _TOLD if synonyms(word) & place else 0.0


def _beside(words: Sequence[str], index: int, reach: int) -> set[str]:
    return {*words[max(0, index - reach) : index], *words[index + 1 : index + 1 + reach]}


def miscounted(claim: str, source: str) -> float:
    """By how many of the words beside it a number of the claim fits another number of the source better, 2 at most."""
    said, stands = content_in_order(claim, degrees=True), content_in_order(source, degrees=True)
    numbers = {word for word in stands if word[0].isdigit()}
    worst = 0.0
    for index, word in enumerate(said):
        if word in numbers:
            beside = _beside(said, index, _CLOSE) - {word}
            others = max((_fit(beside - {one}, stands, {one}) for one in numbers - {word}), default=0.0)
            worst = max(worst, others - _fit(beside, stands, {word}))
    return min(worst, _MOST)


def roles_swapped(claim: str, source: str) -> bool:
    """Whether three words of one clause of the claim stand the other way round in one of the source: a does b to c."""
    if _COPULA.search(fold(claim)) or bool(_PASSIVE.search(fold(claim))) != bool(_PASSIVE.search(fold(source))):
        return False
    clauses = [content_in_order(part, degrees=True) for part in _CLAUSE.split(fold(claim))]
    return any(
        _reversed(clause, content_in_order(part)) for clause in clauses for part in _SENTENCE.split(fold(source))
    )


def _reversed(clause: Sequence[str], stands: Sequence[str]) -> bool:
    shared = [word for word in dict.fromkeys(clause) if stands.count(word) == 1 and not is_chinese(word)]
    places = [stands.index(word) for word in shared]
    triples = combinations(places, 3)
    return any(first > second > third >= first - _SPAN for first, second, third in triples)


def inverted(claim: str, source: str) -> float:
    """Share of neighbouring known words of the claim that come in the other order in the source."""
    place = {word: index for index, word in enumerate(content_in_order(source))}
    known = [word for word in dict.fromkeys(content_in_order(claim)) if word in place]
    if len(known) <= _CLOSE:
        return 0.0
    return sum(place[first] > place[second] for first, second in pairwise(known)) / (len(known) - 1)
