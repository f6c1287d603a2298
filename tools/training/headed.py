"""An encoder with a linear head, on disk: what a classifier of texts and a tagger of words have in common.

A folder holds the encoder as transformers saves it (or in 8 bits), the head's weights as safetensors and a JSON file
with its labels and scales. No code is stored and none is loaded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tools import digest
from tools.contract import Candidate, Frozen, JobContext, ModelKind
from tools.errors import UserFault
from tools.models import HEADS, require_kind
from tools.training.classify_int8 import Quantization
from tools.training.encoder import Encoder, load_encoder, load_quantized, read_json, write_encoder
from tools.training.models import check_folder

SCALE = 20.0  # of the cosine before the softmax, as sentence encoders are trained (Reimers and Gurevych 2019)


class Head(Frozen):
    """The JSON file beside the weights."""

    labels: tuple[str, ...]
    scale: float = SCALE
    temperature: float = 1.0  # divides the logits (Guo et al. 2017)
    context: int
    quantization: Quantization = "none"


class Headed(Protocol):
    """What has an encoder and a linear head on its states."""

    encoder: Encoder
    linear: torch.nn.Linear
    head: Head


@dataclass(frozen=True)
class Parts:
    """What lies in such a folder."""

    encoder: Encoder
    linear: torch.nn.Linear
    head: Head


def centroids(vectors: Tensor, targets: Tensor, labels: int) -> torch.nn.Linear:
    """A head that needs no training: each label's weights are the mean direction of its vectors [items, width].

    `targets` [items] are the indices of their labels. Also a good start for training the head.
    """
    sums = torch.zeros((labels, vectors.shape[1])).index_add_(0, targets, vectors)
    linear = torch.nn.Linear(vectors.shape[1], labels)
    with torch.no_grad():
        linear.weight.copy_(torch.nn.functional.normalize(sums, dim=-1))
        linear.bias.zero_()
    return linear


def save_headed(
    context: JobContext,
    model: Headed,
    kind: ModelKind,
    *,
    name: str,
    method: str,
    parent: Candidate,
    facts: dict[str, Any],
) -> Candidate:
    """Write it to the job's folder `model` and describe it."""
    folder = context.folder / "model"
    head = model.head
    write_encoder(model.encoder, folder, head.quantization)
    tensors = {key: tensor.contiguous() for key, tensor in model.linear.state_dict().items()}
    save_file(tensors, folder / _weights(kind))
    (folder / HEADS[kind]).write_text(head.model_dump_json(indent=1), encoding="utf-8")
    return Candidate(
        name=name,
        kind=kind,
        path=str(folder.resolve()),
        digest=digest.of_path(folder),
        method=method,
        parent=parent.name,
        parent_digest=parent.digest,
        job=context.spec.job,
        parameters=parent.parameters + (model.linear.weight.numel() if parent.kind is ModelKind.ENCODER else 0),
        bytes=digest.size_of(folder),
        context=head.context,
        licence=parent.licence,
        facts={**{key: parent.facts[key] for key in ("architecture", "language") if key in parent.facts}, **facts},
    )


def load_headed(candidate: Candidate, kind: ModelKind, tool: str) -> Parts:
    """The parts of a folder saved here. Raises `UserFault` where it is of another kind or not whole."""
    require_kind(candidate, kind, tool=tool)
    folder = check_folder(candidate)
    try:
        head = Head.model_validate(read_json(folder / HEADS[kind]))
        weights = load_file(folder / _weights(kind))
        linear = torch.nn.Linear(weights["weight"].shape[1], weights["weight"].shape[0])
        linear.load_state_dict(weights)
    except (OSError, SafetensorError, ValidationError, KeyError, RuntimeError) as error:
        raise UserFault(f"{folder} is not a whole {kind} ({error}); make the model again.") from error
    if linear.out_features != len(head.labels):
        raise UserFault(f"{folder} names {len(head.labels)} labels for {linear.out_features} outputs; make it again.")
    whole = head.quantization == "none"
    encoder = load_encoder(candidate) if whole else load_quantized(folder, head.quantization, head.context)
    return Parts(encoder, linear.eval(), head)


def load_trainable(candidate: Candidate) -> Encoder:
    """The encoder of a candidate that is to be trained. Raises `UserFault` for one in 8 bits."""
    kind = candidate.kind
    encoder = load_headed(candidate, kind, "Training").encoder if kind in HEADS else load_encoder(candidate)
    if encoder.quantization != "none":
        raise UserFault(f"{candidate.name} is in 8 bits and cannot be trained; train the model it was made from.")
    return encoder


def _weights(kind: ModelKind) -> str:
    return Path(HEADS[kind]).with_suffix(".safetensors").name
