"""Is one model better than another on the same items: tests, their correction, and a verdict on the difference."""

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from tools.evaluate import bootstrap

CLEAR = 0.05  # corrected p below which a difference is more than chance


class Verdict(StrEnum):
    BETTER = "better"
    NO_WORSE = "no worse within the margin"
    WORSE = "worse"
    UNCLEAR = "cannot tell"


def verdict(low: float, high: float, margin: float) -> Verdict:
    """What the 95 % interval of candidate minus baseline shows, where higher is better.

    Non-inferiority (ICH E9, section 3.3.2): the interval's lower end lies above minus the margin.
    """
    if low > 0:
        return Verdict.BETTER
    if low >= -margin:
        return Verdict.NO_WORSE
    return Verdict.WORSE if high < 0 else Verdict.UNCLEAR


def p_value(
    candidate: Sequence[float], baseline: Sequence[float], resamples: int = bootstrap.RESAMPLES, seed: int = 7
) -> float:
    """Two-sided: exact McNemar where every score is 0 or 1, else the paired bootstrap."""
    if {*candidate, *baseline} <= {0.0, 1.0}:
        gained = sum(a > b for a, b in zip(candidate, baseline, strict=True))
        lost = sum(a < b for a, b in zip(candidate, baseline, strict=True))
        return mcnemar(gained, lost)
    return _bootstrapped(np.asarray(candidate) - np.asarray(baseline), resamples, seed)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p of items that changed sides, a coin thrown for each (McNemar 1947)."""
    number = gained + lost
    tail = sum(math.comb(number, k) for k in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2**number)) if number else 1.0


def _bootstrapped(differences: "np.ndarray[tuple[int], np.dtype[np.float64]]", resamples: int, seed: int) -> float:
    """Share of resampled means of the centred differences at least as far from 0 (Efron and Tibshirani, chapter 16)."""
    seen = abs(float(differences.mean()))
    if not seen:
        return 1.0
    means = bootstrap.means(differences - differences.mean(), resamples, seed)
    return float((1 + (np.abs(means) >= seen - 1e-12).sum()) / (1 + resamples))


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for having looked at all of them, in the order given (Holm 1979)."""
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted
