"""Answering the items of registered data with a model, and scoring the answers."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.contract import DataKind, Metric
from tools.evaluate import metrics
from tools.training import generation

Row = dict[str, Any]
Score = Callable[[str, Row], float]


def asked(row: Row) -> list[generation.Message]:
    """What the model is asked: the turns before the last one of a dialogue, or the prompt."""
    return list(row["messages"][:-1]) if "messages" in row else generation.user(row["prompt"])


def wanted(row: Row) -> str:
    """The wanted answer: the last turn of a dialogue, or the completion."""
    return str(row["messages"][-1]["content"] if "messages" in row else row["completion"])


def score_task(answer: str, row: Row) -> float:
    return metrics.exact_match(answer, wanted(row))


def score_checklist(answer: str, row: Row) -> float:
    return metrics.checklist(answer, row["must"], row["must_not"])


# What decides on an item, by the kind of data.
SCORES: dict[DataKind, tuple[str, Score]] = {
    DataKind.TASK: ("exact_match", score_task),
    DataKind.CONVERSATION: ("exact_match", score_task),
    DataKind.CHECKLIST: ("checklist_pass", score_checklist),
}


@dataclass(frozen=True)
class Answered:
    """A model's answers to rows, in their order."""

    answers: tuple[str, ...]
    scores: tuple[float, ...]  # 0 to 1 each
    tokens: int
    seconds: float

    @property
    def passes(self) -> list[float]:
        """1 for every item that is wholly right, else 0."""
        return [float(score == 1.0) for score in self.scores]


def answer_rows(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    kind: DataKind,
    max_new_tokens: int,
    batch: int = 64,
    on_batch: Callable[[int], None] = lambda done: None,
) -> Answered:
    score = SCORES[kind][1]
    began = time.perf_counter()
    conversations = [asked(row) for row in rows]
    found = generation.answer(model, tokenizer, conversations, max_new_tokens, batch, on_batch)
    seconds = time.perf_counter() - began
    return Answered(
        answers=tuple(answer.text for answer in found),
        scores=tuple(score(answer.text, row) for answer, row in zip(found, rows, strict=True)),
        tokens=sum(answer.tokens for answer in found),
        seconds=seconds,
    )


def latencies(model: Any, tokenizer: Any, rows: Sequence[Row], count: int, max_new_tokens: int) -> list[float]:
    """Milliseconds of single answers to `count` rows spread over all; the first answer of all is not counted."""
    chosen = [rows[i * len(rows) // count] for i in range(min(count, len(rows)))] if len(rows) > count else list(rows)
    generation.answer(model, tokenizer, [asked(chosen[0])], max_new_tokens)
    found = []
    for row in chosen:
        began = time.perf_counter()
        generation.answer(model, tokenizer, [asked(row)], max_new_tokens)
        found.append(1000 * (time.perf_counter() - began))
    return found


def latency_metrics(found: Sequence[float], split: str = "") -> tuple[Metric, Metric]:
    return (
        Metric(name="latency_p50", value=metrics.percentile(found, 0.5), n=len(found), unit="ms", split=split),
        Metric(name="latency_p95", value=metrics.percentile(found, 0.95), n=len(found), unit="ms", split=split),
    )


def peak_memory() -> Metric:
    """Most memory this process has held."""
    return Metric(
        name="peak_memory", value=float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024), unit="bytes"
    )
