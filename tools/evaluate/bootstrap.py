"""Percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13) of means and paired comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Candidate, Comparison, ComparisonKind

RESAMPLES = 4000
_AT_ONCE = 4_000_000  # indices drawn together, so that many items do not fill the memory


@dataclass(frozen=True)
class Interval:
    """A mean, or a difference of means, with its 95 % interval over `n` items."""

    value: float
    low: float
    high: float
    n: int

    def against(
        self, baseline: Candidate, metric: str, split: str = "", kind: ComparisonKind = "difference", named: str = ""
    ) -> Comparison:
        """As a comparison with `baseline`; `named` where it is that model used in another way."""
        return Comparison(
            kind=kind,
            metric=metric,
            baseline=named or baseline.name,
            baseline_digest=baseline.digest,
            value=self.value,
            low=self.low,
            high=self.high,
            n=self.n,
            split=split,
        )


def mean(values: Sequence[float], resamples: int = RESAMPLES, seed: int = 7) -> Interval:
    """Mean of the values. Raises `ValueError` without values."""
    found = np.asarray(values, dtype=float)
    if not len(found):
        raise ValueError("a mean needs at least one value")
    low, high = np.quantile(means(found, resamples, seed), (0.025, 0.975))
    return Interval(float(found.mean()), float(low), float(high), len(found))


def difference(
    candidate: Sequence[float], baseline: Sequence[float], resamples: int = RESAMPLES, seed: int = 7
) -> Interval:
    """Mean of candidate minus baseline on the same items, which are drawn as pairs."""
    return mean(_paired(candidate, baseline), resamples, seed)


def win_rate(
    candidate: Sequence[float], baseline: Sequence[float], resamples: int = RESAMPLES, seed: int = 7
) -> Interval:
    """Share of items on which the candidate scores higher, ties counted half."""
    return mean((np.sign(_paired(candidate, baseline)) + 1) / 2, resamples, seed)


def _paired(candidate: Sequence[float], baseline: Sequence[float]) -> Any:
    if len(candidate) != len(baseline):
        raise ValueError(f"{len(candidate)} and {len(baseline)} items cannot be paired")
    return np.asarray(candidate, dtype=float) - np.asarray(baseline, dtype=float)


def means(values: NDArray[Any], resamples: int, seed: int) -> NDArray[Any]:
    """Means of resamples drawn with replacement: an array of `resamples` numbers."""
    generator = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // len(values))
    parts = [
        values[generator.integers(0, len(values), (min(rows, resamples - start), len(values)))].mean(axis=1)
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(parts)
