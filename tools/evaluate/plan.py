"""What an evaluation will do, and what it needs."""

from pathlib import Path
from typing import TYPE_CHECKING

from tools.contract import DataKind, Inputs, ModelKind, Part, Plan
from tools.errors import UserFault
from tools.training import cost

if TYPE_CHECKING:
    from tools.evaluate.spec import EvaluateParameters

_NEW_TOKENS = {
    DataKind.TASK: 32,
    DataKind.CONVERSATION: 64,
    DataKind.CHECKLIST: 64,
    DataKind.FACTS: 32,
    DataKind.TAGGED: 0,
}


def new_tokens(params: "EvaluateParameters", kind: DataKind) -> int:
    """Longest answer in tokens: a reply is longer than a line of fields."""
    return params.max_new_tokens or _NEW_TOKENS.get(kind, 32)


def plan(params: "EvaluateParameters", inputs: Inputs) -> Plan:
    model, other = inputs.models.get("model"), inputs.models.get("compare_to")
    if model is not None and other is not None and model.digest == other.digest:
        raise UserFault(f"compare_to={params.compare_to} is the model that is measured; name another one, or none.")
    if params.tasks:
        return _by_tasks(params, inputs)
    data = inputs.data.get("data")
    finds = model is not None and model.kind is ModelKind.ENCODER and data is not None and data.kind is DataKind.TASK
    return _by_search(params, inputs) if finds else _by_data(params, inputs)


def _by_tasks(params: "EvaluateParameters", inputs: Inputs) -> Plan:
    weights, models = cost.size_of(inputs.models.get("model")), 2 if params.compare_to else 1
    items = len(params.tasks) * (params.limit or 400)
    names = ", ".join(Path(path).name for path in params.tasks)
    steps = [f"Measure {params.model} by {names} as lm-eval does."]
    if params.compare_to:
        steps.append(f"Measure {params.compare_to} by the same tasks and compare them item by item.")
    return Plan(
        steps=tuple(steps),
        seconds=3 + models * cost.generation_seconds(weights, items, 32, params.batch),
        memory_bytes=cost.inference_memory(weights * models),
    )


def _by_search(params: "EvaluateParameters", inputs: Inputs) -> Plan:
    """An encoder looks for the text of every question."""
    model, other = inputs.models.get("model"), inputs.models.get("compare_to")
    weights = cost.size_of(model)
    rows = cost.rows_of(inputs, "data", params.split, 400)
    rows = min(rows, params.limit or rows)
    tokens = rows * cost.PAIR * cost.tokens_a_row(inputs.data.get("data"))
    reading = cost.reading_seconds(weights, round(tokens))
    searching = [named for named in (model, other) if named is not None]
    steps = [f"Look for the text of each of {rows} questions of {params.data} ({params.split}) with {params.model}."]
    if params.compare_to:
        steps.append(f"Look for them with {params.compare_to}, too, and compare the two question by question.")
    steps.append(f"Draw {params.resamples:,} bootstrap resamples for the intervals.")
    return Plan(
        steps=tuple(steps),
        seconds=4 + len(searching) * reading,
        memory_bytes=cost.inference_memory(weights * len(searching)),
        parts=tuple(Part(step=f"{named.name} searches", seconds=reading) for named in searching),
    )


def _by_data(params: "EvaluateParameters", inputs: Inputs) -> Plan:
    model, other = inputs.models.get("model"), inputs.models.get("compare_to")
    weights, data = cost.size_of(inputs.models.get("model")), inputs.data.get("data")
    rows = cost.rows_of(inputs, "data", params.split, 400)
    rows = min(rows, params.limit or rows)
    models = 2 if params.compare_to else 1
    kind = data.kind if data is not None else DataKind.TASK
    answering = cost.generation_seconds(weights, rows, new_tokens(params, kind), params.batch)
    one_by_one = cost.generation_seconds(weights, 1, new_tokens(params, kind)) * params.latency_items
    behind = f" behind the prompt {params.prompt}" if params.prompt else ""
    steps = [f"Answer {rows} items of {params.data} ({params.split}) with {params.model}{behind}."]
    if params.compare_to:
        steps.append(f"Answer the same items with {params.compare_to} and compare them pairwise.")
    if params.judge or params.judge_url:
        steps.append(f"Let {params.judge or 'a chat model'} judge whose answers are better, item by item.")
    steps.append(f"Draw {params.resamples:,} bootstrap resamples for the intervals.")
    return Plan(
        steps=tuple(steps),
        seconds=3 + models * answering + one_by_one,
        memory_bytes=cost.inference_memory(weights * models),
        parts=tuple(
            part
            for named in (model, other)
            if named is not None
            for part in (
                Part(step=f"{named.name} answers", seconds=answering),
                Part(step="measuring latency", seconds=one_by_one if named is model else 0.0),
            )
        ),
    )
