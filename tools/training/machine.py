"""How a training is fitted to the machine: precision, recomputed activations, steps in parts.

The decision is pure. It was not run on a GPU here: what it rests on are published figures, and the switches themselves
are those of transformers.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tools.select.show import size
from tools.training.cost import shape_of

_USABLE = 0.9  # of a GPU's memory; the rest is the context of CUDA and what the allocator cannot fill
_TRAINED = 12  # bytes beside a trained weight in 32 bit: its gradient and AdamW's two moments
_NF4 = 0.516  # bytes a weight in NF4 with doubly quantized constants (Dettmers et al. 2023, section 3)
# Bytes a token, layer and hidden unit in 16 bit: all a layer keeps, and its input alone, from which the rest is made
# again in the backward pass (Korthikanti et al. 2022, sections 4.1 and 5; Chen et al. 2016).
_KEPT, _INPUT = 34, 2
_VOCABULARY = 32_000  # where it is not known
_LOGITS = 8  # bytes a token and entry of the vocabulary: logits and their gradient in 32 bit
_AMPERE = 8.0  # compute capability from which a GPU has bf16


# QLoRA's 4 bit kernels are worth their loss where memory is short: on a GPU.
NEEDS_GPU = "QLoRA keeps the weights of {model} in 4 bits on a GPU, and this machine has none; use method=lora."


@dataclass(frozen=True)
class Gpu:
    """`memory` in bytes."""

    memory: int
    bf16: bool


@dataclass(frozen=True)
class Load:
    """What is trained at once: weights, how many of them learn, rows a step and tokens a row."""

    weights: int
    trained: int
    rows: int
    tokens: int
    four_bits: bool = False  # the frozen weights are stored in NF4
    recomputes: bool = True  # a prefix lies in the cache, which recomputing does without


@dataclass(frozen=True)
class Fit:
    bf16: bool = False
    recompute: bool = False  # gradient checkpointing
    parts: int = 1  # of a step, one after the other: gradient accumulation
    memory: int = 0  # bytes on the GPU
    fits: bool = True


def fit(load: Load, gpu: Gpu | None) -> Fit:
    """Nothing is recomputed, and no step divided, where it fits without; on a CPU everything is in 32 bit."""
    if gpu is None:
        return Fit()
    limit, width = _USABLE * gpu.memory, 1 if gpu.bf16 else 2
    held = _held(load)
    for recompute in (False, True) if load.recomputes else (False,):
        memory = held + width * _activations(load, load.rows, recompute)
        if memory <= limit:
            return Fit(gpu.bf16, recompute, 1, memory)
    recompute = load.recomputes
    for parts in (number for number in range(2, load.rows + 1) if load.rows % number == 0):
        memory = held + width * _activations(load, load.rows // parts, recompute)
        if memory <= limit:
            return Fit(gpu.bf16, recompute, parts, memory)
    return Fit(gpu.bf16, recompute, load.rows, held + width * _activations(load, 1, recompute), fits=False)


def _held(load: Load) -> int:
    """Weights, gradients and AdamW's moments; mixed precision keeps its weights in 32 bit."""
    return round((_NF4 if load.four_bits else 4) * load.weights) + _TRAINED * load.trained


def _activations(load: Load, rows: int, recompute: bool) -> int:
    """Bytes in 16 bit, of so many rows."""
    hidden, layers = shape_of(load.weights)
    a_layer = rows * load.tokens * hidden
    kept = _KEPT * a_layer + _INPUT * a_layer * layers if recompute else _KEPT * a_layer * layers
    return kept + _LOGITS * _VOCABULARY * rows * load.tokens


def steps(load: Load, gpu: Gpu | None) -> Iterator[str]:
    """What the plan says of the GPU; nothing where there is none."""
    found = fit(load, gpu)
    if gpu is None or not found.fits:
        return
    precision = "bf16" if found.bf16 else "32 bit"
    yield f"Compute in {precision} on the GPU found, with about {size(found.memory)} of its {size(gpu.memory)}."
    if found.recompute:
        yield "Recompute activations in the backward pass (gradient checkpointing): all at once they would not fit."
    if found.parts > 1:
        yield f"Take each step in {found.parts} parts (gradient accumulation), with the same result."


def warnings(load: Load, gpu: Gpu | None) -> Iterator[str]:
    found = fit(load, gpu)
    if gpu is not None and not found.fits:
        yield (
            f"It needs about {size(found.memory)} of GPU memory, and the GPU found has {size(gpu.memory)}: use"
            " method=qlora, a smaller model, or a larger GPU."
        )


@cache
def find_gpu() -> Gpu | None:
    """The first GPU that nvidia-smi tells of: light, for a process without torch."""
    if shutil.which("nvidia-smi") is None:
        return None
    asked = ["nvidia-smi", "--query-gpu=memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return read(done.stdout)


def read(told: str) -> Gpu | None:
    """`81559, 9.0`: MiB and compute capability, a line a GPU."""
    memory, _, capability = told.strip().partition("\n")[0].partition(",")
    try:
        return Gpu(memory=int(memory) * 2**20, bf16=float(capability) >= _AMPERE)
    except ValueError:  # "[N/A]", or a driver that does not answer
        return None
