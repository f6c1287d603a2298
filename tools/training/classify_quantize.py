"""A classifier in 8 bits: smaller, and as good as it was."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools.contract import Candidate, Comparison, Dataset, JobContext, Metric, Result
from tools.errors import UserFault
from tools.training.classify_answers import classify, difference, latency
from tools.training.classify_model import Classifier, load_classifier, save_classifier
from tools.training.classify_rows import LabelledRow, read_rows

if TYPE_CHECKING:
    from tools.quantize.spec import QuantizeParameters

TIMED = 20  # texts answered one by one before and after


def quantize_labelled(
    context: JobContext, params: "QuantizeParameters", model: Candidate, data: Dataset | None
) -> Result:
    """Store the encoder in 8 bits, load it again, and compare size, speed and accuracy on the development split."""
    before = load_classifier(model)
    if before.head.quantization != "none":
        raise UserFault(f"{model.name} is in 8 bits already; quantize the model it was made from.")
    context.progress("storing in 8 bits", 0, 1)
    narrow = Classifier(
        before.encoder, before.linear, before.head.model_copy(update={"quantization": params.activations})
    )
    name = params.name or f"{model.name}-int8"
    facts: dict[str, JsonValue] = {"activations": params.activations, "weights": "int8, one scale a row"}
    candidate = save_classifier(context, narrow, name=name, method="int8", parent=model, facts=facts)
    context.progress("storing in 8 bits", 1, 1)
    after = load_classifier(candidate)
    metrics = sizes(model, candidate)
    rows = read_rows(data, "dev", params.limit) if data is not None else []
    comparison = None
    if rows:
        metrics += _speeds(before, after, rows)
        comparison, accuracies = _parity(context, before, after, model, rows, params.seed)
        metrics += accuracies
    return narrowed(context, params, model, candidate, comparison, metrics, facts, "accuracy")


def sizes(model: Candidate, candidate: Candidate) -> list[Metric]:
    return [
        Metric(name="size", value=float(candidate.bytes), unit="bytes"),
        Metric(name="size_before", value=float(model.bytes), unit="bytes"),
    ]


def narrowed(
    context: JobContext,
    params: "QuantizeParameters",
    model: Candidate,
    candidate: Candidate,
    comparison: Comparison | None,
    metrics: list[Metric],
    facts: dict[str, JsonValue],
    score: str,
) -> Result:
    """What storing an encoder with a head in 8 bits came to; `comparison` is of its `score`, where it was measured."""
    return Result(
        summary=_summary(model, candidate, comparison, params.margin, score),
        metrics=tuple(metrics),
        comparisons=(comparison,) if comparison else (),
        artefacts=(context.artefact("model", "model", context.folder / "model"),),
        candidate=candidate,
        split="dev" if comparison else "",
        facts={**facts, "parity": None if comparison is None else comparison.low >= -params.margin},
    )


def _speeds(before: Classifier, after: Classifier, rows: list[LabelledRow]) -> list[Metric]:
    wide = [metric.model_copy(update={"name": f"{metric.name}_before"}) for metric in latency(before, rows[:TIMED])]
    return [*latency(after, rows[:TIMED]), *wide]


def _parity(
    context: JobContext, before: Classifier, after: Classifier, model: Candidate, rows: list[LabelledRow], seed: int
) -> tuple[Comparison, list[Metric]]:
    wide = classify(context, f"classifying with {model.name}", before, rows)
    narrow = classify(context, "classifying in 8 bits", after, rows)
    metrics = [
        Metric(name="accuracy", value=narrow.accuracy, n=len(rows), split="dev"),
        Metric(name="accuracy_before", value=wide.accuracy, n=len(rows), split="dev"),
        Metric(name="same_label", value=float((narrow.predicted == wide.predicted).mean()), n=len(rows), split="dev"),
    ]
    return difference(narrow, wide, model, "dev", seed), metrics


def _summary(model: Candidate, candidate: Candidate, comparison: Comparison | None, margin: float, score: str) -> str:
    said = f"{candidate.name} takes {candidate.bytes / 1e6:.1f} MB instead of {model.bytes / 1e6:.1f} MB"
    if comparison is None:
        return said + "; parity was not checked."
    held = "at parity" if comparison.low >= -margin else "not at parity"
    change = f"{comparison.value:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"
    return f"{said}, {score} {change} on {comparison.n} development rows: {held} within {margin:g}."
