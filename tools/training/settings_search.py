"""Finding settings in short runs: learning rates, and a small search that halves (Jamieson and Talwalkar 2016)."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from tools import digest
from tools.contract import Frozen, JobContext
from tools.finetune.settings import told, varying

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

Setting = TypeVar("Setting")
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
    least one round is run, and none after one of whole trainings.
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
            if len(waiting) == 1 or share >= 1 or not enough:
                return waiting[0]
            share = min(1.0, longer * share)

    def once(self, settings: Sequence[Setting], share: float = _FIRST) -> Iterator[Tried[Setting]]:
        """Run settings while there is time for one more such run, the first in any case."""
        began = self.left()
        for number, setting in enumerate(settings):
            if number and self.left() < (began - self.left()) / number:
                return
            done = Tried(setting, share, self.run(setting, share))
            self.tried.append(done)
            yield done


class _Came(Frozen):
    """What a short run came to. JSON has no infinity, so that of one that diverged has no loss."""

    loss: float | None
    seconds: float


_KEPT_RUNS = TypeAdapter(dict[str, _Came])


class Trials:
    """Short runs of which each is done once: what it came to is kept in a file that a later attempt asks first.

    The time is what the runs took, whichever attempt they were done in, so a resumed search takes the same turns.
    """

    def __init__(
        self,
        file: Path,
        run: Callable[["FinetuneParameters", float], float],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._run, self._clock = file, run, clock
        self._left = seconds
        self.done: dict[str, _Came] = {}  # by setting and share
        with contextlib.suppress(OSError, ValidationError):  # none yet
            self.done = _KEPT_RUNS.validate_json(file.read_bytes())

    def left(self) -> float:
        """Seconds."""
        return self._left

    def run(self, setting: "FinetuneParameters", share: float) -> float:
        """Loss after a share of the training, infinite where it diverged."""
        key = digest.of_json([setting.model_dump(mode="json"), share])
        if key not in self.done:
            began = self._clock()
            loss = self._run(setting, share)
            self.done[key] = _Came(loss=loss if math.isfinite(loss) else None, seconds=self._clock() - began)
            _write(self._file, _KEPT_RUNS.dump_json(self.done))
        found = self.done[key]
        self._left -= found.seconds
        return math.inf if found.loss is None else found.loss


def choose(
    params: "FinetuneParameters",
    context: JobContext,
    candidates: Sequence["FinetuneParameters"],
    run: Callable[["FinetuneParameters", float], float],
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The best of the candidates by as many short runs as `search` has time for, or `probe` takes, and what was tried.

    Of candidates that come out alike the first is taken, which is the most usual.
    A resumed job runs none again that came to an end, and goes on with what its first attempt chose.
    """
    kept = context.checkpoints / "chosen.json"
    if kept.is_file():
        again = json.loads(kept.read_bytes())
        return type(params).model_validate(again["params"]), again["found"]
    names = varying(candidates)

    def run_and_tell(setting: "FinetuneParameters", share: float) -> float:
        loss = run(setting, share)
        came = f"loss {loss:.4g}" if math.isfinite(loss) else "diverged"
        context.log(f"Tried {told(setting, names)} for {share:.0%} of the training: {came}.")
        return loss

    trials = Trials(context.checkpoints / "tried.json", run_and_tell, 60 * params.search if params.search else math.inf)
    if trials.done:
        context.log(f"Going on after {len(trials.done)} short runs of an earlier attempt.")
    search = Search(trials.run, trials.left)
    best = search.best(candidates) if params.search else min(search.once(candidates), key=lambda one: one.loss).setting
    found = _found(best, search.tried, names)
    _write(kept, json.dumps({"params": best.model_dump(mode="json"), "found": found}).encode())
    return best, found


def _found(
    best: "FinetuneParameters", tried: Sequence[Tried["FinetuneParameters"]], names: Sequence[str]
) -> dict[str, JsonValue]:
    rows: list[JsonValue] = [
        {
            **{name: getattr(one.setting, name) for name in names},
            "share": round(one.share, 3),
            "loss": round(one.loss, 4),
        }
        for one in tried
        if math.isfinite(one.loss)
    ]
    return {"tried": rows, "diverged": len(tried) - len(rows), "chosen": told(best, names)}


def told_choice(facts: dict[str, JsonValue]) -> str:
    """What a result tells of the settings chosen and of the checkpoint kept; empty where none was."""
    said, tried = "", facts.get("tried")
    if isinstance(tried, list):
        number = len(tried) + int(str(facts["diverged"]))
        said = f" Settings chosen by {number} short run{'s' if number > 1 else ''}: {facts['chosen']}."
        if not tried:
            said = f" All short runs diverged; {facts['chosen']} was taken, which is usual."
    if best := facts.get("best_step"):
        said += f" The best checkpoint was kept, of step {best} of {facts['steps']}."
    return said


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")  # processes that share a training choose each
    unfinished.write_bytes(content)
    unfinished.replace(file)
