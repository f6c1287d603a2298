"""Finding settings in short runs: learning rates, and a small search that halves (Jamieson and Talwalkar 2016)."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import JsonValue

from tools.contract import JobContext

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

Setting = TypeVar("Setting")
# Of the usual learning rate, which comes first: it is taken where time suffices for one run only. Three times more is
# where LoRA begins to diverge.
RATES = (1.0, 1 / 3, 3.0, 0.1)
_KEPT = 0.5  # share of the settings that go into the next, longer round
_FIRST = 0.1  # share of the whole training in the first round
_USED = 0.8  # share of the time that is planned with: no two runs take quite as long as one another


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
    takes at least twice the share of the one before, and more where the time suffices for all rounds to come: what a
    short run shows is not always what a whole one does. A round that the time would not suffice for is not begun; at
    least one round is run.
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
            again = took * kept / len(ranked)  # seconds of the next round, were it as long as this one
            rounds = math.ceil(math.log2(kept)) if kept > 1 else 1
            longer = max(2.0, _USED * self.left() / rounds / again) if again > 0 else 2.0
            enough = min(longer, 1 / share) * again <= self.left()
            waiting = [one.setting for one in ranked[:kept]]
            share = min(1.0, longer * share)
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


def choose(
    params: "FinetuneParameters",
    context: JobContext,
    candidates: Sequence["FinetuneParameters"],
    run: Callable[["FinetuneParameters", float], float],
    told: Sequence[str],
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The best of the candidates by as many short runs as `search` has time for, or `probe` takes, and what was tried.

    `told` names the parameters in which candidates differ. A resumed job goes on with what its first attempt chose.
    """
    kept = context.checkpoints / "chosen.json"
    if kept.is_file():
        again = json.loads(kept.read_bytes())
        return type(params).model_validate(again["params"]), again["found"]
    ends = time.monotonic() + (60 * params.search if params.search else math.inf)
    search = Search(run, lambda: ends - time.monotonic())
    best = search.best(candidates) if params.search else min(search.once(candidates), key=lambda one: one.loss).setting
    rows: list[JsonValue] = [
        {
            **{name: getattr(one.setting, name) for name in told},
            "share": round(one.share, 3),
            "loss": round(one.loss, 4),
        }
        for one in search.tried
        if math.isfinite(one.loss)
    ]
    found: dict[str, JsonValue] = {"tried": rows, "diverged": len(search.tried) - len(rows)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}")  # processes that share a training choose each
    unfinished.write_text(json.dumps({"params": best.model_dump(mode="json"), "found": found}), encoding="utf-8")
    unfinished.replace(kept)
    return best, found
