"""A question made ready for the search: units of meaning, mended spelling, Chinese terms in English."""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from knowledge.bridge import ASKING, OR, chinese_of, first_name, segments
from knowledge.model import Language
from knowledge.variants import Group, kin_of, spellings
from knowledge.words import CJK, RUN, STOP_WORDS, bigrams, content_words, fold, is_chinese, language_of, stem, terms

Span = tuple[int, int]  # of the words of a question
Frequencies = Callable[[Iterable[str]], Mapping[str, int]]

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_OURS = re.compile(r"\b(?:our|ours|my|mine)\b|我们的|我们这|我们公司|公司|我的", re.IGNORECASE)
_PRESENT = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|currently|deadline|next|last (?:night|week|month|year)"
    r"|this (?:week|month|quarter|year))\b|明天|今天|昨天|现在|目前|这个季度|本周|下一次|下次|这个月",
    re.IGNORECASE,
)
_CHINESE = re.compile(f"[{CJK}]")
_LONGEST_NAME = 4  # words of an English name in the glossary
LONGEST = 2000  # characters of a question that are read
_LONGEST_MENDED = 20  # letters of a word that is mended: there are some 54 candidates a letter
_SHORTEST_SWAPPED = 3  # letters of a word in which two may have changed places
_SHORTEST_MENDED = 5  # letters of a word in which one may be wrong, missing or too much


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing the question is about. Each alternative is a group of terms that together express it.

    The groups of `kin` say nearly the same; they count less.
    """

    alternatives: tuple[tuple[str, ...], ...]
    kin: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """`dense` is what the English encoder reads, `terms` what the word search looks for.

    `named` is whether the question names something particular: a person, a product, a code; `names` are the units
    that are named. `ours` is whether it asks for the team's own, `present` for what is so today.
    """

    text: str
    language: Language
    units: tuple[Unit, ...]
    terms: tuple[str, ...]
    dense: str
    named: bool
    names: tuple[Unit, ...] = ()
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
                units += _chinese_units(term, english, frequencies)
        else:
            mended = _mend(part, frequencies)
            dense.append(mended)
            units += _english_units(mended, frequencies)
    unique = tuple(dict.fromkeys(units))
    searched = dict.fromkeys(term for unit in unique for group in unit.alternatives for term in group)
    names = _names(question)
    read = " ".join(" ".join(dense).split())
    return Query(
        question,
        language,
        unique,
        tuple(searched),
        read or question,
        _names_something(question) or _is_strange(question, frequencies),
        tuple(unit for unit in unique if unit.alternatives[0][0] in names),
        bool(_OURS.search(question)),
        bool(_PRESENT.search(question)),
    )


def _is_strange(question: str, frequencies: Frequencies) -> bool:
    """Whether it has a Chinese word that neither the glossary nor any text knows, as names often are."""
    runs = [
        term for part in RUN.findall(fold(question)) if is_chinese(part) for term, en in segments(part) if en is None
    ]
    pairs = [set(bigrams(run)) for run in runs if len(run) > 1]
    known = frequencies(pair for group in pairs for pair in group)
    return any(group.isdisjoint(known) for group in pairs)


def _names_something(question: str) -> bool:
    """A word with a digit or a capital that does not begin the question; a question all in capitals shouts."""
    words = [word for word in _NAME.findall(question) if word.lower() not in STOP_WORDS]
    if not _CHINESE.search(question) and question.isupper():
        return any(character.isdigit() for character in question)
    return any(_is_name(word, question) for word in words)


def _is_name(word: str, question: str) -> bool:
    """Whether a word has a digit or a capital; that of the first word means nothing, unless Chinese follows."""
    if any(character.isdigit() for character in word):
        return True
    first = question.lstrip().startswith(word) and not _CHINESE.search(question)
    return word[0].isupper() and not first


def _names(question: str) -> set[str]:
    """The terms of what is named, with words all in capitals wherever they stand."""
    found = [word for word in _NAME.findall(question) if word.lower() not in STOP_WORDS]
    named = (word for word in found if _is_name(word, question) or (len(word) > 1 and word.isupper()))
    return {term for word in named for term in terms(word)}


def _english_units(text: str, frequencies: Frequencies) -> list[Unit]:
    """Each word by itself, in another spelling, by the Chinese of a name it belongs to, or by words of like meaning.

    Only what occurs in some text is an alternative.
    """
    written = list(dict.fromkeys(content_words(text)))
    words = [stem(word) for word in written]
    spans = [
        (start, end)
        for start in range(len(words))
        for end in range(start + 1, min(start + _LONGEST_NAME, len(words)) + 1)
    ]
    spelled = _occurring({span: spellings(written[slice(*span)]) for span in spans}, frequencies)
    others: list[list[Group]] = [[] for _ in words]
    kin: list[list[Group]] = [[] for _ in words]
    for start, end in spans:
        key = tuple(words[start:end])
        chinese = [tuple(dict.fromkeys(bigrams(name))) for name in chinese_of().get(key, ())]
        for position in range(start, end):
            others[position] += [*spelled[start, end], *chinese]
            kin[position] += kin_of().get(key, ())
    known = frequencies(term for groups in (*others, *kin) for group in groups for term in group)

    def told(groups: Iterable[Group]) -> Iterator[Group]:
        return (group for group in dict.fromkeys(groups) if all(term in known for term in group))

    return [Unit(((word,), *told(own)), tuple(told(near))) for word, own, near in zip(words, others, kin, strict=True)]


def _occurring(spelled: Mapping[Span, Sequence[Group]], frequencies: Frequencies) -> dict[Span, list[Group]]:
    """The groups whose terms follow one another in some text."""
    known = frequencies(term for groups in spelled.values() for group in groups for term in group)
    possible = {group for groups in spelled.values() for group in groups if all(term in known for term in group)}
    phrases = frequencies(" ".join(group) for group in possible)
    return {span: [group for group in groups if " ".join(group) in phrases] for span, groups in spelled.items()}


def _chinese_units(term: str, english: str | None, frequencies: Frequencies) -> list[Unit]:
    """A term of the glossary by its English name or by itself; any other Chinese word by its pairs of characters."""
    if english is None:
        return [Unit(((pair,),)) for pair in _pairs(term, frequencies)]
    if not english or english.startswith(ASKING):
        return []
    names = [tuple(dict.fromkeys(terms(name))) for name in english.split(OR)]
    kin = dict.fromkeys(group for name in names for group in kin_of().get(name, ()) if group not in names)
    return [Unit((*names, tuple(bigrams(term))), tuple(kin))]


def _pairs(run: str, frequencies: Frequencies) -> list[str]:
    """The pairs of a run of characters, but for those where two words meet.

    These occur nowhere, while both their characters stand in pairs that do. A character between two terms of the
    glossary is no word that could be found by itself.
    """
    pairs = list(bigrams(run)) if len(run) > 1 else []
    known = frequencies(pairs)
    reached = {i + n for i, pair in enumerate(pairs) if pair in known for n in (0, 1)}
    return [pair for i, pair in enumerate(pairs) if pair in known or not {i, i + 1} <= reached]


def _mend(text: str, frequencies: Frequencies) -> str:
    words = list(dict.fromkeys(_WORD.findall(text)))
    known = frequencies(stem(word) for word in words)
    for word in words:
        if stem(word) in known or (stem(word),) in kin_of() or word in STOP_WORDS:
            continue
        if (better := _likely(word, frequencies)) is not None:
            text = re.sub(rf"\b{re.escape(word)}\b", better, text)
    return text


def _likely(word: str, frequencies: Frequencies) -> str | None:
    """The most frequent known word one slip away, "" if it is a function word, None if there is none."""
    if not word.isascii() or not word.isalpha() or not _SHORTEST_SWAPPED <= len(word) <= _LONGEST_MENDED:
        return None
    candidates: dict[str, int] = {}
    for candidate, odds in _one_slip(word):
        candidates[candidate] = max(odds, candidates.get(candidate, 0))
    if any(w in STOP_WORDS and len(w) >= min(len(word), _SHORTEST_MENDED - 1) for w in candidates):
        return ""
    known = frequencies(stem(w) for w in candidates)
    best = max(candidates, key=lambda w: (known.get(stem(w), 0) * candidates[w], w), default="")
    return best if known.get(stem(best), 0) else None


def _one_slip(word: str) -> Iterator[tuple[str, int]]:
    """Words at one edit with rough odds; the first letter is right, unless the first two changed places.

    Neighbours that changed places and letters left out are commoner slips than letters too much, and wrong ones rarest.
    """
    parts = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
    yield from ((a + b[1] + b[0] + b[2:], 4) for a, b in parts if len(b) > 1)
    yield word[1] + word[0] + word[2:], 4
    if len(word) >= _SHORTEST_MENDED:
        yield from ((a + b[1:], 2) for a, b in parts if b)
        yield from ((a + letter + b, 4) for a, b in parts for letter in string.ascii_lowercase)
        yield from ((a + letter + b[1:], 1) for a, b in parts if b for letter in string.ascii_lowercase)
