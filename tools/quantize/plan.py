"""What quantization will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan
from tools.training import cost

if TYPE_CHECKING:
    from tools.quantize.spec import QuantizeParameters

NEW_TOKENS = 32  # longest answer of the parity check


def plan(params: "QuantizeParameters", inputs: Inputs) -> Plan:
    weights = cost.size_of(inputs.models.get("model"))
    steps = [f"Store the linear layers of {params.model} in 8 bits and save it as safetensors."]
    seconds = 5.0
    if params.data:
        rows = min(params.limit, cost.rows_of(inputs, "data", "dev", params.limit))
        steps.append(f"Reload it and compare perplexity and answers on {rows} development rows with {params.model}.")
        seconds += 2 * cost.generation_seconds(weights, rows, NEW_TOKENS)
    return Plan(steps=tuple(steps), seconds=seconds, memory_bytes=cost.inference_memory(2 * weights))
