"""Supervised fine-tuning of a generating model with trl: rows as it wants them, its settings, its looks at dev."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datasets import Dataset as Rows
from transformers import EarlyStoppingCallback
from trl import SFTConfig, SFTTrainer

from tools.contract import DataKind, Dataset, JobContext
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.finetune.plan import LONGEST, load_of, look_every
from tools.finetune.refusals import require_dev
from tools.finetune.settings import rate_of
from tools.jobs.launcher import world
from tools.training import adapters, generation, trainers
from tools.training.progress import Follow

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

KINDS = (DataKind.TASK, DataKind.CONVERSATION, DataKind.CORPUS)
DEV_ROWS = 200  # development rows behind a look
_LEAST_GAIN = 1e-3  # of the development loss, in nats a token, that counts as better

Row = dict[str, Any]


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, and what the learning is looked at with; rows as trl takes them."""

    kind: DataKind
    train: list[Row]
    dev: list[Row]


def lesson_of(params: "FinetuneParameters", data: Dataset, replay: Dataset | None) -> Lesson:
    """Raises `UserFault` where the data does not fit."""
    if data.kind not in KINDS:
        raise UserFault(
            f"finetune needs a task (prompt, completion), conversations, raw text or labelled data, and {data.name} is"
            f" {data.kind} data."
        )
    if "train" not in data.splits:
        raise UserFault(f"{data.name} has no train split; register it with one.")
    require_dev(params, data)
    rows = training_rows(params, data, replay)
    looks = params.early_stopping or params.evaluate_every or params.probe or params.search
    dev = rows_of(data.splits["dev"])[:DEV_ROWS] if looks and "dev" in data.splits else []
    return Lesson(data.kind, [_row(data.kind, row) for row in rows], [_row(data.kind, row) for row in dev])


def training_rows(params: "FinetuneParameters", data: Dataset, replay: Dataset | None) -> list[Row]:
    """Rows of the task, with rows of an older one mixed in so that they make up `replay_share` of all."""
    rows = rows_of(data.splits["train"])
    if replay is None:
        return rows
    if replay.kind is not data.kind or "train" not in replay.splits:
        raise UserFault(
            f"Only {data.kind} data with a train split can be replayed here, and {replay.name} is {replay.kind} data."
        )
    older = rows_of(replay.splits["train"])
    wanted = round(len(rows) * params.replay_share / (1 - params.replay_share))
    chance = random.Random(params.seed)
    rows = [*rows, *chance.sample(older, min(wanted, len(older)))]
    chance.shuffle(rows)
    return rows


def _row(kind: DataKind, row: Row) -> Row:
    match kind:
        case DataKind.TASK:
            answer = [{"role": "assistant", "content": row["completion"]}]
            return {"prompt": generation.user(row["prompt"]), "completion": answer}
        case DataKind.CONVERSATION:
            return {"messages": row["messages"]}
        case _:
            return {"text": row["text"]}


def trainer_of(
    params: "FinetuneParameters",
    context: JobContext,
    loaded: tuple[Any, Any],
    lesson: Lesson,
    steps: int,
    follow: Follow,
    keep: bool = True,
) -> Any:
    """A trainer whose loss counts the wanted answers only (of raw text, everything). A trial keeps no checkpoints."""
    model, tokenizer = loaded
    rate = rate_of(params, model.num_parameters())
    longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", LONGEST)))
    load = load_of(params, model.num_parameters(), trainers.share(params.batch, world()), longest)
    settings = trainers.settings(
        context, "checkpoints", steps=steps, batch=params.batch, rate=rate, seed=params.seed, load=load
    )
    if keep:
        settings |= {"save_strategy": "steps", "save_steps": params.save_every, "save_total_limit": 2}
    callbacks: list[Any] = [follow, trainers.MarkComplete()]
    every = look_every(params, steps) if lesson.dev else None
    if every is not None:
        settings |= {"eval_strategy": "steps", "eval_steps": every, "per_device_eval_batch_size": params.batch}
    if every is not None and params.early_stopping:
        settings |= {"save_steps": every, "load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
        callbacks.append(EarlyStoppingCallback(params.early_stopping, _LEAST_GAIN))
    return SFTTrainer(
        model=model,
        args=SFTConfig(
            **settings,
            max_length=longest,
            completion_only_loss=True if lesson.kind is DataKind.TASK else None,
            assistant_only_loss=lesson.kind is DataKind.CONVERSATION and params.assistant_only,
            packing=params.packing,
            packing_strategy="wrapped",
            lr_scheduler_type="cosine",
        ),
        train_dataset=Rows.from_list(lesson.train),
        eval_dataset=Rows.from_list(lesson.dev) if every is not None else None,
        processing_class=tokenizer,
        peft_config=adapters.config_of(params, model, tokenizer),
        callbacks=callbacks,
    )


def looks(history: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    """(step, development loss) of a trainer's log, in nats a token."""
    return [(int(entry["step"]), float(entry["eval_loss"])) for entry in history if "eval_loss" in entry]


def losses(history: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(int(entry["step"]), float(entry["loss"])) for entry in history if "loss" in entry]
