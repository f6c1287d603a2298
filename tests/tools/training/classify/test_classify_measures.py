import numpy as np
import pytest
from sklearn.metrics import f1_score

from tools.training.classify_measures import (
    best_temperature,
    calibration_error,
    effect_of_abstaining,
    kept_accuracy,
    macro_f1,
    most_confused,
    softmax,
    threshold_for,
)


def test_macro_f1_agrees_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(0, 5, 300), generator.integers(0, 5, 300)
    assert macro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_a_label_the_classifier_does_not_know_is_wrong_and_no_class_of_its_own() -> None:
    assert macro_f1(np.array([0, 1, -1]), np.array([0, 1, 1])) == pytest.approx((1 + 2 / 3) / 2)


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([1.0, 1.0, 1.0, 0.0])
    assert calibration_error(confidence, correct) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)
    assert calibration_error(np.array([1.0]), np.array([1.0])) == 0.0


def test_the_temperature_that_was_put_in_is_found() -> None:
    generator = np.random.default_rng(3)
    logits = generator.normal(size=(20_000, 4)) * 2
    truth = np.array([generator.choice(4, p=row) for row in softmax(logits)])
    assert best_temperature(logits * 3.0, truth) == pytest.approx(3.0, rel=0.06)
    assert best_temperature(logits, np.full(len(logits), -1)) == 1.0


def test_threshold_keeps_the_share_asked_for() -> None:
    confidence = np.random.default_rng(1).random(1000)
    for coverage in (0.1, 0.5, 0.9, 1.0):
        assert (confidence >= threshold_for(confidence, coverage)).mean() == pytest.approx(coverage)


def test_confused_pairs_are_ranked() -> None:
    assert most_confused(["a", "a", "b", "c"], ["b", "b", "a", "c"]) == [("a", "b", 2), ("b", "a", 1)]


def test_abstaining_helps_only_where_confidence_means_something() -> None:
    generator = np.random.default_rng(5)
    confidence = generator.random(2000)
    telling = (generator.random(2000) < confidence).astype(float)
    blind = (generator.random(2000) < 0.5).astype(float)
    kept = confidence >= 0.3
    assert np.quantile(effect_of_abstaining(kept, telling, seed=7, resamples=500)[2], 0.025) > 0
    assert np.quantile(effect_of_abstaining(kept, blind, seed=7, resamples=500)[2], 0.025) < 0
    coverage, accuracy = kept_accuracy(confidence, telling)
    assert coverage[-1] == 1.0
    assert accuracy[-1] == pytest.approx(telling.mean())
    assert accuracy[199] > accuracy[-1]
