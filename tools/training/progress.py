"""Watching a training run: its progress, whether to stop, whether it has diverged."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback

from tools.contract import JobContext
from tools.errors import UserFault

_PAUSE = 1.0  # seconds between two progress lines
# What trainers log beside their loss and people want to see, by the names people read.
_ALSO = {"reward": "reward", "kl": "kl", "rewards/margins": "margin", "rewards/accuracies": "accuracy"}


@dataclass
class Watch:
    """Collects (step, loss) points and tells of them, at most one line a second."""

    context: JobContext
    what: str
    total: int
    points: list[tuple[int, float]] = field(default_factory=list)
    _told: float = 0.0

    def saw(self, step: int, loss: float, **metrics: float) -> None:
        """Note a loss; raises `UserFault` when it is no number any more."""
        if not math.isfinite(loss):
            raise UserFault(
                f"Training diverged at step {step} (the loss is {loss}); try again with a lower learning rate."
            )
        self.points.append((step, loss))
        now = time.monotonic()
        if now - self._told >= _PAUSE or step >= self.total:
            self._told = now
            self.context.progress(self.what, step, self.total, loss=round(loss, 4), **metrics)


class Follow(TrainerCallback):  # type: ignore[misc]
    """A trainer's losses go to a watch, and a request to cancel saves a checkpoint and stops the trainer."""

    def __init__(self, watch: Watch, metric: str = "loss") -> None:
        self.watch = watch
        self.metric = metric
        self.cancelled = False
        self.history: dict[str, list[tuple[int, float]]] = {}

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        for name, value in logs.items():
            if isinstance(value, int | float):
                self.history.setdefault(name, []).append((state.global_step, float(value)))
        if self.metric in logs:
            also = {told: float(logs[name]) for name, told in _ALSO.items() if isinstance(logs.get(name), int | float)}
            self.watch.saw(state.global_step, float(logs[self.metric]), **also)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if _asked_to_stop(self.watch.context) and state.global_step < self.watch.total:
            self.cancelled = True
            control.should_save = args.save_strategy != "no"
            control.should_training_stop = True
        return control


def _asked_to_stop(context: JobContext) -> bool:
    """Whether somebody asked. Processes that share the training agree on it, or one would wait for the others."""
    asked = context.cancelled
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return asked
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    votes = torch.tensor(int(asked), device=device)
    torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
    return bool(votes.item())
