"""What an augmentation will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan
from tools.training import cost

if TYPE_CHECKING:
    from tools.augment.spec import AugmentParameters


def plan(params: "AugmentParameters", inputs: Inputs) -> Plan:
    weights = cost.size_of(inputs.models.get("model"))
    rows = cost.rows_of(inputs, "data", "test", 60)
    rows = min(rows, params.limit or rows)
    if params.kind == "abstain":
        return Plan(
            steps=(
                f"Choose on the development split the confidence above which {params.coverage:.0%} are kept.",
                f"Compare accuracy on the kept part of {rows} test rows with accuracy on all.",
            ),
            seconds=5 + 3 * cost.generation_seconds(weights, rows, 1),
            memory_bytes=cost.inference_memory(weights),
        )
    return Plan(
        steps=(
            f"Ask the endpoint {rows} questions without any help.",
            f"Ask them again with the {params.window} fittest sentences of {params.passages} retrieved passages.",
            "Compare how many facts are right.",
        ),
        seconds=3 + 2 * rows * cost.generation_seconds(weights, 1, params.max_new_tokens),
        memory_bytes=120_000_000 if params.kind == "retrieval" else cost.inference_memory(weights),
    )
