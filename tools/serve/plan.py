"""What serving will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, ModelKind, Plan
from tools.training import cost

if TYPE_CHECKING:
    from tools.serve.spec import ServeParameters


def plan(params: "ServeParameters", inputs: Inputs) -> Plan:
    model = inputs.models.get("model")
    weights = cost.size_of(model)
    generates = model is None or model.kind is ModelKind.CAUSAL
    where = f"port {params.port}" if params.port else "a free port"
    return Plan(
        steps=(
            f"Load {params.model} and answer on 127.0.0.1, {where}.",
            f"Smoke-test it over HTTP: health, {params.requests} requests{', one answer as a stream' * generates}.",
            "Keep answering until it is stopped.",
        ),
        seconds=6.0 + params.requests * cost.generation_seconds(weights, 1, params.max_new_tokens if generates else 1),
        memory_bytes=cost.inference_memory(weights),
    )
