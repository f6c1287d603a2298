"""Quantization: linear layers stored as int8 with one scale a row, loaded again and compared with the original.

The folder is written and read by transformers (`TorchAoConfig`), so everything that serves or evaluates a model takes
it. Embeddings stay as they are: they are often tied to the output layer, which loses most by rounding.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torchao.quantization import Int8DynamicActivationInt8WeightConfig, Int8WeightOnlyConfig
from transformers import AutoModelForCausalLM, TorchAoConfig

from tools.contract import Artefact, Candidate, Comparison, DataKind, Dataset, JobContext, Metric, ModelKind, Result
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import bootstrap, metrics
from tools.evaluate.spec import RETRIEVAL_METRICS
from tools.models import require_kind, require_no_prefix
from tools.quantize.plan import NEW_TOKENS
from tools.quantize.spec import QuantizeParameters
from tools.report import snapshot
from tools.training import generation, measure, models, plots
from tools.training.measure import Answered, Row

_TIMED = 8  # rows answered one by one before and after
_SCHEMES: dict[str, Any] = {"float": Int8WeightOnlyConfig, "dynamic": Int8DynamicActivationInt8WeightConfig}


@dataclass(frozen=True)
class Measured:
    """What a model did on the development rows."""

    answered: Answered
    perplexity: float
    latency: float  # milliseconds an answer, the middle one


def run(params: QuantizeParameters, context: JobContext) -> Result:
    model, data = context.inputs.models["model"], context.inputs.data.get("data")
    if model.kind is ModelKind.TAGGER:
        from tools.training.tagger import quantize_tagged

        return quantize_tagged(context, params, model, data)
    if model.kind is ModelKind.ENCODER:
        from tools.training.embedding import quantize_pairs

        return quantize_pairs(context, params, model, data, _metric(context))
    if model.kind is ModelKind.CLASSIFIER:
        from tools.training.classify import quantize_labelled

        return quantize_labelled(context, params, model, data)
    rows = _rows(params, data)
    folder = _check(model)
    before = _measure(context, model, rows) if rows else None
    context.stop_if_cancelled()
    context.progress("storing in 8 bits", 0, 1)
    candidate = _quantize(params, context, model, folder)
    context.progress("storing in 8 bits", 1, 1)
    after = _measure(context, candidate, rows) if rows else None
    found = [
        Metric(name="size", value=float(candidate.bytes), unit="bytes"),
        Metric(name="size_before", value=float(model.bytes), unit="bytes"),
    ]
    comparison = None
    if before and after:
        comparison = _compare(params, model, before, after)
        found += _metrics(params, "", after) + _metrics(params, "_before", before)
    found.append(measure.peak_memory())
    return Result(
        summary=_summary(params, model, candidate, comparison),
        metrics=tuple(found),
        comparisons=(comparison,) if comparison else (),
        artefacts=(
            context.artefact("model", "model", Path(candidate.path)),
            _picture(context, model, candidate, found),
        ),
        candidate=candidate,
        split="dev" if rows else "",
        facts={**candidate.facts, "parity": None if comparison is None else comparison.low >= -params.margin},
    )


def _metric(context: JobContext) -> str:
    """The charter's, where it is measured of what finds texts."""
    held = context.inputs.files.get("snapshot")
    charter = snapshot.read(Path(held.path)).project.charter.metric if held is not None else None
    return charter if charter is not None and charter in RETRIEVAL_METRICS else RETRIEVAL_METRICS[0]


def _rows(params: QuantizeParameters, data: Dataset | None) -> list[Row]:
    """Development rows to compare on; none where no data was named."""
    if data is None:
        return []
    if data.kind is not DataKind.TASK:
        raise UserFault(
            f"{data.name} is {data.kind} data, and parity of a model that generates is checked on task data"
            " (prompt, completion)."
        )
    if "dev" not in data.splits:
        raise UserFault(f"{data.name} has no dev split to check parity on; register it with one, or leave data out.")
    return rows_of(data.splits["dev"])[: params.limit]


