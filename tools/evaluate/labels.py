"""Macro F1 of labels with its interval, alone or against another model's, from pairs of (right label, given label)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.contract import Metric
from tools.evaluate.bootstrap import Interval

Pairs = Sequence[tuple[str, str]]


def bounded(metrics: Sequence[Metric], pairs: Pairs, resamples: int, seed: int) -> tuple[Metric, ...]:
    """The metrics, with macro F1 between the ends of its interval."""
    low, high = macro_f1_interval(pairs, resamples, seed)
    return tuple(m.model_copy(update={"low": low, "high": high}) if m.name == "macro_f1" else m for m in metrics)


def macro_f1_interval(pairs: Pairs, resamples: int, seed: int) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval over items (Efron and Tibshirani 1993, chapter 13).

    A resample counts the labels that are right for one of its items, as macro F1 does on all of them.
    """
    names, codes = np.unique(np.array(pairs).T, return_inverse=True)
    wanted, given = codes.reshape(2, -1)
    generator, number = np.random.default_rng(seed), len(names)
    found = np.empty(resamples)
    for index in range(resamples):
        drawn = generator.integers(0, len(wanted), len(wanted))
        found[index] = _macro_f1(wanted[drawn], given[drawn], number)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def macro_f1_difference(own: Pairs, other: Pairs, resamples: int, seed: int) -> Interval:
    """Macro F1 of own minus that of other, both of the same items in the same order, which are drawn as pairs."""
    wanted = [right for right, _ in own]
    names, codes = np.unique([wanted, [given for _, given in own], [given for _, given in other]], return_inverse=True)
    (truth, ours, theirs), number = codes.reshape(3, -1), len(names)
    generator, found = np.random.default_rng(seed), np.empty(resamples)
    for index in range(resamples):
        drawn = generator.integers(0, len(truth), len(truth))
        found[index] = _macro_f1(truth[drawn], ours[drawn], number) - _macro_f1(truth[drawn], theirs[drawn], number)
    low, high = np.quantile(found, (0.025, 0.975))
    value = _macro_f1(truth, ours, number) - _macro_f1(truth, theirs, number)
    return Interval(value, float(low), float(high), len(truth))


def _macro_f1(wanted: NDArray[np.int64], given: NDArray[np.int64], number: int) -> float:
    """Mean over the labels that occur in `wanted` of 2 hits / (times wanted + times given)."""
    right, said = np.bincount(wanted, minlength=number), np.bincount(given, minlength=number)
    hits = np.bincount(wanted[wanted == given], minlength=number)
    there = right > 0
    return float((2 * hits[there] / (right + said)[there]).mean())
