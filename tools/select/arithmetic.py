"""What a model needs and what making one takes, by standard arithmetic. Pure; bytes, operations, tokens, hours."""

import math
from dataclasses import dataclass

TOKENS_A_WEIGHT = 20  # compute-optimal (Hoffmann et al. 2022, table 3; confirmed by Besiroglu et al. 2024)
PASSES = 4  # over the same text are nearly as good as new text (Muennighoff et al. 2023)
BYTES_A_TOKEN = 4.0  # of UTF-8 text, about, where no tokenizer is at hand: byte-level BPE on English
GPU_FLOPS = 1.36e14  # a second, sustained by one A100 in the training of Llama 2 70B (Touvron et al. 2023): 6ND / time

_FULL = 16  # bytes a trained weight: see `full_training`
_NF4 = 0.5 + 0.127 / 8  # bytes a weight in NF4 with doubly quantized constants (Dettmers et al. 2023, section 3)
# Values a token, layer and hidden unit, and those a head and pair of tokens: 34 and 5 bytes at 16 bit (Korthikanti et
# al. 2022, section 4.1).
_ACTIVATIONS = 17
_ATTENTION = 2.5


@dataclass(frozen=True)
class Shape:
    """The sizes of a transformer that memory depends on, as its configuration gives them."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int  # positions; 0 where there is no limit or none is said
    generates: bool  # keeps a KV cache and has logits over its vocabulary


@dataclass(frozen=True)
class Weights:
    """How many weights there are and how they are stored, read off the headers."""

    count: int
    bytes: int
    dtype: str  # the one most weights have: "F32", "BF16", …
    linear: int  # weights of linear layers below embeddings and output layer: what QLoRA keeps in 4 bits
    sides: int  # sum of inputs and outputs of those layers: what each rank of LoRA trains


@dataclass(frozen=True)
class Work:
    """A training step: rows of `length` tokens at a time, and the size of a value held for the backward pass."""

    batch: int
    length: int
    bytes_a_value: int  # 2 in mixed precision on a GPU, 4 in 32 bit

    @property
    def tokens(self) -> int:
        return self.batch * self.length


# --- memory ------------------------------------------------------------------------------------------------------


def kv_cache(shape: Shape, tokens: int, bytes_a_value: int = 2) -> int:
    """A key and a value for every layer, head and token of one sequence (Kwon et al. 2023, section 3)."""
    if not shape.generates:
        return 0
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * tokens * bytes_a_value


def inference(weights: Weights, shape: Shape, tokens: int) -> int:
    """The weights as they are stored, and the cache of one sequence in 16 bit."""
    return weights.bytes + kv_cache(shape, tokens)


def inference_32_bit(weights: Weights, shape: Shape, tokens: int) -> int:
    """The same in 32 bit, which is how Odyssey computes on a CPU."""
    return 4 * weights.count + kv_cache(shape, tokens, 4)


def activations(shape: Shape, work: Work) -> int:
    """What the backward pass needs of the forward pass, nothing recomputed (Korthikanti et al. 2022, section 4.1).

    A generating model's attention saves memory, but it has logits with their gradient in 32 bit; an encoder keeps its
    attention maps, for their dropout. Tensors held by transformers' Llama and BERT were 8 and 16 % more than this.
    """
    values: float = _ACTIVATIONS * shape.hidden
    if not shape.generates:
        values += _ATTENTION * shape.heads * work.length
    layers = round(values * work.bytes_a_value) * shape.layers * work.tokens
    return layers + (2 * 4 * shape.vocabulary * work.tokens if shape.generates else 0)


def full_training(weights: Weights, shape: Shape, work: Work) -> int:
    """Every weight with AdamW: 4 + 4 + 8 bytes for weight, gradient and moments in 32 bit, and in mixed precision
    2 + 2 + 4 + 8 with the master copy: 16 both (Rajbhandari et al. 2019, section 3.1)."""
    return _FULL * weights.count + activations(shape, work)


def lora_weights(weights: Weights, rank: int) -> int:
    """Two matrices of this rank for every linear layer (Hu et al. 2021, section 4.1)."""
    return rank * weights.sides


def lora(weights: Weights, shape: Shape, work: Work, rank: int) -> int:
    """Frozen weights, and AdamW on the adapters alone (Hu et al. 2021, section 4.2)."""
    return work.bytes_a_value * weights.count + _FULL * lora_weights(weights, rank) + activations(shape, work)


def qlora(weights: Weights, shape: Shape, work: Work, rank: int) -> int:
    """Linear layers in NF4, the rest in 16 bit, and AdamW on the adapters (Dettmers et al. 2023, section 3)."""
    frozen = round(_NF4 * weights.linear) + 2 * (weights.count - weights.linear)
    return frozen + _FULL * lora_weights(weights, rank) + activations(shape, work)


def prompt_tuning(weights: Weights, shape: Shape, work: Work, virtual_tokens: int) -> int:
    """Frozen weights, and AdamW on the virtual tokens, which also lengthen every row (Lester et al. 2021)."""
    longer = Work(work.batch, work.length + virtual_tokens, work.bytes_a_value)
    return work.bytes_a_value * weights.count + _FULL * virtual_tokens * shape.hidden + activations(shape, longer)


# --- compute -----------------------------------------------------------------------------------------------------


def optimal_tokens(weights: int) -> int:
    """Training tokens at which a model of this size is the best its compute buys (Hoffmann et al. 2022)."""
    return TOKENS_A_WEIGHT * weights


def largest_model(tokens: float) -> int:
    """Weights that a text of so many different tokens, read up to four times, trains compute-optimally."""
    return int(tokens * PASSES / TOKENS_A_WEIGHT)


def best_model(flops: float) -> int:
    """Weights that so many operations train best: 6 N D of them, with D = 20 N (Hoffmann et al. 2022)."""
    return round(math.sqrt(flops / (6 * TOKENS_A_WEIGHT)))


def training_flops(weights: int, tokens: float) -> float:
    """2 operations a weight and token forward, 4 backward (Kaplan et al. 2020, section 2.1)."""
    return 6.0 * weights * tokens


def adapter_flops(weights: int, tokens: float) -> float:
    """As above without the gradients of the frozen weights: 2 forward and 2 backward, two thirds of full training."""
    return 4.0 * weights * tokens


def hours(flops: float, flops_a_second: float) -> float:
    return flops / flops_a_second / 3600
