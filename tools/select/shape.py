"""From a model's configuration and the headers of its weights to the sizes that arithmetic needs. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tools.contract import ModelKind
from tools.models import Tensor
from tools.select.arithmetic import Shape, Weights

_MOST = 100_000_000  # no layer, width or vocabulary is larger
# What families call the same thing, in the order tried.
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads"),
    "head_dim": ("head_dim",),
    "vocabulary": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"),
}
_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16}
_OUTSIDE = re.compile(r"embed|\bwte\b|\bwpe\b|lm_head|score|classifier|cls\.", re.IGNORECASE)  # no linear layers within


def shape_of(config: dict[str, Any], kind: ModelKind) -> Shape | None:
    """None where the configuration does not say how many layers of which width there are."""
    layers, hidden, heads = (_number(config, name) for name in ("layers", "hidden", "heads"))
    if not layers or not hidden:
        return None
    one = config.get("multi_query") is True  # GPT-BigCode: all heads share one key and value
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads or 1,
        kv_heads=_number(config, "kv_heads") or (1 if one else heads) or 1,
        head_dim=_number(config, "head_dim") or hidden // (heads or 1),
        vocabulary=_number(config, "vocabulary"),
        context=_number(config, "context"),
        generates=kind is ModelKind.CAUSAL,
    )


def _number(config: dict[str, Any], name: str) -> int:
    """0 where it is not said, or not as a number of layers or units can be."""
    for key in _NAMES[name]:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
            return value
    return 0


def weights_of(tensors: Iterable[Tensor]) -> Weights:
    """The sums over all tensors."""
    dtypes: Counter[str] = Counter()
    linear = sides = 0
    for tensor in tensors:
        dtypes[tensor.dtype] += tensor.count
        if len(tensor.shape) == 2 and tensor.name.endswith("weight") and not _OUTSIDE.search(tensor.name):
            linear += tensor.count
            sides += sum(tensor.shape)
    return Weights(
        count=dtypes.total(),
        bytes=sum(count * _BITS.get(dtype, 8) // 8 for dtype, count in dtypes.items()),
        dtype=max(dtypes, key=lambda dtype: dtypes[dtype]) if dtypes else "",
        linear=linear,
        sides=sides,
    )
