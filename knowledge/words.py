"""Words of a text as they are indexed and compared: folded, stemmed, Chinese as pairs of characters.

One function serves the index, the question and the checks, so that the three always agree.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from knowledge.model import Language

CJK = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_CHARACTER = re.compile(f"[{CJK}]")
RUN = re.compile(rf"[{CJK}]+|[^{CJK}]+")  # of Chinese characters, or of others
_WORD = re.compile(rf"[{CJK}]+|\d+(?:[.,]\d+)+|[^\W_{CJK}]+(?:['’][^\W\d_{CJK}]+)?")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_PART = re.compile(r"\d+(?:\.\d+)?|[^\W_]+")
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+|[^\w\s]")
_JOINED = re.compile(r"\b(fine|pre|over)-?(tun|train|fit)(?=[a-z]*)")  # finetuning, fine-tuning and fine tuning are one
_GAP = re.compile(rf"(?<=[{CJK}])\s+(?=[{CJK}])")  # where a line of Chinese was broken
_VOWEL = re.compile(r"[aeiouy]")

_FUNCTION_WORDS = """
    a about above after all also am an and any are as at be because been being both but by can could did do does
    doing don down each else ever every few for from had has have having he her here him his how i if in into is
    it its itself just kind let like many may me might more most much must my no nor not of off often on once
    one only or other our out over own please quite rather really same shall she should so some somebody someone
    something still such than that the their them then there these they thing this those through to too under
    until up us very was way we were what when where whether which while who whom whose why will with within
    without would yes yet you your actually tell explain describe say says mean meaning means know want need
    help hey hi hello thanks thank question difference between vs versus happen happens doesn t s ll re ve d m
    whats hows u ur pls plz thx wat okay ok
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
_DEGREE_WORDS = """
    more most not no never all every each few many only same before after above below over under up down off often
    one once own rather other through until without with again
"""
_DEGREES = frozenset(_DEGREE_WORDS.split())


def language_of(text: str) -> Language:
    """The code "zh" where a fair part of the letters is Chinese, otherwise "en"."""
    chinese = len(_CJK_CHARACTER.findall(text))
    letters = sum(character.isalpha() for character in text)
    return "zh" if chinese >= 2 and chinese >= 0.15 * letters else "en"


def count_tokens(text: str) -> int:
    """Roughly the tokens a model reads: a word, a sign or a Chinese character counts one."""
    return sum(1 for _ in _TOKEN.finditer(text))


def fold(text: str) -> str:
    """Lower case, one form for every character, one spelling for common compounds, Chinese without spaces."""
    folded = _GAP.sub("", unicodedata.normalize("NFKC", text).lower())
    return _JOINED.sub(r"\1 \2", folded)


def terms(text: str) -> list[str]:
    """Every indexed term of a text in order: stems, numbers, pairs of Chinese characters."""
    return [term for word in _WORD.findall(fold(text)) for term in _terms_of(word)]


def content_terms(text: str) -> list[str]:
    """The terms that carry meaning, each once, in order."""
    return list(dict.fromkeys(term for word in content_words(text) for term in _terms_of(word)))


def content_words(text: str) -> list[str]:
    """The words that carry meaning as they are written, in lower case and in order."""
    return [plain(word) for word in _WORD.findall(fold(text)) if plain(word) not in STOP_WORDS]


def content_in_order(text: str, degrees: bool = False) -> list[str]:
    """The terms that carry meaning in order, repeated as they are; with `degrees` also "more", "before", "only"."""
    kept = (
        word
        for word in _WORD.findall(fold(text))
        if plain(word) not in STOP_WORDS or (degrees and plain(word) in _DEGREES)
    )
    return [term for word in kept for term in _terms_of(word)]


def ordered(text: str) -> list[str]:
    """Every word in order, for a comparison word by word: function words as they are, others as terms."""
    words = _PART.findall(NUMBER.sub(lambda found: plain_number(found[0]), fold(text)))
    return [term for word in words for term in ([word] if word in STOP_WORDS or word[0].isdigit() else terms(word))]


def plain_number(written: str) -> str:
    """A number in one form: "1,000" is 1000, "0.90" is 0.9."""
    value = re.sub(r",(?=\d{3}\b)", "", written).replace(",", ".")
    return (value.rstrip("0").rstrip(".") if value.count(".") == 1 else value) or "0"


def plain(word: str) -> str:
    """Without what follows an apostrophe: "model's" becomes "model"."""
    return word.replace("’", "'").partition("'")[0]


def is_chinese(word: str) -> bool:
    return bool(_CJK_CHARACTER.match(word))


def bigrams(run: str) -> Iterator[str]:
    """Neighbouring pairs of a run of Chinese characters; a single one stands for itself."""
    if len(run) == 1:
        yield run
    yield from (first + second for first, second in pairwise(run))


@lru_cache(maxsize=100_000)
def _terms_of(word: str) -> tuple[str, ...]:
    return tuple(bigrams(word)) if is_chinese(word) else (stem(plain(word)),)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A light English stemmer: plurals, -ing, -ed, -ion, -ment, British -is- and American -iz- fall together.

    Wrong on irregular forms; what matters is that the index and the question are treated alike.
    """
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    word = _without_plural(word)
    for ending, replacement, shortest in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            candidate = word[: len(word) - len(ending)] + replacement
            if _VOWEL.search(candidate):
                word = candidate
                break
    word = word.removesuffix("e") if len(word) > 3 else word
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return _SAME.get(word, word)


_ENDINGS = (
    ("ization", "iz", 3), ("isation", "iz", 3), ("izing", "iz", 3), ("ising", "iz", 4), ("ized", "iz", 3),
    ("ised", "iz", 4), ("izer", "iz", 3), ("iser", "iz", 4), ("ize", "iz", 3), ("ise", "iz", 4),
    ("ment", "", 4), ("sion", "s", 3), ("tion", "t", 3), ("ing", "", 3), ("ed", "", 3), ("ly", "", 4),
    ("al", "", 5), ("er", "", 4),
)  # fmt: skip
_SAME = {
    "licenc": "licens",
    "distillat": "distil",
    "summaris": "summary",
    "summariz": "summary",
    "behavior": "behaviour",
}


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