def _check(model: Candidate) -> Path:
    """The model's folder; a sentence where it is in 8 bits already."""
    require_kind(model, ModelKind.CAUSAL, tool="Quantizing")
    require_no_prefix(model, "quantizing")
    folder = models.check_folder(model)
    if "quantization_config" in json.loads((folder / "config.json").read_text(encoding="utf-8")):
        raise UserFault(f"{model.name} is quantized already; quantize {model.parent or 'the model it was made from'}.")
    return folder


def _quantize(params: QuantizeParameters, context: JobContext, model: Candidate, folder: Path) -> Candidate:
    config = TorchAoConfig(_SCHEMES[params.activations]())
    try:
        small = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, quantization_config=config, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserFault(f"{folder} cannot be stored in 8 bits: {error}") from error
    return models.save_candidate(
        context,
        small,
        models.load_tokenizer(folder),
        name=params.name or f"{model.name}-int8",
        method="int8",
        parent=model,
        facts={"weights": "int8, one scale a row; embeddings as before", "activations": params.activations},
    )


def _measure(context: JobContext, candidate: Candidate, rows: list[Row]) -> Measured:
    model, tokenizer = models.load_causal(candidate)

    def told(done: int) -> None:
        context.stop_if_cancelled()
        context.progress(f"{candidate.name} answers", done, len(rows))

    answered = measure.answer_rows(model, tokenizer, rows, DataKind.TASK, NEW_TOKENS, on_batch=told)
    pairs = [(generation.user(row["prompt"]), row["completion"]) for row in rows]
    surprise = metrics.perplexity(generation.reference_losses(model, tokenizer, pairs))
    context.progress(f"measuring the latency of {candidate.name}", 0, 1)
    times = measure.latencies(model, tokenizer, rows, _TIMED, NEW_TOKENS)
    return Measured(answered, surprise, metrics.percentile(times, 0.5))


def _metrics(params: QuantizeParameters, suffix: str, found: Measured) -> list[Metric]:
    interval = bootstrap.mean(found.answered.passes, seed=params.seed)
    return [
        Metric(
            name=f"exact_match{suffix}",
            value=interval.value,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            split="dev",
        ),
        Metric(name=f"perplexity{suffix}", value=found.perplexity, n=interval.n, split="dev"),
        Metric(name=f"latency_p50{suffix}", value=found.latency, n=min(_TIMED, interval.n), unit="ms", split="dev"),
    ]


def _compare(params: QuantizeParameters, model: Candidate, before: Measured, after: Measured) -> Comparison:
    change = bootstrap.difference(after.answered.passes, before.answered.passes, seed=params.seed)
    return change.against(model, "exact_match", "dev")


def _picture(context: JobContext, model: Candidate, candidate: Candidate, found: list[Metric]) -> Artefact:
    """Each number after quantization as a share of what it was before."""
    by_name = {metric.name: metric.value for metric in found}
    bars = [
        (label, by_name[name] / by_name[f"{name}_before"], None, None)
        for label, name in (("size", "size"), ("perplexity", "perplexity"), ("latency", "latency_p50"))
        if by_name.get(f"{name}_before")
    ]
    bars += (
        [("exact match", by_name["exact_match"] / before, None, None)]
        if (before := by_name.get("exact_match_before"))
        else []
    )
    title = f"{candidate.name} beside {model.name}"
    return plots.intervals(context, "before and after", title, bars, f"share of {model.name}'s", span=None, line=1.0)


def _summary(params: QuantizeParameters, model: Candidate, candidate: Candidate, comparison: Comparison | None) -> str:
    sizes = f"{candidate.name} takes {candidate.bytes / 1e6:.2f} MB instead of {model.bytes / 1e6:.2f} MB"
    if comparison is None:
        return f"{sizes}; parity was not checked."
    held = "at parity" if comparison.low >= -params.margin else "not at parity"
    change = f"{comparison.value:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"
    return f"{sizes}; exact match {change} on {comparison.n} development rows: {held} within {params.margin:g}."
