"""How good a classifier is, from its probabilities: numbers alone, no model.

Shapes: `probabilities` [items, labels]; `truth` [items], the index of the right label, -1 for a label the classifier
does not know.
"""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the calibration error (Guo et al. 2017)
Array = NDArray[Any]


def softmax(logits: Array) -> Array:
    """Row-wise, [rows, labels]."""
    if not len(logits):
        return logits
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def macro_f1(truth: Array, predicted: Array) -> float:
    """Mean F1 over the labels that occur in `truth`."""
    found = [label for label in np.unique(truth) if label >= 0]
    scores = []
    for label in found:
        hit = float(np.sum((predicted == label) & (truth == label)))
        scores.append(2 * hit / float(np.sum(predicted == label) + np.sum(truth == label)))
    return float(np.mean(scores)) if scores else 0.0


def calibration_error(confidence: Array, correct: Array, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over equal bins (Guo et al. 2017, eq. 3)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for part in range(bins):
        inside = place == part
        if inside.any():
            error += float(inside.mean() * abs(correct[inside].mean() - confidence[inside].mean()))
    return error


def best_temperature(logits: Array, truth: Array) -> float:
    """The temperature in [0.5, 8] that makes the known rows most likely (Guo et al. 2017, section 4.2).

    Not lower, for a few rows that are all right would ask for no doubt at all.
    """
    known = truth >= 0
    if not known.any():
        return 1.0
    return float(min(np.geomspace(0.5, 8.0, 97), key=lambda one: _loss(logits[known], truth[known], one)))


def tempered_loss(logits: Array, truth: Array) -> float | None:
    """Cross-entropy of the known rows, in nats a row, at their best temperature; None where no row is known.

    Confidence is set by the temperature after the training, so how far apart the labels are is what counts here.
    """
    known = truth >= 0
    return _loss(logits[known], truth[known], best_temperature(logits, truth)) if known.any() else None


def _loss(logits: Array, right: Array, temperature: float) -> float:
    return -float(np.log(softmax(logits / temperature)[np.arange(len(right)), right] + 1e-12).mean())


def threshold_for(confidence: Array, coverage: float) -> float:
    """The confidence at or above which the share `coverage` of the items lies."""
    ranked = np.sort(confidence)[::-1]
    return float(ranked[max(0, round(coverage * len(ranked)) - 1)])


def most_confused(truth: list[str], predicted: list[str], most: int = 15) -> list[tuple[str, str, int]]:
    """(right label, given label, times), the most frequent first."""
    pairs = Counter((a, b) for a, b in zip(truth, predicted, strict=True) if a != b)
    ranked = sorted(pairs.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(right, given, times) for (right, given), times in ranked[:most]]


def kept_accuracy(confidence: Array, correct: Array) -> tuple[Array, Array]:
    """Coverage and accuracy when the k most confident items are kept, for k = 1 … items."""
    order = np.argsort(-confidence, kind="stable")
    number = np.arange(1, len(order) + 1)
    return number / len(order), np.cumsum(correct[order]) / number


def effect_of_abstaining(kept: Array, correct: Array, seed: int, resamples: int = 4000) -> tuple[Array, Array, Array]:
    """Bootstrap draws of (accuracy on kept items, share kept, accuracy on kept minus accuracy on all)."""
    generator = np.random.default_rng(seed)
    draws = np.empty((3, resamples))
    for index in range(resamples):
        chosen = generator.integers(0, len(correct), len(correct))
        inside, right = kept[chosen], correct[chosen]
        accuracy = right[inside].mean() if inside.any() else right.mean()
        draws[:, index] = accuracy, inside.mean(), accuracy - right.mean()
    return draws[0], draws[1], draws[2]
