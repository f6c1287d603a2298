"""Finding settings in short runs: learning rates, and a small search that halves (Jamieson and Talwalkar 2016)."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Setting = TypeVar("Setting")
RATES = (0.1, 1 / 3, 1.0, 3.0)  # of the usual learning rate; three times more is where LoRA begins to diverge
_KEPT = 0.5  # share of the settings that go into the next, longer round
_FIRST = 0.1  # share of the whole training in the first round


@dataclass(frozen=True)
class Tried(Generic[Setting]):
    """A short run: its share of the whole training, and the loss it reached (infinite where it diverged)."""

    setting: Setting
    share: float
    loss: float


@dataclass
class Search(Generic[Setting]):
    """Runs settings for a tenth of the training, the better half of them for longer, until one is left.

    `run` trains a setting for a share of the whole and gives the loss; `left` says how many seconds remain. A round
    that the time would not suffice for is not begun; at least one round is run.
    """

    run: Callable[[Setting, float], float]
    left: Callable[[], float]
    tried: list[Tried[Setting]] = field(default_factory=list)

    def best(self, settings: Sequence[Setting]) -> Setting:
        """The setting to go on with. Raises `ValueError` without settings."""
        waiting, share = list(settings), _FIRST
        if not waiting:
            raise ValueError("a search needs at least one setting")
        while True:
            began = self.left()
            ranked = sorted(self.once(waiting, share), key=lambda one: one.loss)
            took = began - self.left()
            kept = max(1, math.ceil(len(ranked) * _KEPT))
            share = min(1.0, 2 * share)
            enough = 2 * took * kept / len(waiting) <= self.left()
            waiting = [one.setting for one in ranked[:kept]]
            if len(waiting) == 1 or not enough:
                return waiting[0]

    def once(self, settings: Sequence[Setting], share: float = _FIRST) -> Iterator[Tried[Setting]]:
        """Run settings while there is time, the first in any case."""
        for number, setting in enumerate(settings):
            if number and self.left() <= 0:
                return
            done = Tried(setting, share, self.run(setting, share))
            self.tried.append(done)
            yield done
