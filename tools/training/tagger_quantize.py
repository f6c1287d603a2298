"""A tagger in 8 bits: smaller, and as good as it was."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools.contract import Candidate, Comparison, Dataset, JobContext, Metric, Result
from tools.errors import UserFault
from tools.training.classify_quantize import TIMED, narrowed, sizes
from tools.training.tagger_answers import answer, differences, latency, quality
from tools.training.tagger_model import Tagger, load_tagger, save_tagger
from tools.training.tagger_rows import TaggedRow, read_rows

if TYPE_CHECKING:
    from tools.quantize.spec import QuantizeParameters


def quantize_tagged(
    context: JobContext, params: "QuantizeParameters", model: Candidate, data: Dataset | None
) -> Result:
    """Store the encoder in 8 bits, load it again, and compare size, speed and entity F1 on the development split."""
    before = load_tagger(model)
    if before.head.quantization != "none":
        raise UserFault(f"{model.name} is in 8 bits already; quantize the model it was made from.")
    rows = read_rows(data, "dev", params.limit) if data is not None else []
    context.progress("storing in 8 bits", 0, 1)
    narrow = Tagger(before.encoder, before.linear, before.head.model_copy(update={"quantization": params.activations}))
    name = params.name or f"{model.name}-int8"
    facts: dict[str, JsonValue] = {"activations": params.activations, "weights": "int8, one scale a row"}
    kept = {**facts, "kinds": model.facts.get("kinds")}
    candidate = save_tagger(context, narrow, name=name, method="int8", parent=model, facts=kept)
    context.progress("storing in 8 bits", 1, 1)
    metrics = sizes(model, candidate)
    comparison = None
    if rows:
        comparison, found = _parity(context, before, load_tagger(candidate), model, rows, params.seed)
        metrics += found
    return narrowed(context, params, model, candidate, comparison, metrics, facts, "entity F1")


def _parity(
    context: JobContext, before: Tagger, after: Tagger, model: Candidate, rows: list[TaggedRow], seed: int
) -> tuple[Comparison, list[Metric]]:
    wide = answer(context, f"tagging with {model.name}", before, rows)
    narrow = answer(context, "tagging in 8 bits", after, rows)
    main, *_ = quality(narrow, "dev", seed=seed)
    slow = [metric.model_copy(update={"name": f"{metric.name}_before"}) for metric in latency(before, rows[:TIMED])]
    metrics = [
        main,
        Metric(name="entity_f1_before", value=wide.f1, n=len(rows), split="dev"),
        *latency(after, rows[:TIMED]),
        *slow,
    ]
    return differences(narrow, wide, model, "dev", seed=seed)[0], metrics
