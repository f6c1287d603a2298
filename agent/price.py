"""What machine time costs, as whoever runs Odyssey sets it."""

import re
from typing import Self

from pydantic import Field

from tools.contract import Frozen

_WRITTEN = re.compile(r"\s*(?P<amount>\d{1,7}(?:\.\d{1,6})?)\s*(?P<currency>[^\W\d_]{1,8}|[$€£¥₹])?\s*")


class Price(Frozen):
    """Of an hour of the machine that jobs run on."""

    an_hour: float = Field(gt=0)
    currency: str = ""

    @classmethod
    def read(cls, written: str) -> Self:
        """`2.5 EUR` or `2.5`. Raises `ValueError` for anything else."""
        match = _WRITTEN.fullmatch(written)
        if match is None or not float(match["amount"]):
            raise ValueError("give the price of an hour of this machine, such as 2.5 EUR")
        return cls(an_hour=float(match["amount"]), currency=match["currency"] or "")

    def of(self, seconds: float) -> str:
        """`0.04 EUR`; three digits where it is less than a hundredth."""
        amount = self.an_hour * seconds / 3600
        shown = f"{amount:.2f}" if amount >= 0.01 or not amount else f"{amount:.1g}"
        return f"{shown} {self.currency}".rstrip()
