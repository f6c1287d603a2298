import math

import numpy as np
import pytest

from tools.evaluate import bootstrap


def test_the_interval_of_a_share_agrees_with_the_normal_approximation() -> None:
    found = bootstrap.mean([1.0] * 360 + [0.0] * 40)
    half = 1.96 * math.sqrt(0.9 * 0.1 / 400)
    assert (found.value, found.n) == (0.9, 400)
    assert found.low == pytest.approx(0.9 - half, abs=0.004)
    assert found.high == pytest.approx(0.9 + half, abs=0.004)


def test_it_holds_the_true_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    held = 0
    for trial in range(200):
        found = bootstrap.mean(generator.normal(0.0, 1.0, 60).tolist(), resamples=2000, seed=trial)
        held += found.low <= 0.0 <= found.high
    assert 0.90 <= held / 200 <= 0.985


def test_pairs_are_drawn_as_pairs() -> None:
    easy = [float(i % 2) for i in range(200)]  # varies a lot between items, not at all within a pair
    assert bootstrap.difference(easy, easy) == bootstrap.Interval(0.0, 0.0, 0.0, 200)
    with pytest.raises(ValueError, match="cannot be paired"):
        bootstrap.difference([1.0], [1.0, 0.0])


def test_ties_count_half_of_a_win() -> None:
    assert bootstrap.win_rate([1, 1, 0, 0], [0, 1, 0, 1]).value == 0.5
    assert bootstrap.win_rate([1, 1], [0, 1]).value == 0.75


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [float(i) for i in range(50)]
    assert bootstrap.mean(values, seed=3) == bootstrap.mean(values, seed=3)
    assert bootstrap.mean(values, seed=3) != bootstrap.mean(values, seed=4)


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap.mean([])
