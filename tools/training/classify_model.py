"""A classifier: an encoder, a linear head on its vectors, and the temperature that makes its confidence honest."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.contract import Candidate, JobContext, ModelKind
from tools.training.classify_measures import softmax
from tools.training.encoder import Encoder
from tools.training.headed import Head, centroids, load_headed, save_headed


class Classifier:
    """Texts to labels with confidences."""

    def __init__(self, encoder: Encoder, linear: torch.nn.Linear, head: Head) -> None:
        self.encoder = encoder
        self.linear = linear
        self.head = head
        self.r_drop = 0.0  # in training: weight of the agreement between two passes over a row

    @property
    def labels(self) -> tuple[str, ...]:
        return self.head.labels

    def forward(self, rows: Sequence[list[int]]) -> Tensor:
        """Logits of token rows, [rows, labels], not divided by the temperature; gradients flow."""
        logits: Tensor = self.linear(self.encoder.vectors(rows) * self.head.scale)
        return logits

    @property
    def passes(self) -> int:
        """How often a row is read in one step."""
        return 2 if self.r_drop else 1

    def loss(self, rows: Sequence[list[int]], targets: Sequence[int]) -> Tensor:
        """Cross entropy of token rows with the indices of their labels, summed; gradients flow.

        With R-Drop (Liang et al. 2021) a row is read twice, and how far the two answers are apart counts too: what few
        rows teach then holds whichever units dropout leaves.
        """
        functional, wanted = torch.nn.functional, torch.tensor(targets)
        if not self.r_drop:
            return functional.cross_entropy(self.forward(rows), wanted, reduction="sum")
        logits = self.forward([*rows, *rows])
        one, other = functional.log_softmax(logits, dim=-1).chunk(2)
        apart = functional.kl_div(one, other, reduction="sum", log_target=True)
        apart = apart + functional.kl_div(other, one, reduction="sum", log_target=True)
        return (functional.cross_entropy(logits, wanted.repeat(2), reduction="sum") + self.r_drop * apart) / 2

    @staticmethod
    def items(targets: Sequence[int]) -> int:
        """Decisions a loss is summed over."""
        return len(targets)

    @torch.inference_mode()
    def logits(self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda done: None) -> NDArray[Any]:
        """Logits of texts, [texts, labels], not divided by the temperature."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        vectors = self.encoder.embed(self.encoder.tokens(texts), on_batch)
        return np.asarray(self.linear(vectors * self.head.scale).double().numpy())

    def probabilities(self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda done: None) -> NDArray[Any]:
        """Probabilities of texts, [texts, labels]."""
        return softmax(self.logits(texts, on_batch) / self.head.temperature)

    def predict(self, texts: list[str]) -> list[tuple[str, float]]:
        """The most probable label of each text and its probability."""
        return [(self.labels[row.argmax()], float(row.max())) for row in self.probabilities(texts)]


def nearest_centroid(encoder: Encoder, vectors: Tensor, targets: Sequence[int], labels: tuple[str, ...]) -> Classifier:
    """A classifier that needs no training: each label's weights are the mean direction of its texts.

    `vectors` [rows, width] and the index of each row's label. Also a good start for training the head.
    """
    linear = centroids(vectors, torch.tensor(targets), len(labels))
    return Classifier(encoder, linear, Head(labels=labels, context=encoder.context))


def save_classifier(
    context: JobContext, classifier: Classifier, *, name: str, method: str, parent: Candidate, facts: dict[str, Any]
) -> Candidate:
    """Write a classifier to the job's folder `model` and describe it."""
    return save_headed(context, classifier, ModelKind.CLASSIFIER, name=name, method=method, parent=parent, facts=facts)


def load_classifier(candidate: Candidate) -> Classifier:
    """The classifier of a folder saved here. Raises `UserFault` where the folder is not whole."""
    found = load_headed(candidate, ModelKind.CLASSIFIER, "Classifying")
    return Classifier(found.encoder, found.linear, found.head)
