"""What trying prompts will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan
from tools.training import cost

if TYPE_CHECKING:
    from tools.prompt.spec import PromptParameters


def plan(params: "PromptParameters", inputs: Inputs) -> Plan:
    weights = cost.size_of(inputs.models.get("model"))
    rows = min(params.limit, cost.rows_of(inputs, "data", "dev", params.limit))
    tried = ", ".join(str(n) for n in params.shots)
    ways = len(params.instructions) * len(params.reasoning) * len(params.format)
    count = sum(ways * (len(params.selection) if shots else 1) for shots in params.shots)
    plain = 0 in params.shots and "" in params.instructions and "none" in params.reasoning and "text" in params.format
    count += not plain  # the bare question is always tried
    thinks = any(way != "none" for way in params.reasoning)
    tokens = params.max_new_tokens + (params.reasoning_tokens if thinks else 0)
    similar = "similar" in params.selection
    seconds = 2 + count * cost.generation_seconds(weights, rows, tokens) + (20 if similar else 0)
    steps = [
        f"Draw examples from the training split for prompts with {tried} examples"
        + (", also those most similar to each question." if similar else "."),
        f"Answer {rows} development rows with each of {count} prompts and compare the answers with what is wanted.",
        "Write down the best prompt, with its version.",
    ]
    if params.test:
        questions = cost.rows_of(inputs, "data", "test", rows)
        seconds += 2 * cost.generation_seconds(weights, questions, tokens)
        steps.append(f"If it is not the bare question, measure it and the bare question once on {questions} test rows.")
    return Plan(steps=tuple(steps), seconds=seconds, memory_bytes=cost.inference_memory(weights))
