"""What pre-training will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan
from tools.training import cost

if TYPE_CHECKING:
    from tools.pretrain.spec import PretrainParameters

_FEW_TOKENS = 2  # tokens a weight below which a model of this size stays undertrained (Hoffmann et al. 2022: about 20)


def weights(params: "PretrainParameters") -> int:
    """Weights of a Llama with tied embeddings and an inner width of three times its hidden width."""
    head = params.hidden // params.heads
    attention = params.hidden * head * (2 * params.heads + 2 * params.kv_heads)
    inner = 3 * params.hidden * inner_width(params.hidden)
    return params.vocab * params.hidden + params.layers * (attention + inner + 2 * params.hidden) + params.hidden


def inner_width(hidden: int) -> int:
    return 3 * hidden


def plan(params: "PretrainParameters", inputs: Inputs) -> Plan:
    size, tokens = weights(params), params.steps * params.batch * params.context
    warnings = []
    if tokens < _FEW_TOKENS * size // 10:
        warnings.append(f"{tokens:,} tokens are very few for {size:,} weights; give it more steps.")
    return Plan(
        steps=(
            f"Train a byte-level BPE tokenizer of {params.vocab:,} tokens on {params.data}.",
            f"Pre-train {size / 1e6:.2f} M weights for {params.steps:,} steps, {tokens:,} tokens in all.",
            "Measure perplexity on the held-out slice and save the model.",
        ),
        seconds=4 + cost.training_seconds(size, tokens, params.steps),
        memory_bytes=cost.training_memory(size, size, params.batch * params.context, params.hidden, params.layers),
        warnings=tuple(warnings),
    )
