"""A question made ready for the search: units of meaning, mended spelling, Chinese terms in English."""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from knowledge.bridge import ASKING, OR, chinese_of, first_name, segments
from knowledge.model import Language
from knowledge.words import RUN, STOP_WORDS, bigrams, content_terms, fold, is_chinese, language_of, stem, terms

Frequencies = Callable[[Iterable[str]], Mapping[str, int]]

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_OURS = re.compile(r"\b(?:our|ours|my|mine)\b|我们的|我们这|我们公司|公司|我的", re.IGNORECASE)
_PRESENT = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|currently|deadline|next|last (?:night|week|month|year)"
    r"|this (?:week|month|quarter|year))\b|明天|今天|昨天|现在|目前|这个季度|本周|下一次|下次|这个月",
    re.IGNORECASE,
)
_LONGEST_NAME = 4  # words of an English name in the glossary
LONGEST = 2000  # characters of a question that are read
_LONGEST_MENDED = 20  # letters of a word that is mended: there are some 54 candidates a letter
_SHORTEST_SWAPPED = 3  # letters of a word in which two may have changed places
_SHORTEST_MENDED = 5  # letters of a word in which one may be wrong, missing or too much


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing the question is about. Each alternative is a group of terms that together express it."""

    alternatives: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """`dense` is what the English encoder reads, `terms` what the word search looks for.

    `named` is whether the question names something particular: a person, a product, a code; `names` are the terms of
    what it names. `ours` is whether it asks for the team's own, `present` for what is so today.
    """

    text: str
    language: Language
    units: tuple[Unit, ...]
    terms: tuple[str, ...]
    dense: str
    named: bool
    names: tuple[str, ...] = ()
    ours: bool = False
    present: bool = False


def understand(question: str, frequencies: Frequencies) -> Query:
    """Read a question. Words that occur nowhere are mended if one slip of the finger explains them."""
    question = question[:LONGEST]
    language = language_of(question)
    units: list[Unit] = []
    dense: list[str] = []
    for part in RUN.findall(fold(question)):
        if is_chinese(part):
            for term, english in segments(part):
                dense += [first_name(english)] if english else []
                units += _chinese_unit(term, english)
        else:
            mended = _mend(part, frequencies)
            dense.append(mended)
            units += _english_units(mended, frequencies)
    unique = tuple(dict.fromkeys(units))
    searched = dict.fromkeys(term for unit in unique for group in unit.alternatives for term in group)
    read = " ".join(" ".join(dense).split())
    return Query(
        question,
        language,
        unique,
        tuple(searched),
        read or question,
        _names_something(question),
        _names(question),
        bool(_OURS.search(question)),
        bool(_PRESENT.search(question)),
    )


def _names_something(question: str) -> bool:
    """A word with a digit or a capital that does not begin the question; a question all in capitals shouts."""
    words = [word for word in _NAME.findall(question) if word.lower() not in STOP_WORDS]
    if question.isupper():
        return any(character.isdigit() for character in question)
    first = len(question) - len(question.lstrip())
    return any(
        any(character.isdigit() for character in word) or (word[0].isupper() and not question.startswith(word, first))
        for word in words
    )


def _names(question: str) -> tuple[str, ...]:
    """The terms of words with a digit or a capital, but for the word that begins the question."""
    begin = question.lstrip()
    found: list[str] = []
    for word in _NAME.findall(question):
        capital = word[0].isupper() and (not begin.startswith(word) or (len(word) > 1 and word.isupper()))
        if word.lower() not in STOP_WORDS and (capital or any(character.isdigit() for character in word)):
            found += terms(word)
    return tuple(dict.fromkeys(found))


def _english_units(text: str, frequencies: Frequencies) -> list[Unit]:
    """Each word by itself, or by the Chinese of a name it belongs to where Chinese texts have that."""
    words = content_terms(text)
    named: dict[str, list[tuple[str, ...]]] = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST_NAME, len(words)) + 1):
            for chinese in chinese_of().get(tuple(words[start:end]), ()):
                pairs = tuple(dict.fromkeys(bigrams(chinese)))
                for word in words[start:end]:
                    named.setdefault(word, []).append(pairs)
    known = frequencies(pair for groups in named.values() for pairs in groups for pair in pairs)
    return [
        Unit(((word,), *dict.fromkeys(g for g in named.get(word, ()) if all(pair in known for pair in g))))
        for word in words
    ]


def _chinese_unit(term: str, english: str | None) -> list[Unit]:
    """A term of the glossary by its English name or by itself; any other Chinese word by its pairs of characters."""
    if english is None:
        return [Unit(((pair,),)) for pair in bigrams(term)]
    if not english or english.startswith(ASKING):
        return []
    names = [tuple(dict.fromkeys(terms(name))) for name in english.split(OR)]
    return [Unit((*names, tuple(bigrams(term))))]


def _mend(text: str, frequencies: Frequencies) -> str:
    words = list(dict.fromkeys(_WORD.findall(text)))
    known = frequencies(stem(word) for word in words)
    for word in words:
        if stem(word) not in known and word not in STOP_WORDS and (better := _likely(word, frequencies)) is not None:
            text = re.sub(rf"\b{re.escape(word)}\b", better, text)
    return text


def _likely(word: str, frequencies: Frequencies) -> str | None:
    """The most frequent known word one slip away, "" if it is a function word, None if there is none."""
    if not word.isascii() or not word.isalpha() or not _SHORTEST_SWAPPED <= len(word) <= _LONGEST_MENDED:
        return None
    candidates = {w: stem(w) for w in _one_slip(word)}
    if any(w in STOP_WORDS and len(w) >= min(len(word), _SHORTEST_MENDED - 1) for w in candidates):
        return ""
    known = frequencies(candidates.values())
    best = max(candidates, key=lambda w: (known.get(candidates[w], 0), w), default="")
    return best if known.get(candidates.get(best, ""), 0) else None


def _one_slip(word: str) -> Iterator[str]:
    """Words at one edit: neighbours swapped, a letter wrong, missing or too much; the first letter is right."""
    parts = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
    yield from (a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1)
    yield from (word[1] + word[0] + word[2:],)
    if len(word) >= _SHORTEST_MENDED:
        yield from (a + b[1:] for a, b in parts if b)
        yield from (a + letter + b for a, b in parts for letter in string.ascii_lowercase)
        yield from (a + letter + b[1:] for a, b in parts if b for letter in string.ascii_lowercase)
