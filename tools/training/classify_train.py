"""Training an encoder by LoRA (Hu et al. 2021) or in full, and in full its head, which starts from class centroids.

Every step draws its own seed, so a run that was stopped and goes on ends exactly where an unbroken one does.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor

from tools.contract import JobContext
from tools.errors import Cancelled, Defect, UserFault
from tools.training.classify_checkpoint import Look, Notes, load_best, resume, save_best, save_checkpoint
from tools.training.encoder import Encoder

HEAD_RATIO = {"lora": 5.0, "full": 25.0}  # the head starts from centroids and learns faster than the encoder
WARM_UP = 0.1  # share of the steps
DECAY = 0.01
CLIP = 1.0  # norm of the encoder's gradient
ALIKE = 1e-3  # largest difference of a probability between adapters beside the weights and inside them
BUCKET = 16  # batches among which rows of like length are put together
LEAST_GAIN = 1e-3  # of the development loss, in nats a row, that counts as better
TOKENS_AT_ONCE = 2048  # padded tokens of one pass forward and backward (about 0.7 GB); a larger batch is taken in parts


@dataclass(frozen=True)
class Recipe:
    """How to train, complete."""

    steps: int
    batch: int
    lr: float
    rank: int
    alpha: float
    seed: int
    save_every: int
    method: Literal["lora", "full"] = "lora"
    look_every: int | None = None  # steps; None: after each pass
    patience: int = 0  # looks without a gain until it stops, with the best weights; 0: never


class Learner(Protocol):
    """An encoder that learns, with a head or without. `rows` are what is read, `targets` what each is to come to."""

    encoder: Encoder

    @property
    def passes(self) -> int:
        """How often a row is read in one step."""

    @property
    def linear(self) -> torch.nn.Module:
        """What is learned beside the encoder."""

    def loss(self, rows: Sequence[Any], targets: Sequence[Any]) -> Tensor:
        """Summed over all decisions; gradients flow."""

    def items(self, targets: Sequence[Any]) -> int:
        """Decisions the loss of these targets is summed over."""


L = TypeVar("L", bound=Learner)


def trainable(classifier: L, recipe: Recipe) -> L:
    """The classifier, ready to be trained: with low-rank adapters in every linear layer of its encoder, or with all
    its weights; an unused pooler is left as it is."""
    torch.manual_seed(recipe.seed)
    if recipe.method == "full":
        for name, weight in classifier.encoder.model.named_parameters():
            weight.requires_grad_("pooler" not in name)
        return classifier
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules="all-linear",
        exclude_modules=".*pooler.*",
    )
    encoder = classifier.encoder
    encoder.model = get_peft_model(encoder.model, config)
    return classifier


def merge(learner: Learner, probabilities: Callable[[], NDArray[Any]]) -> None:
    """Add the adapters, if there are any, into the weights, and check that no probability changed."""
    beside = probabilities()
    if isinstance(learner.encoder.model, PeftModel):
        learner.encoder.model = learner.encoder.model.merge_and_unload()
    learner.encoder.model.eval()
    apart = float(np.abs(probabilities() - beside).max())
    if apart > ALIKE:
        raise Defect(f"Merging the adapters changed a probability by {apart:.4f}, more than {ALIKE}.")


def batches(lengths: Sequence[int], batch: int, seed: int) -> Iterator[list[int]]:
    """Indices of rows, batch after batch, pass after pass, without end; the same for the same seed.

    Rows of like length come together, so that little is padded, and the batches of a pass come in any order.
    """
    passes = 0
    while True:
        generator = random.Random(f"{seed} {passes}")
        order = list(range(len(lengths)))
        generator.shuffle(order)
        found: list[list[int]] = []
        for start in range(0, len(order), batch * BUCKET):
            bucket = sorted(order[start : start + batch * BUCKET], key=lambda index: lengths[index])
            found += [bucket[k : k + batch] for k in range(0, len(bucket), batch)]
        generator.shuffle(found)
        yield from found
        passes += 1


def pace(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear up for a tenth of the steps, then linear down to none."""
    rising = max(1.0, WARM_UP * steps)
    return min((step + 1) / rising, max(0.0, (steps - step) / max(1.0, steps - rising)))


def best_of(looks: Sequence[Look]) -> Look | None:
    """The look with the least loss; a gain below `LEAST_GAIN` is none."""
    best: Look | None = None
    for look in looks:
        if best is None or look.loss < best.loss - LEAST_GAIN:
            best = look
    return best


