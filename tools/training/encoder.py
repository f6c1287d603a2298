"""Sentence encoders: texts to vectors of length one, by the mean of the token states (Reimers and Gurevych 2019)."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from tools.contract import Candidate, Frozen, ModelKind
from tools.errors import UserFault
from tools.models import HEADS, STORED, require_kind
from tools.training.classify_int8 import Quantization, load_int8, save_int8
from tools.training.models import check_folder

CONTEXT = 256  # tokens read of a text where a model does not say what it was trained with
BATCH = 64  # texts encoded at once


class Stored(Frozen):
    """The JSON file that says how the weights of an encoder in 8 bits are read."""

    context: int
    quantization: Quantization


class Encoder:
    """A model and its tokenizer. `context` is how many tokens of a text are read, `batch` how many texts at once."""

    def __init__(
        self, model: Any, tokenizer: Any, context: int, batch: int = BATCH, quantization: Quantization = "none"
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.context = context
        self.batch = batch
        self.quantization = quantization

    def copy(self) -> "Encoder":
        """One with weights of its own, to be trained."""
        return Encoder(copy.deepcopy(self.model), self.tokenizer, self.context, self.batch)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self.model.config.hidden_size)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at the context."""
        ids: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=self.context)["input_ids"]
        return ids

    def pad(self, rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Ids and mask, both [rows, longest row]."""
        longest = max(len(row) for row in rows)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = 1
        return ids, mask

    def states(self, rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """States of the tokens [rows, longest row, width] and their mask; gradients flow."""
        ids, mask = self.pad(rows)
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state, mask

    def vectors(self, rows: Sequence[list[int]]) -> Tensor:
        """[rows, width], each of length one; gradients flow."""
        states, mask = self.states(rows)
        weight = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        return torch.nn.functional.normalize(mean, dim=-1)

    @torch.inference_mode()
    def embed(self, rows: Sequence[list[int]], on_batch: Callable[[int], None] = lambda done: None) -> Tensor:
        """Vectors of token rows, [rows, width], in their order. `on_batch` hears how many are done."""
        self.model.eval()
        vectors = torch.empty((len(rows), self.width))
        done = 0
        for chosen in self.by_length(rows):
            vectors[chosen] = self.vectors([rows[i] for i in chosen])
            done += len(chosen)
            on_batch(done)
        return vectors

    def by_length(self, rows: Sequence[Sized]) -> Iterator[list[int]]:
        """Indices of rows, batch after batch, like lengths together: little is padded."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        yield from (order[start : start + self.batch] for start in range(0, len(order), self.batch))


def load_encoder(candidate: Candidate) -> Encoder:
    """The encoder of a candidate, in 32 bit or as it was stored. A classifier or tagger gives the encoder it was built
    on."""
    require_kind(candidate, ModelKind.ENCODER, *HEADS, tool="Encoding")
    folder = check_folder(candidate)
    if candidate.kind is ModelKind.ENCODER and (folder / STORED).is_file():
        return _load_stored(folder)
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UserFault(f"{folder} cannot be loaded as an encoder: {error}") from error
    return Encoder(model.eval(), load_tokenizer(folder), context_of(candidate, model.config))


def _load_stored(folder: Path) -> Encoder:
    try:
        stored = Stored.model_validate(read_json(folder / STORED))
    except ValidationError as error:
        raise UserFault(f"{folder / STORED} cannot be read ({error}); quantize the encoder again.") from error
    return load_quantized(folder, stored.quantization, stored.context)


def load_quantized(folder: Path, quantization: Quantization, context: int) -> Encoder:
    """An encoder that `write_encoder` stored in 8 bits."""
    dynamic = quantization == "dynamic"
    model = load_int8(folder, dynamic=dynamic)
    # Rounded activations share one scale, and rounding magnifies what padding changes: a text read among others could
    # come out differently than alone. One at a time, what is measured is what is served.
    return Encoder(model, load_tokenizer(folder), context, 1 if dynamic else BATCH, quantization)


def write_encoder(encoder: Encoder, folder: Path, quantization: Quantization) -> None:
    """Weights, in 8 bits where asked, and tokenizer; the encoder itself stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    if quantization == "none":
        encoder.model.save_pretrained(folder)
    else:
        save_int8(encoder.model, folder)
    encoder.tokenizer.save_pretrained(folder)


def write_stored(encoder: Encoder, folder: Path, quantization: Quantization) -> None:
    """What `load_encoder` needs to know of weights in 8 bits."""
    stored = Stored(context=encoder.context, quantization=quantization)
    (folder / STORED).write_text(stored.model_dump_json(indent=1), encoding="utf-8")


def load_tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserFault(f"The tokenizer in {folder} cannot be loaded: {error}") from error


def context_of(candidate: Candidate, config: Any) -> int:
    """Tokens read of a text: what the candidate was trained with, within the positions the model has."""
    positions = getattr(config, "max_position_embeddings", 0) or CONTEXT
    return max(8, min(candidate.context or CONTEXT, int(positions), 512))


def unread(encoder: Encoder, texts: Sequence[str]) -> dict[str, float]:
    """How much of texts an encoder cannot read: shares of unknown tokens, of cut texts, of Chinese letters."""
    limit, unknown = encoder.context, encoder.tokenizer.unk_token_id
    rows: list[list[int]] = encoder.tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
    total = sum(len(row) for row in rows) or 1
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return {
        "unknown_tokens": sum(row.count(unknown) for row in rows) / total if unknown is not None else 0.0,
        "cut_texts": sum(len(row) >= limit for row in rows) / max(len(rows), 1),
        "chinese_letters": sum("\u4e00" <= letter <= "\u9fff" for letter in letters) / max(len(letters), 1),
    }


def warnings_about(candidate: Candidate, shares: dict[str, float]) -> list[str]:
    """Sentences for a person, about texts this encoder reads badly."""
    said: list[str] = []
    english = candidate.facts.get("language") == "en"
    if shares["chinese_letters"] > 0.2 and english:
        said.append(
            f"{shares['chinese_letters']:.0%} of the letters are Chinese, and {candidate.name} has read English: "
            "expect little of it, and choose a multilingual encoder by the path of its folder."
        )
    elif shares["unknown_tokens"] > 0.05:
        said.append(f"{shares['unknown_tokens']:.0%} of the tokens are unknown to {candidate.name}.")
    if shares["cut_texts"] > 0.01:
        said.append(
            f"{shares['cut_texts']:.0%} of the texts are longer than {candidate.name} reads; their ends are cut."
        )
    return said


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserFault(f"{path} cannot be read ({error}); make the model again.") from error
    if not isinstance(value, dict):
        raise UserFault(f"{path} holds no JSON object; make the model again.")
    return value
