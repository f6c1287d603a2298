"""How an encoder is trained, whatever it learns: what was asked, what is usual, and what short runs find to be best."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from tools.contract import JobContext
from tools.errors import UserFault
from tools.finetune.plan import TRYING, look_every, steps_of
from tools.finetune.settings import encoder_rate_of, for_encoder
from tools.training.advice import advise
from tools.training.classify_checkpoint import Notes
from tools.training.classify_rows import passes
from tools.training.classify_train import Recipe, Trainer, best_of
from tools.training.settings_search import choose

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

JUDGING = f"{TRYING}: judging them"
CHECK_ROWS = 200  # development rows looked at after each pass
_FEWEST = 5  # steps of a short run


class Trial(NamedTuple):
    """A short run that can begin: a trainer that keeps nothing, and what gives the loss on the rows that judge it."""

    trainer: Trainer
    judge: Callable[[], float | None]


Begin = Callable[["FinetuneParameters", Recipe, str], Trial]  # by settings, how to train by them, and what it is called


def recipe_of(params: "FinetuneParameters", rows: int) -> Recipe:
    """The whole training for so many rows."""
    steps = steps_of(params, rows, passes(rows, params.batch))
    return Recipe(
        steps=steps,
        batch=params.batch,
        lr=encoder_rate_of(params),
        rank=params.rank,
        alpha=params.alpha or 2.0 * params.rank,
        seed=params.seed,
        save_every=params.save_every,
        method="full" if params.method == "full" else "lora",
        look_every=look_every(params, steps),
        patience=params.early_stopping,
    )


def settings_of(
    params: "FinetuneParameters", context: JobContext, rows: int, learnt: int, judged_on: int, begin: Begin
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The parameters to train with, and what was tried.

    `rows` are learned from in the end and `learnt` of them in short runs, which `judged_on` others judge. Raises
    `UserFault` where there is nothing to judge by.
    """
    if not params.tries:
        return params, {}
    if not judged_on:
        raise UserFault("There is no row to try settings on beside those to learn from; bring more rows.")

    def short_run(tried: "FinetuneParameters", share: float) -> float:
        whole = recipe_of(tried, learnt)
        recipe = replace(whole, steps=max(_FEWEST, round(share * whole.steps)), patience=0)
        trial = begin(tried, recipe, f"{TRYING}: lr {recipe.lr:.2g} for {recipe.steps} steps")
        try:
            trial.trainer.run()
        except UserFault:  # it diverged: an answer, too
            return math.inf
        loss = trial.judge()
        return math.inf if loss is None or not math.isfinite(loss) else loss

    best, found = choose(params, context, for_encoder(params, rows), short_run)
    return best, {**found, "tried_on": judged_on}


def facts_of(params: "FinetuneParameters", recipe: Recipe, notes: Notes) -> dict[str, JsonValue]:
    """How it was trained, and what the development rows said on the way."""
    looks = [(look.step, look.loss) for look in notes.looks]
    best, advice = best_of(notes.looks), advise(notes.losses, looks)
    return {
        "steps": notes.step,
        "lr": recipe.lr,
        **({"rank": recipe.rank} if recipe.method == "lora" else {}),
        **({"epochs": params.epochs} if params.epochs else {}),
        **({"dev_losses": [[step, round(loss, 4)] for step, loss in looks]} if looks else {}),
        **({"best_step": best.step} if best and recipe.patience else {}),
        **({"advice": advice} if looks and advice else {}),
    }
