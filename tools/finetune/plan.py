"""What fine-tuning will do, and what it needs."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tools.contract import DataKind, Dataset, Inputs, Part, Plan
from tools.finetune.refusals import refuse
from tools.finetune.settings import for_encoder, for_generator, tried
from tools.training import cost, machine
from tools.training.classify_rows import DEV_ROWS, judges, passes, planned_rows, uses_r_drop

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

EPOCHS = 4.0  # passes over a generation task where nothing is said
HIGH = 1e-2  # LoRA at 2e-2 diverged on the tiny model
TRYING = "trying settings"  # a part of the work, done in short runs
LOOKS = 10  # at the development loss, where nothing is said
LONGEST = 1024  # tokens of a training row
_ENCODER_MEMORY = 900_000_000  # bytes a 22M encoder's activations and optimizer add; measured with 2,048 tokens at once
_AT_ONCE = 2048  # tokens of them


def look_every(params: "FinetuneParameters", steps: int) -> int | None:
    """Steps between two looks at the development loss; None where nobody asks for it."""
    if params.evaluate_every is None and not params.early_stopping:
        return None
    return min(steps, params.evaluate_every or max(1, steps // LOOKS))


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
    """Raises `UserFault` for what would fail once it runs."""
    refuse(params, inputs)
    model, data = inputs.models.get("model"), inputs.data.get("data")
    if model is not None and model.kind.encodes and data is not None:
        return _of_encoder(params, inputs, data)
    return _of_generator(params, inputs)


def _of_generator(params: "FinetuneParameters", inputs: Inputs) -> Plan:
    model, gpu = inputs.models.get("model"), machine.find_gpu()
    weights, steps = cost.size_of(model), steps_of(params, cost.rows_of(inputs, "data", "train", 1500))
    tokens = round(params.batch * cost.tokens_a_row(inputs.data.get("data")))
    training = cost.training_seconds(weights, tokens * steps, steps)
    load = load_of(params, weights, params.batch, min(LONGEST, (model.context if model else 0) or LONGEST))
    dev = cost.rows_of(inputs, "data", "dev", 0)
    return Plan(
        steps=(*_steps(params, steps, for_generator(params, weights), None), *machine.steps(load, gpu)),
        seconds=4 + _searching(params, training) + training,
        memory_bytes=cost.training_memory(weights, load.trained, tokens),
        warnings=(*_warnings(params, inputs.data.get("data")), *machine.warnings(load, gpu)),
        parts=(
            *_trying(params, training),
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
        steps=tuple(_steps(params, steps, for_encoder(params, rows), data)),
        seconds=4 + _searching(params, training) + training * (1 + _TRIED * _open(params)),
        memory_bytes=cost.training_memory(weights, trained, tokens) + _encoder_memory(data, tokens),
        warnings=tuple(_warnings(params, data)),
        parts=tuple(_of_pairs(params, inputs, training, passed) if pairs else _of_head(params, training, passed)),
    )


def _encoder_memory(data: Dataset, tokens: int) -> int:
    """Of tagged rows as many as are read at once ask for: 0.75 GB in all were held with 180 tokens, 0.74 planned."""
    share = tokens / _AT_ONCE if data.kind is DataKind.TAGGED else 1.0
    return round(_ENCODER_MEMORY * min(1.0, share))


def _of_head(params: "FinetuneParameters", training: float, passed: float) -> Iterator[Part]:
    """A head reads every row once before it learns; `passed` is how often it then sees each."""
    yield Part(step="reading training rows", seconds=_READING * training / passed)
    yield from _trying(params, training)
    yield Part(step="training", seconds=training)


def _of_pairs(params: "FinetuneParameters", inputs: Inputs, training: float, passed: float) -> Iterator[Part]:
    """What the development questions find is looked at before and after."""
    seen = cost.rows_of(inputs, "data", "train", 1) * passed
    looking = _READING * training * cost.rows_of(inputs, "data", "dev", 0) / max(seen, 1.0)
    yield from _trying(params, training)
    yield Part(step="measuring before training", seconds=looking)
    yield Part(step="training", seconds=training)
    yield Part(step="measuring on the development split", seconds=looking)


_NEW_TOKENS = 40  # longest answer on the development split
_READING = 0.15  # of a training's time for as many rows: forward only, in large batches (measured on MiniLM)
_TRIED = 0.5  # of a training's time that trying its learning rates takes, or a search may make it longer


def _searching(params: "FinetuneParameters", training: float) -> float:
    """Seconds of short runs."""
    return 60.0 * params.search + _TRIED * training * params.probe


def _trying(params: "FinetuneParameters", training: float) -> Iterator[Part]:
    if params.tries:
        yield Part(step=TRYING, seconds=_searching(params, training))


def _open(params: "FinetuneParameters") -> bool:
    """Whether a search may find that a classifier is to be trained for longer than usual."""
    return params.search > 0 and params.steps is None and params.epochs is None


def _steps(
    params: "FinetuneParameters", steps: int, settings: Sequence["FinetuneParameters"], encoded: Dataset | None
) -> Iterator[str]:
    """`settings` are those to try, where they are; `encoded` is the data an encoder learns from."""
    if params.tries:
        yield tried(params, settings)
    if params.tries and encoded is not None and not judges(*_judging(encoded)):
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


def _warnings(params: "FinetuneParameters", data: Dataset | None) -> Iterator[str]:
    if params.evaluate_every and data is not None and "dev" not in data.splits:
        yield f"evaluate_every looks at a development split, and {data.name} has none: nothing is looked at."
    if params.adapts and (params.lr or 0) > HIGH:
        yield f"A learning rate of {params.lr:g} is high for LoRA; it may diverge."
    if params.method == "full" and (params.lr or 0) > HIGH:
        yield f"A learning rate of {params.lr:g} is high for training every weight; it may diverge."
    if params.packing:
        yield "Rows packed together can see each other, unless flash attention keeps them apart."
    if params.method == "prefix_tuning":
        yield "A prefix works in Odyssey alone: the model cannot be quantized, aligned or trained further with it."
