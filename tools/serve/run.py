"""Serving: the model behind an endpoint on the loopback address, smoke-tested, kept until the job is cancelled.

The endpoint lives in the job's own process and ends with it. transformers' own `serve` was tried: it takes seconds
more to start and answers malformed requests with "Internal Server Error".
"""

import threading
from collections.abc import Callable
from typing import Any

from pydantic import JsonValue
from starlette.applications import Starlette

from tools.contract import Candidate, DataKind, Dataset, JobContext, Metric, ModelKind, Result
from tools.data.checks import asked
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import metrics, tagging
from tools.serve import smoke
from tools.serve.spec import ServeParameters
from tools.serve.web import answering

_PAUSE = 0.2  # seconds between two looks for a request to stop
_SAMPLES = 5
_BUILT_IN = (
    "Hello, what can you do for me?",
    "Where is my order?",
    "How do I change my password?",
    "Can I send this back?",
)
_WANTED = ("completion", "label", "answer", "chosen")

Asked = Callable[[str, list[str], Callable[[int], None]], smoke.Answers]  # base URL, prompts, progress


def run(params: ServeParameters, context: JobContext) -> Result:
    model = context.inputs.models["model"]
    data = context.inputs.data.get("data")
    if model.kind is ModelKind.ENCODER and data is not None and data.kind in (DataKind.LABELLED, DataKind.TAGGED):
        raise UserFault(
            f"{model.name} gives vectors, and the answers of {data.name} are labels; finetune it on {data.name} first,"
            " or leave data out to serve the vectors."
        )
    rows = _rows(params, data)
    context.progress(f"loading {model.name}", 0, 1)
    app, ask = _application(params, model, rows)
    context.stop_if_cancelled()

    def told(done: int) -> None:
        context.stop_if_cancelled()
        context.progress("smoke test", done, params.requests)

    with answering(app, params.port) as url:
        prompts = [rows[number % len(rows)] for number in range(params.requests)]
        answers = ask(url, [str(row["asked"]) for row in prompts], told)
        context.progress("smoke test", params.requests, params.requests)
        result = _result(params, model, url, prompts, answers)
        context.ready(result)
        while not context.cancelled:
            threading.Event().wait(_PAUSE)
    return result.model_copy(
        update={"summary": f"{model.name} answered at {url} until it was stopped.", "endpoint": None}
    )


def _rows(params: ServeParameters, data: Dataset | None) -> list[dict[str, Any]]:
    """{"asked", "expected"} of each prompt the smoke test sends."""
    if data is None:
        return [{"asked": prompt, "expected": ""} for prompt in _BUILT_IN]
    if "dev" not in data.splits:
        raise UserFault(f"{data.name} has no dev split to take prompts from; name other data or none.")
    rows = rows_of(data.splits["dev"])[: params.requests]
    if not rows:
        raise UserFault(f"The dev split of {data.name} is empty; name other data or none.")
    return [{"asked": asked(row, data.kind), "expected": _expected(row)} for row in rows]


def _expected(row: dict[str, Any]) -> str:
    if "tags" in row:
        return tagging.shown(row["tokens"], row["tags"])
    return str(next((row[name] for name in _WANTED if name in row), ""))


def _application(params: ServeParameters, model: Candidate, rows: list[dict[str, Any]]) -> tuple[Starlette, Asked]:
    """The endpoint of a model, and how to ask it."""
    if model.kind is ModelKind.CAUSAL:
        return _chat(params, model)
    if model.kind is ModelKind.CLASSIFIER:
        return _classify(params, model)
    if model.kind is ModelKind.TAGGER:
        return _tag(params, model)
    if model.kind is ModelKind.ENCODER:
        return _embed(model, rows)
    raise UserFault(
        f"{model.name} is of kind {model.kind}, which has nothing to answer with; serve the model it judges."
    )


def _chat(params: ServeParameters, model: Candidate) -> tuple[Starlette, Asked]:
    from tools.serve.chat import chat_application
    from tools.training import models
    from tools.training.streaming import ChatModel

    def ask(url: str, prompts: list[str], told: Callable[[int], None]) -> smoke.Answers:
        return smoke.ask_chat(url, prompts, model.name, params.max_new_tokens, told)

    return chat_application(ChatModel(*models.load_causal(model)), model), ask


def _classify(params: ServeParameters, model: Candidate) -> tuple[Starlette, Asked]:
    from tools.serve.classify import classify_application
    from tools.training.classify import load_predictor

    def ask(url: str, prompts: list[str], told: Callable[[int], None]) -> smoke.Answers:
        return smoke.ask_classify(url, prompts, model.name, told)

    return classify_application(load_predictor(model), model, params.threshold), ask


def _tag(params: ServeParameters, model: Candidate) -> tuple[Starlette, Asked]:
    from tools.serve.tag import tag_application
    from tools.training.tagger import load_word_predictor

    def ask(url: str, prompts: list[str], told: Callable[[int], None]) -> smoke.Answers:
        return smoke.ask_tag(url, prompts, model.name, told)

    return tag_application(load_word_predictor(model), model), ask


def _embed(model: Candidate, rows: list[dict[str, Any]]) -> tuple[Starlette, Asked]:
    from tools.serve.embed import embed_application
    from tools.training.embedding import load_embedder

    texts = list(dict.fromkeys(row["expected"] for row in rows if row["expected"]))

    def ask(url: str, prompts: list[str], told: Callable[[int], None]) -> smoke.Answers:
        return smoke.ask_embed(url, prompts, texts, model.name, told)

    return embed_application(load_embedder(model), model), ask


_PATHS = {
    ModelKind.CAUSAL: "/v1/chat/completions",
    ModelKind.CLASSIFIER: "/v1/classify",
    ModelKind.TAGGER: "/v1/tag",
    ModelKind.ENCODER: "/v1/embeddings",
}


def _result(
    params: ServeParameters, model: Candidate, url: str, prompts: list[dict[str, Any]], answers: smoke.Answers
) -> Result:
    from tools.training import measure

    slow = metrics.percentile(answers.milliseconds, 0.95)
    found = [
        *measure.latency_metrics(answers.milliseconds),
        measure.peak_memory(),
        Metric(name="size", value=float(model.bytes), unit="bytes"),
    ]
    if answers.tokens:
        rate = 1000 * answers.tokens / sum(answers.milliseconds)
        found.append(Metric(name="throughput", value=rate, n=answers.tokens, unit="tokens/s"))
        found.append(Metric(name="first_token", value=answers.first_token, n=1, unit="ms"))
    count = len(answers.milliseconds)
    streamed = " and one as a stream" if answers.tokens else ""
    return Result(
        summary=f"{model.name} answers at {url}: {count} requests answered, 95 % of them within {slow:.0f} ms.",
        metrics=tuple(found),
        endpoint=url,
        facts={
            "smoke": f"{count} of {params.requests} requests answered{streamed}",
            "paths": ["/health", "/v1/models", _PATHS[model.kind]],
            "samples": _samples(prompts, answers),
        },
    )


def _samples(prompts: list[dict[str, Any]], answers: smoke.Answers) -> list[JsonValue]:
    samples: list[JsonValue] = []
    for row, text in list(zip(prompts, answers.texts, strict=True))[:_SAMPLES]:
        sample: dict[str, JsonValue] = {"prompt": row["asked"], "answer": text}
        samples.append(sample | {"expected": row["expected"]} if row["expected"] else sample)
    return samples
