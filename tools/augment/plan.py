"""What an augmentation will do, and what it needs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.contract import DataKind, Inputs, ModelKind, Plan
from tools.errors import UserFault
from tools.training import cost

if TYPE_CHECKING:
    from tools.augment.spec import AugmentParameters

_RIGHT = {DataKind.TAGGED: "the share of texts tagged right as a whole", DataKind.TASK: "recall@1"}
_DECIDED = (DataKind.LABELLED, DataKind.TAGGED)  # on what decisions can be left to people, whatever was asked


def plan(params: "AugmentParameters", inputs: Inputs) -> Plan:
    """Raises `UserFault` for what would fail once it runs."""
    rows = cost.rows_of(inputs, "data", "test", 60)
    rows = min(rows, params.limit or rows)
    if not retrieves(params, inputs):
        return _of_abstaining(params, inputs, rows)
    require_facts(inputs)
    weights = cost.size_of(inputs.models.get("model"))
    return Plan(
        steps=(
            f"Ask the endpoint {rows} questions without any help.",
            f"Ask them again with the {params.window} fittest sentences of {params.passages} retrieved passages.",
            "Compare how many facts are right.",
        ),
        seconds=3 + 2 * rows * cost.generation_seconds(weights, 1, params.max_new_tokens),
        memory_bytes=120_000_000,
    )


def retrieves(params: "AugmentParameters", inputs: Inputs) -> bool:
    """Whether the served model is asked with and without passages; decisions are left to people otherwise."""
    data, model = inputs.data.get("data"), inputs.models.get("model")
    encodes = model is not None and model.kind.encodes
    return not (params.kind == "abstain" or encodes or (data is not None and data.kind in _DECIDED))


def require_facts(inputs: Inputs) -> None:
    """Raises `UserFault` where retrieval would be measured on other data."""
    data = inputs.data.get("data")
    if data is not None and data.kind is not DataKind.FACTS:
        raise UserFault(f"Retrieval is measured on facts (question, answer), and {data.name} is {data.kind} data.")


def _of_abstaining(params: "AugmentParameters", inputs: Inputs, rows: int) -> Plan:
    """A classifier decides on a text, a tagger on all its words at once; an encoder alone by what it reads first."""
    model, data = inputs.models.get("model"), inputs.data.get("data")
    finds = data is not None and data.kind is DataKind.TASK
    frozen = model is not None and model.kind is ModelKind.ENCODER and not finds
    first = cost.rows_of(inputs, "data", "train", 0) if frozen else 0
    read = (first + cost.rows_of(inputs, "data", "dev", 0) + rows) * (cost.PAIR if finds else 1)
    weights = cost.size_of(model)
    return Plan(
        steps=tuple(_abstaining(params, first, rows, data.kind if data is not None else DataKind.LABELLED)),
        seconds=5 + cost.reading_seconds(weights, round(read * cost.tokens_a_row(data))),
        memory_bytes=cost.inference_memory(weights),
    )


def _abstaining(params: "AugmentParameters", first: int, rows: int, kind: DataKind) -> Iterator[str]:
    """`first`: training rows to be read before."""
    if first:
        yield f"Read {first} training rows: {params.model} has no head, and decides by the nearest of their centroids."
    yield f"Choose on the development split the confidence above which {params.coverage:.0%} are kept."
    right = _RIGHT.get(kind, "accuracy")
    yield f"Compare {right} on the kept part of {rows} test rows with that on all."
