"""What fine-tuning will do, and what it needs."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.contract import DataKind, Dataset, Inputs, Part, Plan
from tools.errors import UserFault
from tools.training import cost, machine
from tools.training.classify_rows import DEV_ROWS, judges, passes, planned_rows, uses_r_drop

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

EPOCHS = 4.0  # passes over a generation task where nothing is said
HIGH = 1e-2  # LoRA at 2e-2 diverged on the tiny model
LOOKS = 10  # at the development loss, where nothing is said
_SMALL = 50_000_000  # weights below which a model bears, and needs, higher rates
# Peak learning rates by method for small models (measured on odyssey/tiny) and others: LoRA 2e-4 and full 2e-5 as
# in Dettmers et al. 2023 and common recipes of that size; prompt tuning 0.3 in Lester et al. 2021 with Adafactor,
# 0.1 with AdamW as measured; a prefix reached a development loss of 0.42, 0.55 and 1.33 on tickets at 0.3, 0.1 and 0.03
# after 120 steps (virtual tokens 1.12), and 0.01 is usual for larger models (Liu et al. 2021, P-tuning v2).
_RATES = {
    "lora": (2e-3, 2e-4),
    "qlora": (2e-3, 2e-4),
    "full": (1e-3, 2e-5),
    "prompt_tuning": (0.1, 0.03),
    "prefix_tuning": (0.3, 0.01),
}
LONGEST = 1024  # tokens of a training row
_ENCODER_MEMORY = 900_000_000  # bytes a 22M encoder's activations and optimizer add; measured with 2,048 tokens at once
_AT_ONCE = 2048  # tokens of them


def rate_of(params: "FinetuneParameters", weights: int) -> float:
    """Peak learning rate for a generating model of so many weights."""
    return params.lr or _RATES[params.method][weights >= _SMALL]


def look_every(params: "FinetuneParameters", steps: int) -> int | None:
    """Steps between two looks at the development loss; None where nobody asks for it."""
    if params.evaluate_every is None and not params.early_stopping:
        return None
    return min(steps, params.evaluate_every or max(1, steps // LOOKS))


def require_dev(params: "FinetuneParameters", data: Dataset) -> None:
    """Raises `UserFault` where training shall stop by a development split that is not there."""
    if params.early_stopping and "dev" not in data.splits:
        raise UserFault(f"early_stopping looks at a development split, and {data.name} has none; register it with one.")


def steps_of(params: "FinetuneParameters", rows: int, epochs: float = EPOCHS) -> int:
    """Optimizer steps for this many training rows."""
    if params.steps is not None:
        return params.steps
    return max(1, math.ceil((params.epochs or epochs) * rows / params.batch))


def load_of(params: "FinetuneParameters", weights: int, rows: int, tokens: int) -> machine.Load:
    """What a step of so many rows of so many tokens, at most, asks of a GPU."""
    return machine.Load(
        weights=weights,
        trained=weights if params.method == "full" else weights // 20,
        rows=rows,
        tokens=tokens,
        four_bits=params.method == "qlora",
        recomputes=params.method != "prefix_tuning",
    )


def r_drop_of(params: "FinetuneParameters", rows: int) -> float:
    """Weight of the agreement between two passes over a row of a classifier."""
    return float(uses_r_drop(params.method, rows)) if params.r_drop is None else params.r_drop


def plan(params: "FinetuneParameters", inputs: Inputs) -> Plan:
    model, data = inputs.models.get("model"), inputs.data.get("data")
    if model is not None and model.kind.encodes and data is not None:
        return _of_encoder(params, inputs, data)
    return _of_generator(params, inputs)


def _of_generator(params: "FinetuneParameters", inputs: Inputs) -> Plan:
    model, gpu = inputs.models.get("model"), machine.find_gpu()
    if params.method == "qlora" and gpu is None:
        raise UserFault(machine.NEEDS_GPU.format(model=params.model))
    weights, steps = cost.size_of(model), steps_of(params, cost.rows_of(inputs, "data", "train", 1500))
    tokens = round(params.batch * cost.tokens_a_row(inputs.data.get("data")))
    training = cost.training_seconds(weights, tokens * steps, steps)
    load = load_of(params, weights, params.batch, min(LONGEST, (model.context if model else 0) or LONGEST))
    dev = cost.rows_of(inputs, "data", "dev", 0)
    return Plan(
        steps=(*_steps(params, steps, None), *machine.steps(load, gpu)),
        seconds=4 + _searching(params) + training * (1 + _TRIED * params.probe),
        memory_bytes=cost.training_memory(weights, load.trained, tokens),
        warnings=(*_warnings(params, encodes=False), *machine.warnings(load, gpu)),
        parts=(
            Part(step="fine-tuning", seconds=training),
            Part(step="measuring on dev", seconds=cost.generation_seconds(weights, dev, _NEW_TOKENS)),
        ),
    )


def _of_encoder(params: "FinetuneParameters", inputs: Inputs, data: Dataset) -> Plan:
    weights, pairs = cost.size_of(inputs.models.get("model")), data.kind is DataKind.TASK
    whole = pairs or data.kind is DataKind.TAGGED  # all of it is learned from
    rows = cost.rows_of(inputs, "data", "train", 0) if whole else planned_rows(data, params.per_class)
    steps = steps_of(params, rows, passes(rows, params.batch))
    tokens = round(params.batch * cost.tokens_a_row(data) * (cost.PAIR if pairs else 1.0))
    if data.kind is DataKind.LABELLED and r_drop_of(params, rows):
        tokens *= 2  # every row is read twice a step
    training = cost.training_seconds(weights, tokens * steps, steps)
    passed = steps * params.batch / max(rows, 1)
    trained = weights if params.method == "full" else weights // 20
    return Plan(
        steps=tuple(_steps(params, steps, data)),
        seconds=4 + _searching(params) + training * (1 + _TRIED * (params.probe or _open(params))),
        memory_bytes=cost.training_memory(weights, trained, tokens) + _encoder_memory(data, tokens),
        warnings=tuple(_warnings(params, encodes=True)),
        parts=tuple(_of_pairs(inputs, training, passed) if pairs else _of_head(training, passed)),
    )


def _encoder_memory(data: Dataset, tokens: int) -> int:
    """Of tagged rows as many as are read at once ask for: 0.75 GB in all were held with 180 tokens, 0.74 planned."""
    share = tokens / _AT_ONCE if data.kind is DataKind.TAGGED else 1.0
    return round(_ENCODER_MEMORY * min(1.0, share))


def _of_head(training: float, passed: float) -> Iterator[Part]:
    """A head reads every row once before it learns; `passed` is how often it then sees each."""
    yield Part(step="reading training rows", seconds=_READING * training / passed)
    yield Part(step="training", seconds=training)


def _of_pairs(inputs: Inputs, training: float, passed: float) -> Iterator[Part]:
    """What the development questions find is looked at before and after."""
    seen = cost.rows_of(inputs, "data", "train", 1) * passed
    looking = _READING * training * cost.rows_of(inputs, "data", "dev", 0) / max(seen, 1.0)
    yield Part(step="measuring before training", seconds=looking)
    yield Part(step="training", seconds=training)
    yield Part(step="measuring on the development split", seconds=looking)


_NEW_TOKENS = 40  # longest answer on the development split
_READING = 0.15  # of a training's time for as many rows: forward only, in large batches (measured on MiniLM)
_TRIED = 0.5  # of a training's time that trying its learning rates takes, or a search may make it longer


def _searching(params: "FinetuneParameters") -> float:
    return 60.0 * params.search


def _open(params: "FinetuneParameters") -> bool:
    """Whether a search may find that a classifier is to be trained for longer than usual."""
    return params.search > 0 and params.steps is None and params.epochs is None


def _steps(params: "FinetuneParameters", steps: int, encoded: Dataset | None) -> Iterator[str]:
    """`encoded`: the data an encoder learns from."""
    labelled = encoded is not None and encoded.kind is DataKind.LABELLED
    if params.search:
        yield f"Try settings in short runs for up to {params.search:g} minutes, and go on with the best."
    elif params.probe:
        yield "Try learning rates in short runs, and go on with the best."
    if (params.search or params.probe) and encoded is not None and labelled and not judges(*_judging(encoded)):
        yield "Judge them by a fifth of the training rows too, for there are few development rows; then learn from all."
    what = {
        "lora": f"adapters of rank {params.rank}",
        "qlora": f"adapters of rank {params.rank} beside weights in 4 bits",
        "full": "every weight",
        "prompt_tuning": f"{params.virtual_tokens} virtual tokens before the prompt",
        "prefix_tuning": f"a prefix of {params.virtual_tokens} tokens before every layer",
    }[params.method]
    yield f"Train {what} for {steps:,} steps of {params.batch} rows from {params.data}."
    if encoded is not None and encoded.kind is DataKind.TASK:
        yield "Bring each question nearer to the text that answers it than to the other texts of its batch."
    yield "Keep a checkpoint, so that a stopped job goes on from it."
    if params.early_stopping:
        looks = f"{params.early_stopping} look{'s' if params.early_stopping > 1 else ''}"
        yield f"Stop early after {looks} without a better development loss, and keep the best checkpoint."
    merged = {
        "full": "Save the model, and measure on the development split.",
        "prompt_tuning": "Write the virtual tokens into the vocabulary, check that both answer alike,"
        " and measure on the development split.",
        "prefix_tuning": "Keep the prefix beside the model, check that both answer alike, and measure on the"
        " development split.",
    }
    adapters = "Merge the adapters into the model, check that both answer alike, and measure on the development split."
    yield merged.get(params.method, adapters)


def _judging(data: Dataset) -> tuple[int, int]:
    """Development rows that are looked at, and labels."""
    return min(DEV_ROWS, data.splits["dev"].rows) if "dev" in data.splits else 0, len(data.labels)


def _warnings(params: "FinetuneParameters", *, encodes: bool) -> Iterator[str]:
    if params.adapts and (params.lr or 0) > HIGH:
        yield f"A learning rate of {params.lr:g} is high for LoRA; it may diverge."
    if params.method == "full" and (params.lr or 0) > HIGH:
        yield f"A learning rate of {params.lr:g} is high for training every weight; it may diverge."
    if params.packing:
        yield "Rows packed together can see each other, unless flash attention keeps them apart."
    if encodes and params.method in ("prompt_tuning", "prefix_tuning"):
        yield f"{params.method.capitalize().replace('_', ' ')} is for models that generate; this one would be refused."
    if params.method == "prefix_tuning":
        yield "A prefix works in Odyssey alone: the model cannot be quantized, aligned or trained further with it."
