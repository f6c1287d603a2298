"""A learnt prefix: keys and values that stand before every layer's own (Li and Liang 2021).

It cannot be written into weights, so it lies in a folder of its own beside them and is put in front where the model is
loaded. A model with a prefix is called like any other: a hook fills an empty cache, and makes room in mask and
positions.
"""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import DynamicCache


def attach(model: Any, folder: Path) -> int:
    """Put the prefix of a folder in front of everything the model reads; returns its length in tokens."""
    adapted = PeftModel.from_pretrained(model, folder, local_files_only=True)
    held = [(layer.keys.detach(), layer.values.detach()) for layer in adapted.get_prompt(batch_size=1).layers]
    length = int(held[0][0].shape[2])

    def put_before(network: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if positional:
            named = {"input_ids": positional[0], **named}
        cache = named.get("past_key_values")
        cache = DynamicCache(config=network.config) if cache is None else cache
        if cache.get_seq_length() == 0:
            _fill(cache, held, _rows(named))
        mask, positions = named.get("attention_mask"), named.get("position_ids")
        if mask is not None:
            named["attention_mask"] = _longer(mask, length)
        if positions is not None:
            named["position_ids"] = positions + length
        return (), {**named, "past_key_values": cache}

    model.register_forward_pre_hook(put_before, with_kwargs=True)
    return length


def _rows(named: dict[str, Any]) -> int:
    ids = named.get("input_ids")
    return int((named["inputs_embeds"] if ids is None else ids).shape[0])


def _fill(cache: Any, held: list[tuple[Tensor, Tensor]], rows: int) -> None:
    for number, (keys, values) in enumerate(held):
        cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), number)


def _longer(mask: Tensor, length: int) -> Tensor:
    """A mask of [rows, tokens] with the prefix seen by every row."""
    return torch.cat([mask.new_ones(mask.shape[0], length), mask], dim=1)
