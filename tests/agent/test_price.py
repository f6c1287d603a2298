"""Prices as they are set and as they are shown."""

import pytest

from agent.price import Price


@pytest.mark.parametrize(
    ("written", "seconds", "shown"),
    [
        ("2.5 EUR", 3600, "2.50 EUR"), ("2.5 EUR", 60, "0.04 EUR"), ("2.5EUR", 1, "0.0007 EUR"), ("3", 7200, "6.00"),
        ("10 元", 0, "0.00 元"), ("1 $", 3600, "1.00 $"),
    ],
)  # fmt: skip
def test_a_price_by_the_hour_is_shown_for_seconds(written: str, seconds: float, shown: str) -> None:
    assert Price.read(written).of(seconds) == shown


@pytest.mark.parametrize("written", ["", "EUR", "-1", "0", "1e9", "two euros", "5 EUR an hour", "nan"])
def test_anything_else_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match=r"such as 2\.5 EUR"):
        Price.read(written)
