"""An encoder that finds texts in 8 bits: smaller, and as good as it was."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools.contract import Candidate, Comparison, DataKind, Dataset, JobContext, Metric, Result
from tools.errors import UserFault
from tools.training.classify_quantize import TIMED, narrowed, sizes
from tools.training.embedding_finetune import save_encoder
from tools.training.embedding_rows import Pairs, read_pairs, require_choice
from tools.training.embedding_search import difference, latency, quality, search
from tools.training.encoder import Encoder, load_encoder

if TYPE_CHECKING:
    from tools.quantize.spec import QuantizeParameters


def quantize_pairs(
    context: JobContext, params: "QuantizeParameters", model: Candidate, data: Dataset | None, metric: str
) -> Result:
    """Store the encoder in 8 bits, load it again, and compare size, speed and `metric` on the development split."""
    before = load_encoder(model)
    if before.quantization != "none":
        raise UserFault(f"{model.name} is in 8 bits already; quantize the model it was made from.")
    pairs = _pairs(params, data)
    context.progress("storing in 8 bits", 0, 1)
    name = params.name or f"{model.name}-int8"
    facts: dict[str, JsonValue] = {"activations": params.activations, "weights": "int8, one scale a row"}
    candidate = save_encoder(
        context, before, name=name, method="int8", parent=model, facts=facts, quantization=params.activations
    )
    context.progress("storing in 8 bits", 1, 1)
    metrics = sizes(model, candidate)
    comparison = None
    if pairs is not None:
        comparison, found = _parity(context, before, load_encoder(candidate), model, pairs, metric, params.seed)
        metrics += found
    return narrowed(context, params, model, candidate, comparison, metrics, facts, metric)


def _pairs(params: "QuantizeParameters", data: Dataset | None) -> Pairs | None:
    """Development pairs to compare on; none where no data was named."""
    if data is None:
        return None
    if data.kind is not DataKind.TASK:
        raise UserFault(
            f"{data.name} is {data.kind} data, and parity of an encoder is checked on task data: questions and the"
            " texts that answer them. Name such data, or fine-tune the encoder on this data and quantize what comes"
            " of it."
        )
    pairs = read_pairs(data, "dev", params.limit)
    require_choice(pairs, "dev", data.name)
    return pairs


def _parity(
    context: JobContext, before: Encoder, after: Encoder, model: Candidate, pairs: Pairs, metric: str, seed: int
) -> tuple[Comparison, list[Metric]]:
    wide = search(context, f"{model.name} searches", before, pairs)
    narrow = search(context, "searching in 8 bits", after, pairs)
    earlier = quality(wide, "dev", [metric], seed=seed)[0].model_copy(update={"name": f"{metric}_before"})
    same = sum(one == other for one, other in zip(narrow.first, wide.first, strict=True)) / len(pairs)
    timed = min(TIMED, len(pairs))
    slow = [each.model_copy(update={"name": f"{each.name}_before"}) for each in latency(before, wide, timed, "dev")]
    metrics = [
        *quality(narrow, "dev", [metric], seed=seed),
        earlier,
        Metric(name="same_text", value=same, n=len(pairs), split="dev"),
        *latency(after, narrow, timed, "dev"),
        *slow,
    ]
    return difference(narrow, wide, metric, model, "dev", seed=seed), metrics
