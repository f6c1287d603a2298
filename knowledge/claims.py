"""What a written sentence claims, compared with a sentence of a source: numbers, names, negation, exchanged words.

Pure functions on texts. They look for the ways in which a sentence that sounds like its source says something else.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from knowledge.words import STOP_WORDS, content_terms, fold, is_chinese, terms

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_IDENTIFIER = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w+\b|\b\w+_\w+\b|\b[A-Z]{2,}\b|\b[a-z]+[A-Z]\w*\b")
_NAME = re.compile(r"(?:(?<=[a-z0-9,;:)] )|(?<=\())[A-Z][a-z]+\b")  # a capital that does not begin the sentence
_AUTHOR = re.compile(r"\b([A-Z][a-z]+) (?:et al\.|and [A-Z][a-z]+,? \(?\d{4})|\b([A-Z][a-z]+),? \(?\d{4}\b")
_DENIALS = "not no never none nothing nobody neither nor without cannot unable refuse refused forbidden"
_NEGATION = re.compile(rf"\b(?:{_DENIALS.replace(' ', '|')}|\w+n['’]t|rather than|leaving out)\b|[不没無无未非勿]")
_NUMERALS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty"""
_SPELLED = {word: str(number) for number, word in enumerate(_NUMERALS.split())}
_HARMLESS = frozenset({"0", "1"})  # "one", "a first": too common to prove anything when spelled out
_OPPOSITES = """more/less more/fewer most/least many/few higher/lower high/low larger/smaller large/small long/short
    longer/shorter faster/slower fast/slow better/worse best/worst before/after first/last early/late always/never
    rise/fall rises/falls increase/decrease raise/lower with/without all/none easy/hard same/different cheap/expensive
    maximum/minimum above/below often/seldom must/may start/end add/remove keep/drop gain/lose good/bad"""
_NEAR = 3  # words on either side of a number that tell what it counts
_REACH = 40  # characters behind a denial in which the word stands that it denies
_ALIKE = 0.78  # share of two sentences that matches word for word, from which on a difference is an exchange


def numbers(text: str) -> set[str]:
    """The numbers of a text in one form: "1,000" is 1000, "0.90" is 0.9, "seven" is 7."""
    found = {_plain(written) for written in _NUMBER.findall(text)}
    spelled = {_SPELLED[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _SPELLED}
    return found | (spelled - _HARMLESS)


def _plain(written: str) -> str:
    value = re.sub(r",(?=\d{3}\b)", "", written).replace(",", ".")
    return (value.rstrip("0").rstrip(".") if value.count(".") == 1 else value) or "0"


def labels(text: str) -> set[str]:
    """The identifiers and names of a text, folded."""
    found = [label for pattern in (_IDENTIFIER, _NAME) for label in pattern.findall(text)]
    found += [name for pair in _AUTHOR.findall(text) for name in pair if name]
    return {fold(label) for label in found}


def negated(text: str) -> bool:
    return bool(_NEGATION.search(text.lower()))


def denied_otherwise(claim: str, source: str) -> bool:
    """Whether the claim denies a word that the source affirms, or the other way round."""
    said, stands = _denied(claim), _denied(source)
    shared = set(content_terms(claim)) & set(content_terms(source))
    return bool(shared & (said ^ stands))


def _denied(text: str) -> set[str]:
    """The content word that follows each denial; in Chinese the pairs of characters that do."""
    folded = fold(text)
    found: set[str] = set()
    for denial in _NEGATION.finditer(folded):
        after = content_terms(folded[denial.end() : denial.end() + _REACH])
        found.update(after[:1])
    return found


def loose_numbers(claim: str, source: str) -> float:
    """Share of the claim's numbers that count something else in the source, judged by the words around them."""
    said, stands = _counted(claim), _counted(source)
    shared = [number for number in said if number in stands]
    if not shared:
        return 0.0
    return sum(not said[number] & stands[number] and bool(said[number]) for number in shared) / len(shared)


def _counted(text: str) -> dict[str, set[str]]:
    """Each number with the content words near it."""
    words = _NUMBER.sub(lambda m: f" {_plain(m[0])} ", text)
    tokens: list[str] = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", fold(words))
    found: dict[str, set[str]] = {}
    for index, token in enumerate(tokens):
        if token[0].isdigit():
            near = tokens[max(0, index - _NEAR) : index] + tokens[index + 1 : index + 1 + _NEAR]
            kept = {term for word in near if word not in STOP_WORDS and not word[0].isdigit() for term in terms(word)}
            found.setdefault(token, set()).update(kept)
    return found


@lru_cache(maxsize=1)
def _opposites() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        first, second = pair.split("/")
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return found


def opposed(claim: str, source: str) -> bool:
    """Whether the claim has a word, and the source in its place the opposite."""
    said, stands = (re.findall(r"[a-z]+", text.lower()) for text in (claim, source))
    return any(
        word not in stands and opposite in stands and opposite not in said
        for word in said
        for opposite in _opposites().get(word, ())
    )


def exchanged(claim: str, source: str) -> tuple[bool, bool]:
    """Of a claim that is otherwise the same: whether a new word stands in place of another, and whether a known one."""
    said, stands = _tokens(claim), _tokens(source)
    matcher = SequenceMatcher(None, said, stands, autojunk=False)
    matched = sum(block.size for block in matcher.get_matching_blocks())
    if not said or matched < _ALIKE * len(said):
        return False, False
    new = known = False
    for kind, low, high, from_, to in matcher.get_opcodes():
        ours, theirs = _meaning(said[low:high]), _meaning(stands[from_:to])
        if kind == "replace" and ours and theirs:
            new |= any(token not in stands for token in ours)
            known |= all(token in stands for token in ours) and ours != theirs
    return new, known


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


def _tokens(text: str) -> list[str]:
    words = re.findall(r"\d+(?:\.\d+)?|[^\W_]+", _NUMBER.sub(lambda found: _plain(found[0]), fold(text)))
    return [term for word in words for term in ([word] if word in STOP_WORDS or word[0].isdigit() else terms(word))]


def _meaning(tokens: Sequence[str]) -> list[str]:
    return [t for t in tokens if t not in STOP_WORDS and (len(t) > 1 or t.isdigit() or is_chinese(t))]
