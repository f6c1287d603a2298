"""How an encoder is trained: what was asked, what is usual, and what short runs find to be best."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import JsonValue
from torch import Tensor

from tools.contract import JobContext
from tools.errors import UserFault
from tools.finetune.plan import look_every, r_drop_of, steps_of
from tools.training.classify_answers import classify
from tools.training.classify_measures import tempered_loss
from tools.training.classify_model import Classifier, nearest_centroid
from tools.training.classify_rows import LabelledRow, hold_out, judges, names_tell, passes, spoken
from tools.training.classify_train import Recipe, Trainer, trainable
from tools.training.encoder import Encoder
from tools.training.settings_search import RATES, choose

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

LR = {"lora": 1e-3, "full": 2e-4}  # of the encoder
_LONGER = (1, 2)  # times the usual passes that a search tries
_FEWEST = 5  # steps of a short run


@dataclass(frozen=True)
class Material:
    """Rows to learn from: their token ids, their labels' indices, and the untrained encoder's vectors [rows, width].

    The last of these may be labels' names, which stand in no row.
    """

    encoder: Encoder
    labels: tuple[str, ...]
    rows: Sequence[LabelledRow]
    tokens: Sequence[list[int]]
    targets: Sequence[int]
    vectors: Tensor

    def part(self, chosen: Sequence[int]) -> "Material":
        """Some of the rows, and every name."""
        kept = [*chosen, *range(len(self.rows), len(self.tokens))]
        return replace(
            self,
            rows=[self.rows[index] for index in chosen],
            tokens=[self.tokens[index] for index in kept],
            targets=[self.targets[index] for index in kept],
            vectors=self.vectors[kept],
        )

    def with_names(self) -> "Material":
        """The same with each label's name as a further row, where names are near to what they stand for: with few rows
        a name is one of the best (Mueller et al. 2022)."""
        tokens = self.encoder.tokens([spoken(label) for label in self.labels])
        names = self.encoder.embed(tokens)
        right = float(((self.vectors @ names.T).argmax(1) == torch.tensor(self.targets)).float().mean())
        if not names_tell(right, len(self.labels)):
            return self
        return replace(
            self,
            tokens=[*self.tokens, *tokens],
            targets=[*self.targets, *range(len(self.labels))],
            vectors=torch.cat([self.vectors, names]),
        )

    def classifier(self, params: "FinetuneParameters") -> Classifier:
        """One whose head points at the centroids of the rows; its encoder is a copy, to be trained."""
        one = self.encoder
        encoder = Encoder(copy.deepcopy(one.model), one.tokenizer, one.context, one.batch)
        made = nearest_centroid(encoder, self.vectors, self.targets, self.labels)
        made.r_drop = r_drop_of(params, len(self.tokens))
        return made


def method_of(params: "FinetuneParameters") -> Literal["lora", "full"]:
    match params.method.value:
        case "lora":
            return "lora"
        case "full":
            return "full"
    raise UserFault(f"method={params.method} is for models that generate; an encoder takes lora or full.")


def recipe_of(params: "FinetuneParameters", rows: int) -> Recipe:
    """The whole training for so many rows."""
    steps = steps_of(params, rows, passes(rows, params.batch))
    return Recipe(
        steps=steps,
        batch=params.batch,
        lr=params.lr or LR[method_of(params)],
        rank=params.rank,
        alpha=params.alpha or 2.0 * params.rank,
        seed=params.seed,
        save_every=params.save_every,
        method=method_of(params),
        look_every=look_every(params, steps),
        patience=params.early_stopping,
    )


def settings_of(
    params: "FinetuneParameters", context: JobContext, material: Material, dev: Sequence[LabelledRow]
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The parameters to train with, and what was tried.

    Short runs are judged by the development rows; where these are few, by some of the training rows as well, from
    which a short run does not learn. Raises `UserFault` where there is nothing to judge by.
    """
    if not params.probe and not params.search:
        return params, {}
    learnt, held = list(range(len(material.rows))), list(dev)
    if not judges(len(dev), len(material.labels)):
        learnt, kept_back = hold_out([row.label for row in material.rows], params.seed)
        held += [material.rows[index] for index in kept_back]
    if not held:
        raise UserFault("Every label has one row only: there is none to try settings on; bring more rows.")
    part = material.part(learnt)

    def short_run(tried: "FinetuneParameters", share: float) -> float:
        return _short(context, tried, part, held, share)

    best, found = choose(params, context, _candidates(params, len(material.tokens)), short_run, _told(params))
    return best, {**found, "tried_on": len(held)}


def _told(params: "FinetuneParameters") -> tuple[str, ...]:
    return ("lr", "epochs", "rank") if params.adapts else ("lr", "epochs")


def _candidates(params: "FinetuneParameters", rows: int) -> list["FinetuneParameters"]:
    """Learning rates around the usual one; in a search each for the usual time and twice as long, where nobody said
    how long, and adapters with a small and a larger rank."""
    rate, usual = params.lr or LR[method_of(params)], passes(rows, params.batch)
    fixed = params.steps is not None or params.epochs is not None or not params.search
    lengths = [params.epochs] if fixed else [round(usual * factor, 1) for factor in _LONGER]
    still = {"probe": False, "search": 0.0}
    return [
        params.model_copy(update={"lr": min(rate * factor, 0.9), "epochs": epochs, **still})
        for factor in RATES
        for epochs in lengths
    ]


def _short(
    context: JobContext, params: "FinetuneParameters", part: Material, held: Sequence[LabelledRow], share: float
) -> float:
    """Loss on the rows held back after a share of the training; infinite where it diverged."""
    whole = recipe_of(params, len(part.tokens))
    recipe = replace(whole, steps=max(_FEWEST, round(share * whole.steps)), patience=0)
    classifier = part.classifier(params)
    what = f"trying lr {recipe.lr:.2g} for {recipe.steps} steps"
    trainer = Trainer(context, trainable(classifier, recipe), recipe, part.tokens, part.targets, what=what)
    try:
        trainer.run()
    except UserFault:  # it diverged: an answer, too
        return math.inf
    answers = classify(context, "judging settings", classifier, held)
    loss = tempered_loss(answers.logits, answers.truth)
    return math.inf if loss is None or not math.isfinite(loss) else loss
