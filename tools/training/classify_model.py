"""A classifier: an encoder, a linear head on its vectors, and the temperature that makes its confidence honest.

On disk: the encoder as transformers saves it (or in 8 bits), `classifier.safetensors` with the head, and
`classifier.json` with labels and scales. No code is stored and none is loaded.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tools import digest
from tools.contract import Candidate, Frozen, JobContext, ModelKind
from tools.errors import UserFault
from tools.models import HEAD
from tools.training.classify_int8 import load_int8, save_int8
from tools.training.classify_measures import softmax
from tools.training.encoder import BATCH, Encoder, load_encoder, read_json
from tools.training.models import check_folder, require_kind

SCALE = 20.0  # of the cosine before the softmax, as sentence encoders are trained (Reimers and Gurevych 2019)
_WEIGHTS = "classifier.safetensors"

Quantization = Literal["none", "float", "dynamic"]  # in 8 bits: weights alone, or activations too


class Head(Frozen):
    """`classifier.json`."""

    labels: tuple[str, ...]
    scale: float = SCALE
    temperature: float = 1.0  # divides the logits (Guo et al. 2017)
    context: int
    quantization: Quantization = "none"


class Classifier:
    """Texts to labels with confidences."""

    def __init__(self, encoder: Encoder, linear: torch.nn.Linear, head: Head) -> None:
        self.encoder = encoder
        self.linear = linear
        self.head = head

    @property
    def labels(self) -> tuple[str, ...]:
        return self.head.labels

    def forward(self, rows: Sequence[list[int]]) -> Tensor:
        """Logits of token rows, [rows, labels], not divided by the temperature; gradients flow."""
        logits: Tensor = self.linear(self.encoder.vectors(rows) * self.head.scale)
        return logits

    def loss(self, rows: Sequence[list[int]], targets: Sequence[int]) -> Tensor:
        """Cross entropy of token rows with the indices of their labels, summed; gradients flow."""
        return torch.nn.functional.cross_entropy(self.forward(rows), torch.tensor(targets), reduction="sum")

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
    sums = torch.zeros((len(labels), encoder.width)).index_add_(0, torch.tensor(targets), vectors)
    linear = torch.nn.Linear(encoder.width, len(labels))
    with torch.no_grad():
        linear.weight.copy_(torch.nn.functional.normalize(sums, dim=-1))
        linear.bias.zero_()
    return Classifier(encoder, linear, Head(labels=labels, context=encoder.context))


def save_classifier(
    context: JobContext, classifier: Classifier, *, name: str, method: str, parent: Candidate, facts: dict[str, Any]
) -> Candidate:
    """Write a classifier to the job's folder `model` and describe it."""
    folder = context.folder / "model"
    folder.mkdir(parents=True, exist_ok=True)
    encoder, head = classifier.encoder, classifier.head
    if head.quantization == "none":
        encoder.model.save_pretrained(folder)
    else:
        save_int8(encoder.model, folder)
    encoder.tokenizer.save_pretrained(folder)
    save_file({key: tensor.contiguous() for key, tensor in classifier.linear.state_dict().items()}, folder / _WEIGHTS)
    (folder / HEAD).write_text(head.model_dump_json(indent=1), encoding="utf-8")
    return Candidate(
        name=name,
        kind=ModelKind.CLASSIFIER,
        path=str(folder.resolve()),
        digest=digest.of_path(folder),
        method=method,
        parent=parent.name,
        parent_digest=parent.digest,
        job=context.spec.job,
        parameters=parent.parameters + (classifier.linear.weight.numel() if parent.kind is ModelKind.ENCODER else 0),
        bytes=digest.size_of(folder),
        context=head.context,
        licence=parent.licence,
        facts={**{key: parent.facts[key] for key in ("architecture", "language") if key in parent.facts}, **facts},
    )


def load_classifier(candidate: Candidate) -> Classifier:
    """The classifier of a folder saved here. Raises `UserFault` where the folder is not whole."""
    require_kind(candidate, ModelKind.CLASSIFIER, tool="Classifying")
    folder = check_folder(candidate)
    try:
        head = Head.model_validate(read_json(folder / HEAD))
        weights = load_file(folder / _WEIGHTS)
        linear = torch.nn.Linear(weights["weight"].shape[1], weights["weight"].shape[0])
        linear.load_state_dict(weights)
    except (OSError, SafetensorError, ValidationError, KeyError, RuntimeError) as error:
        raise UserFault(f"{folder} is not a whole classifier ({error}); make the model again.") from error
    if linear.out_features != len(head.labels):
        raise UserFault(f"{folder} names {len(head.labels)} labels for {linear.out_features} outputs; make it again.")
    encoder = load_encoder(candidate) if head.quantization == "none" else _load_quantized(folder, head)
    return Classifier(encoder, linear.eval(), head)


def _load_quantized(folder: Path, head: Head) -> Encoder:
    dynamic = head.quantization == "dynamic"
    model, tokenizer = load_int8(folder, dynamic=dynamic)
    # Rounded activations share one scale, and rounding magnifies what padding changes: a text read among others could
    # get another label than alone. One at a time, what is measured is what is served.
    return Encoder(model, tokenizer, head.context, batch=1 if dynamic else BATCH)
