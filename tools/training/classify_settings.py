"""What a classifier learns from, and what short runs find to be the best way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from pydantic import JsonValue
from torch import Tensor

from tools.contract import JobContext
from tools.finetune.plan import r_drop_of
from tools.training.classify_answers import classify
from tools.training.classify_measures import tempered_loss
from tools.training.classify_model import Classifier, nearest_centroid
from tools.training.classify_rows import LabelledRow, held_back, names_tell, spoken
from tools.training.classify_train import Recipe, Trainer, trainable
from tools.training.encoder import Encoder
from tools.training.encoder_settings import JUDGING, Trial, settings_of

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters


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
        made = nearest_centroid(self.encoder.copy(), self.vectors, self.targets, self.labels)
        made.r_drop = r_drop_of(params, len(self.tokens))
        return made


def settings_for(
    params: "FinetuneParameters", context: JobContext, material: Material, dev: Sequence[LabelledRow]
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The parameters to train with, and what was tried.

    Short runs are judged by the development rows; where these are few, by some of the training rows as well, from
    which a short run does not learn. Raises `UserFault` where there is nothing to judge by.
    """
    learnt, kept_back = held_back([row.label for row in material.rows], len(dev), len(material.labels), params.seed)
    part, held = material.part(learnt), [*dev, *(material.rows[index] for index in kept_back)]

    def begin(tried: "FinetuneParameters", recipe: Recipe, what: str) -> Trial:
        classifier = part.classifier(tried)
        trainer = Trainer(context, trainable(classifier, recipe), recipe, part.tokens, part.targets, what=what)

        def judge() -> float | None:
            answers = classify(context, JUDGING, classifier, held)
            return tempered_loss(answers.logits, answers.truth)

        return Trial(trainer, judge)

    return settings_of(params, context, len(material.tokens), len(part.tokens), len(held), begin)
