"""An encoder in 8 bits on a CPU: one scale a row, symmetric, for the linear layers and the tables of embeddings.

The file holds plain int8 tensors and their scales, as safetensors. `dynamic` also rounds the activations to 8 bits
as they come, which an x86 or ARM processor multiplies about twice as fast; without it the weights are widened once,
when they are loaded, and only the file is smaller.
"""

import warnings
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from tools.errors import UserFault

_FILE = "model.int8.safetensors"
_SCALE = ".row_scale"
_LEVELS = 127.0

Quantization = Literal["none", "float", "dynamic"]  # in 8 bits: weights alone, or activations too


class Int8Embedding(nn.Module):
    """A table of int8 rows; only the rows that are looked up are widened."""

    rows: Tensor
    scale: Tensor

    def __init__(self, rows: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        return self.rows[ids].float() * self.scale[ids].unsqueeze(-1)


class Int8Linear(nn.Module):
    """Weights and activations in 8 bits; the scale of the activations is found anew for every call."""

    def __init__(self, rows: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        zeros = torch.zeros(len(scale), dtype=torch.int64)
        with warnings.catch_warnings():  # torch means to drop quantized tensors one day; its version is pinned
            warnings.simplefilter("ignore", UserWarning)
            weight = torch._make_per_channel_quantized_tensor(rows, scale.double(), zeros, 0)
        self._packed = torch.ops.quantized.linear_prepack(weight, bias)

    def forward(self, states: Tensor) -> Tensor:
        product: Tensor = torch.ops.quantized.linear_dynamic(states, self._packed, reduce_range=False)
        return product


def quantize_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """int8 [rows, columns] and scale [rows], with weight ≈ int8 x scale."""
    scale = weight.abs().amax(dim=1).clamp(min=1e-12) / _LEVELS
    return torch.round(weight / scale.unsqueeze(1)).to(torch.int8), scale


def save_int8(model: nn.Module, folder: Path) -> None:
    """Write the weights in 8 bits beside the configuration; the model itself stays as it is."""
    tensors = {key: value.detach().clone().contiguous() for key, value in model.state_dict().items()}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            rows, scale = quantize_rows(tensors.pop(f"{name}.weight"))
            tensors[f"{name}.weight"] = rows
            tensors[f"{name}.weight{_SCALE}"] = scale
    model.config.save_pretrained(folder)  # type: ignore[operator,union-attr]  # a transformers configuration
    save_file(tensors, folder / _FILE)


def load_int8(folder: Path, *, dynamic: bool) -> Any:
    """The encoder, without its tokenizer."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        tensors = load_file(folder / _FILE)
        model = AutoModel.from_config(config)
        wide = {key: _widen(tensors, key) for key in tensors if not key.endswith(_SCALE)}
        model.load_state_dict(wide, strict=False)
        if dynamic:
            _narrow(model, tensors)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise UserFault(f"{folder} cannot be loaded as an encoder in 8 bits ({error}); quantize it again.") from error
    return model.eval()


def _widen(tensors: dict[str, Tensor], key: str) -> Tensor:
    scale = tensors.get(key + _SCALE)
    return tensors[key] if scale is None else tensors[key].float() * scale.unsqueeze(1)


def _narrow(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put modules of 8 bits in the place of the wide ones."""
    for name, module in list(model.named_modules()):
        scale = tensors.get(f"{name}.weight{_SCALE}")
        if scale is None:
            continue
        parent, _, attribute = name.rpartition(".")
        rows = tensors[f"{name}.weight"]
        small = Int8Linear(rows, scale, module.bias) if isinstance(module, nn.Linear) else Int8Embedding(rows, scale)
        setattr(model.get_submodule(parent), attribute, small)
