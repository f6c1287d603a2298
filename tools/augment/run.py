"""Measuring what retrieval adds: the served model is asked for facts without and with passages."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import JsonValue

from tools.augment import window
from tools.augment.plan import require_facts
from tools.augment.spec import AugmentParameters
from tools.contract import Artefact, Candidate, DataKind, JobContext, Metric, ModelKind, Result
from tools.errors import Transient, UserFault
from tools.evaluate import bootstrap, metrics
from tools.evaluate.bootstrap import Interval
from tools.training import plots

_TIMEOUT = 60.0  # seconds for one answer
_SAMPLES = 5

Ask = Callable[[str], str]


@dataclass(frozen=True)
class Item:
    """A question with its right answer and the texts retrieved for it, best first."""

    question: str
    answer: str
    passages: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Answers to all items in one way of asking."""

    answers: tuple[str, ...]
    right: tuple[float, ...]
    milliseconds: tuple[float, ...]


def run(params: AugmentParameters, context: JobContext) -> Result:
    model, data = context.inputs.models["model"], context.inputs.data["data"]
    if data.kind is DataKind.TAGGED:
        from tools.training.tagger import calibrate_tagging

        return calibrate_tagging(context, params, model, data)
    if model.kind is ModelKind.ENCODER and data.kind is not DataKind.LABELLED:
        from tools.training.embedding import calibrate_finding

        return calibrate_finding(context, params, model, data)
    if params.kind == "abstain" or data.kind is DataKind.LABELLED:
        from tools.training.classify import calibrate_abstention

        return calibrate_abstention(context, params, model, data)
    require_facts(context.inputs)
    if context.inputs.endpoint is None:
        raise UserFault("No endpoint is running; `serve` the model first.")
    items = read_items(context, params)
    notes = [window.fittest(item.question, item.passages, params.window) for item in items]
    with httpx.Client(base_url=context.inputs.endpoint, timeout=_TIMEOUT) as client:
        ask = _ask(client, model, params.max_new_tokens)
        without = _answers(context, "without retrieval", items, [item.question for item in items], ask)
        prompts = [window.prompt(item.question, found) for item, found in zip(items, notes, strict=True)]
        helped = _answers(context, "with retrieval", items, prompts, ask)
    return _result(params, context, model, items, notes, without, helped)


def read_items(context: JobContext, params: AugmentParameters) -> list[Item]:
    """Questions with the passages that were retrieved for them before the job began."""
    file = context.inputs.files.get("passages")
    if file is None or not Path(file.path).is_file():
        raise UserFault("No passages were retrieved for this job; add documents to the project and start it again.")
    rows = [json.loads(line) for line in Path(file.path).read_text(encoding="utf-8").splitlines() if line]
    if not any(row["passages"] for row in rows):
        raise UserFault("Nothing was found in the project's documents for any question; add the documents first.")
    return [
        Item(
            question=row["question"],
            answer=row["answer"],
            passages=tuple(found["text"] for found in row["passages"][: params.passages]),
            sources=tuple(found["source"] for found in row["passages"][: params.passages]),
        )
        for row in rows[: params.limit]
    ]


def _ask(client: httpx.Client, model: Candidate, max_new_tokens: int) -> Ask:
    def ask(prompt: str) -> str:
        try:
            reply = client.post(
                "/v1/chat/completions",
                json={
                    "model": model.name,
                    "messages": [{"role": "user", "content": prompt}],
                    "max_tokens": max_new_tokens,
                    "temperature": 0,
                },
            )
            reply.raise_for_status()
        except httpx.HTTPError as error:
            raise Transient(
                f"The endpoint at {client.base_url} does not answer ({error}); serve the model again."
            ) from error
        return str(reply.json()["choices"][0]["message"]["content"] or "")

    return ask


def _answers(context: JobContext, how: str, items: Sequence[Item], prompts: Sequence[str], ask: Ask) -> Outcome:
    answers, times = [], []
    for done, prompt in enumerate(prompts, start=1):
        context.stop_if_cancelled()
        began = time.perf_counter()
        answers.append(ask(prompt).strip())
        times.append(1000 * (time.perf_counter() - began))
        if done % 10 == 0 or done == len(prompts):
            context.progress(f"asking {how}", done, len(prompts))
    right = [metrics.contains(answer, item.answer) for answer, item in zip(answers, items, strict=True)]
    return Outcome(tuple(answers), tuple(right), tuple(times))


def _result(
    params: AugmentParameters,
    context: JobContext,
    model: Candidate,
    items: list[Item],
    notes: list[list[str]],
    without: Outcome,
    helped: Outcome,
) -> Result:
    seed = params.seed
    before, after = bootstrap.mean(without.right, seed=seed), bootstrap.mean(helped.right, seed=seed)
    effect = bootstrap.difference(helped.right, without.right, seed=seed)
    found = bootstrap.mean(
        [metrics.contains(" ".join(read), item.answer) for item, read in zip(items, notes, strict=True)], seed=seed
    )
    bars = [
        ("without retrieval", before.value, before.low, before.high),
        ("with retrieval", after.value, after.low, after.high),
        ("stands in what was retrieved", found.value, found.low, found.high),
    ]
    title = f"Right facts of {model.name} on {len(items)} questions"
    return Result(
        summary=(
            f"With retrieval {model.name} gets {after.value:.2f} of {len(items)} facts right,"
            f" without {before.value:.2f}: a difference of {effect.value:+.2f} [{effect.low:+.2f}, {effect.high:+.2f}]."
        ),
        metrics=(
            _metric("right_facts", after),
            _metric("right_facts_without", before),
            _metric("retrieved_facts", found),
            Metric(name="latency_p50", value=metrics.percentile(helped.milliseconds, 0.5), n=len(items), unit="ms"),
            Metric(name="latency_p95", value=metrics.percentile(helped.milliseconds, 0.95), n=len(items), unit="ms"),
        ),
        comparisons=(effect.against(model, "right_facts", "test", named=f"{model.name} without retrieval"),),
        artefacts=(
            _predictions(context, items, notes, without, helped),
            plots.intervals(context, "right facts", title, bars, "share of questions, with 95 % interval"),
        ),
        split="test",
        facts={"samples": _samples(items, notes, without, helped), "passages": params.passages},
    )


def _metric(name: str, found: Interval) -> Metric:
    return Metric(name=name, value=found.value, low=found.low, high=found.high, n=found.n, split="test")


def _predictions(
    context: JobContext, items: list[Item], notes: list[list[str]], without: Outcome, helped: Outcome
) -> Artefact:
    path = context.folder / "predictions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for index, item in enumerate(items):
            entry: dict[str, Any] = {"question": item.question, "wanted": item.answer, "notes": notes[index]}
            entry |= {"sources": item.sources, "without": without.answers[index], "with": helped.answers[index]}
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return context.artefact("predictions", "predictions", path)


def _samples(items: list[Item], notes: list[list[str]], without: Outcome, helped: Outcome) -> list[JsonValue]:
    return [
        {
            "prompt": window.prompt(item.question, notes[i]),
            "wanted": item.answer,
            "without": without.answers[i],
            "answer": helped.answers[i],
            "right": helped.right[i] == 1.0,
        }
        for i, item in enumerate(items[:_SAMPLES])
    ]
