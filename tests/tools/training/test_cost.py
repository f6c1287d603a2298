"""Estimates beside what is known of real models."""

import pytest

from tools.training.cost import shape_of


@pytest.mark.parametrize(("weights", "hidden", "layers"), [(6_740_000_000, 4096, 32), (13_000_000_000, 5120, 40)])
def test_the_shape_of_a_model_follows_from_its_size(weights: int, hidden: int, layers: int) -> None:
    """Llama 2 7B and 13B."""
    guessed = shape_of(weights)
    assert guessed[0] == pytest.approx(hidden, rel=0.06) and guessed[1] == pytest.approx(layers, rel=0.06)
    assert shape_of(1) == (2, 1)
