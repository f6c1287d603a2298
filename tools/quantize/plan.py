"""What quantization will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Candidate, Inputs, ModelKind, Plan
from tools.errors import UserFault
from tools.models import is_quantized, require_no_prefix
from tools.training import cost

if TYPE_CHECKING:
    from tools.quantize.spec import QuantizeParameters

NEW_TOKENS = 32  # longest answer of the parity check
_COMPARED = {
    ModelKind.CLASSIFIER: "accuracy, labels and latency",
    ModelKind.TAGGER: "entity F1 and latency",
    ModelKind.ENCODER: "recall and latency",
}


def plan(params: "QuantizeParameters", inputs: Inputs) -> Plan:
    """Raises `UserFault` for a model that cannot be quantized, or is already."""
    model = inputs.models.get("model")
    if model is not None:
        require_no_prefix(model, "quantizing")
        _require_unquantized(model)
    weights = cost.size_of(model)
    steps = [f"Store the linear layers of {params.model} in 8 bits and save it as safetensors."]
    seconds = 5.0
    if params.data:
        rows = min(params.limit, cost.rows_of(inputs, "data", "dev", params.limit))
        compared = _COMPARED.get(model.kind) if model is not None else None
        compared = compared or "perplexity, exact match and latency"
        steps.append(f"Reload it and compare {compared} on {rows} development rows with {params.model}.")
        seconds += 2 * _measuring(model, inputs, weights, rows)
    return Plan(steps=tuple(steps), seconds=seconds, memory_bytes=cost.inference_memory(2 * weights))


def _require_unquantized(model: Candidate) -> None:
    if is_quantized(model):
        raise UserFault(f"{model.name} is quantized already; quantize {model.parent or 'the model it was made from'}.")


def _measuring(model: Candidate | None, inputs: Inputs, weights: int, rows: int) -> float:
    if model is not None and model.kind.encodes:
        texts = cost.PAIR if model.kind is ModelKind.ENCODER else 1.0
        return cost.reading_seconds(weights, round(texts * rows * cost.tokens_a_row(inputs.data.get("data"))))
    return cost.generation_seconds(weights, rows, NEW_TOKENS)