class Trainer:
    """A training run: its state, its steps, its checkpoints. A trial, named by `what`, keeps none."""

    def __init__(
        self,
        context: JobContext,
        classifier: Learner,
        recipe: Recipe,
        rows: Sequence[Sized],
        targets: Sequence[Any],
        identity: str = "",
        what: str = "training",
        score: str = "accuracy",
    ) -> None:
        self.context = context
        self.classifier = classifier
        self.recipe = recipe
        self.rows = rows
        self.targets = targets
        self.score = score
        named = classifier.encoder.model.named_parameters()
        self.encoder_parameters = {name: value for name, value in named if value.requires_grad}
        head = {f"head.{name}": value for name, value in classifier.linear.named_parameters()}
        self.parameters: dict[str, Tensor] = {**self.encoder_parameters, **head}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(self.encoder_parameters.values()), "peak": recipe.lr},
                {"params": list(head.values()), "peak": HEAD_RATIO[recipe.method] * recipe.lr},
            ],
            lr=recipe.lr,
            weight_decay=DECAY,
            fused=True,  # the same sums in a fraction of the time
        )
        self.what, self.kept = what, bool(identity)
        self.notes = Notes(step=0, recipe="")
        if self.kept:
            self.notes = resume(context.checkpoints, identity, self.parameters, self.optimizer)

    def run(self, measure: Callable[[], tuple[float, float] | None] = lambda: None) -> Notes:
        """Train to the last step, or until `measure` (score and loss on development rows) shows no gain any more.

        Raises `Cancelled` with a checkpoint kept, and `UserFault` where the loss is no number any more.
        """
        recipe, began = self.recipe, self.notes.step
        order = batches([len(row) for row in self.rows], recipe.batch, recipe.seed)
        if began:
            self.context.log(f"Going on from the checkpoint of step {began}.")
            self._measure(began, measure)
        for step, chosen in zip(range(recipe.steps), order, strict=False):
            if step < began:
                continue
            if self._stops():
                break
            if self.context.cancelled:
                self._save()
                ahead = "it goes on from there" if self.kept else "what was tried before counts"
                raise Cancelled(f"Stopped at step {step} of {recipe.steps}; {ahead} when resumed.")
            self._note(step + 1, self._step(step, chosen))
            done = step + 1
            self._measure(done, measure)
            if done % recipe.save_every == 0 or done == recipe.steps or self._stops():
                self._save()
        if self._best is not None:
            load_best(self.context.checkpoints, self.parameters)
        return self.notes

    @property
    def _best(self) -> Look | None:
        return best_of(self.notes.looks) if self.recipe.patience else None

    def _stops(self) -> bool:
        """Whether as many looks as patience allows came after the best one."""
        best = self._best
        return best is not None and sum(look.step > best.step for look in self.notes.looks) >= self.recipe.patience

    def _step(self, step: int, chosen: list[int]) -> float:
        torch.manual_seed(self.recipe.seed * 1_000_003 + step)
        self.classifier.encoder.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * pace(step, self.recipe.steps)
        self.optimizer.zero_grad()
        total = self._backward(chosen)
        if not math.isfinite(total):
            raise UserFault(
                f"Training diverged at step {step + 1}: the loss is no number any more. "
                f"Try a lower learning rate than {self.recipe.lr:g}, such as lr={self.recipe.lr / 10:g}."
            )
        torch.nn.utils.clip_grad_norm_(list(self.encoder_parameters.values()), CLIP)
        self.optimizer.step()
        return total

    def _backward(self, chosen: list[int]) -> float:
        """Add the gradients of a batch's mean loss, and give the loss."""
        total = 0.0
        items = self.classifier.items([self.targets[index] for index in chosen])
        for part in parts(chosen, self.rows, self.classifier.passes):
            targets = [self.targets[index] for index in part]
            loss = self.classifier.loss([self.rows[index] for index in part], targets) / items
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _note(self, step: int, loss: float) -> None:
        self.notes = self.notes.model_copy(update={"step": step, "losses": (*self.notes.losses, (step, loss))})
        self.context.progress(self.what, step, self.recipe.steps, loss=loss)

    def _measure(self, step: int, measure: Callable[[], tuple[float, float] | None]) -> None:
        """Look at the development rows where it is time to, and they were not looked at before a stop."""
        every = self.recipe.look_every or math.ceil(len(self.rows) / self.recipe.batch)
        looked = bool(self.notes.looks) and self.notes.looks[-1].step == step
        if looked or (step % every and step != self.recipe.steps):
            return
        try:
            seen = measure()
        except Cancelled:
            self._save()
            raise
        if seen is None:
            return
        look = Look(step=step, score=seen[0], loss=seen[1])
        self.notes = self.notes.model_copy(update={"looks": (*self.notes.looks, look)})
        if self._best is look:
            save_best(self.context.checkpoints, self.parameters)
        told = {f"dev_{self.score}": look.score, "dev_loss": look.loss}
        self.context.progress(self.what, step, self.recipe.steps, **told)

    def _save(self) -> None:
        if self.kept:
            save_checkpoint(self.context.checkpoints, self.notes, self.parameters, self.optimizer)


def parts(chosen: list[int], rows: Sequence[Sized], passes: int = 1) -> Iterator[list[int]]:
    """Cut a batch so that no part has more than `TOKENS_AT_ONCE` padded tokens in so many passes at once."""
    longest = max(len(rows[index]) for index in chosen)
    size = max(1, TOKENS_AT_ONCE // max(longest * passes, 1))
    yield from (chosen[start : start + size] for start in range(0, len(chosen), size))
