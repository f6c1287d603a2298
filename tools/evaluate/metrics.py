"""How good one answer is. Pure, and known to the tests by hand-computed values."""

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

_SPACES = re.compile(r"\s+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Without surrounding space, runs of space as one."""
    return _SPACES.sub(" ", text).strip()


def exact_match(answer: str, wanted: str) -> float:
    """1 where the answer is what is wanted, letter for letter but for spacing; else 0."""
    return float(normalise(answer) == normalise(wanted))


def token_f1(answer: str, wanted: str) -> float:
    """Harmonic mean of precision and recall over words, without case and punctuation (Rajpurkar et al. 2016)."""
    given, right = _words(answer), _words(wanted)
    if not given or not right:
        return float(given == right)
    common = sum((Counter(given) & Counter(right)).values())
    return 2 * common / (len(given) + len(right))


def _words(text: str) -> list[str]:
    """Words; what a sign such as = joins are two, and every Chinese character is one."""
    apart = re.sub(r"([\u3400-\u9fff])", r" \1 ", re.sub(r"[=:/;,|，。；：、！？]", " ", text.lower()))
    return apart.translate(_PUNCTUATION).split()


def checklist(answer: str, must: Sequence[str], must_not: Sequence[str]) -> float:
    """Share of a checklist's points an answer meets, from 0 to 1; 1 is a pass.

    A `must` names alternatives separated by |, one of which has to occur; no phrase of `must_not` may. Case is ignored.
    """
    said = normalise(answer).lower()
    met = [any(part.strip().lower() in said for part in phrase.split("|")) for phrase in must]
    met += [phrase.lower() not in said for phrase in must_not]
    return sum(met) / len(met) if met else 1.0


def contains(answer: str, fact: str) -> float:
    """1 where the fact stands in the answer as words of its own, without case; else 0."""
    pattern = rf"(?<!\w){re.escape(normalise(fact).lower())}(?!\w)"
    return float(re.search(pattern, normalise(answer).lower()) is not None)


def perplexity(losses: Sequence[tuple[float, int]]) -> float:
    """exp of the mean negative log-likelihood a token, from (summed nats, tokens) of each item."""
    tokens = sum(count for _, count in losses)
    return math.exp(min(sum(loss for loss, _ in losses) / tokens, 700.0)) if tokens else math.nan


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies, linear between ranks."""
    ranked = sorted(values)
    if not ranked:
        raise ValueError("no values")
    place = share * (len(ranked) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
