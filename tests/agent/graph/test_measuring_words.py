"""What a sentence says about prompts, measurements and comparisons, in English and Chinese."""

import pytest

from agent.graph.intents import TOOL_OF, Context
from agent.graph.understand import understand
from tools.registry import TOOLS

CONTEXT = Context(
    projects=("support-desk",),
    project="support-desk",
    models=("tiny", "tickets-lora"),
    datasets=("tickets", "corpus"),
    jobs=("j12", "j15"),
    tools={name: tuple(tool.parameters.model_fields) for name, tool in TOOLS.items()},
)
SAID = [
    (
        "try prompts with chain of thought and similar examples on tickets",
        "prompt",
        {"reasoning": "chain_of_thought", "selection": "similar", "data": "tickets"},
    ),
    (
        "try prompts on tickets with and without step-by-step thinking",
        "prompt",
        {"reasoning": "none,chain_of_thought", "data": "tickets"},
    ),
    ("试试提示词，用思维链和相似样例", "prompt", {"reasoning": "chain_of_thought", "selection": "similar"}),
    ("try zero and three shots with JSON output", "prompt", {"shots": "0,3", "format": "json"}),
    (
        "test prompts with 0, 1 and 5 examples, fixed and similar examples",
        "prompt",
        {"selection": "fixed,similar", "shots": "0,1,5"},
    ),
    ("few-shot prompting on tickets", "prompt", {"shots": "3", "data": "tickets"}),
    (
        "measure rougeL and exact match of tiny on dev",
        "evaluate",
        {"metrics": "rougeL,exact_match", "model": "tiny", "split": "dev"},
    ),
    ("evaluate tiny on tickets, sliced by language and length", "evaluate", {"slices": "language,length"}),
    ("按语言和长度切分评估 tiny", "evaluate", {"slices": "language,length", "model": "tiny"}),
    ("用准确率和宏平均 F1 评估 tiny", "evaluate", {"metrics": "accuracy,macro_f1", "model": "tiny"}),
    ("evaluate tiny with the task file /tmp/a.yaml", "evaluate", {"tasks": "/tmp/a.yaml", "model": "tiny"}),
    ("put the runs j12 and j15 in one table and plot", "compare_runs", {"runs": "j12,j15"}),
    ("比较 j12 和 j15 这两次运行", "compare_runs", {"runs": "j12,j15"}),
    ("比较运行并画图", "compare_runs", {}),
    ("compare all runs in one plot", "compare_runs", {}),
    ("register hub:org/name as news grouped by customer", "register_data", {"path": "hub:org/name", "name": "news"}),
    ("train a tokenizer of 2000 tokens on corpus and pre-train", "pretrain", {"vocab": "2000", "data": "corpus"}),
]


@pytest.mark.parametrize(("line", "intent", "wanted"), SAID, ids=[line for line, _, _ in SAID])
def test_what_is_said_is_meant(line: str, intent: str, wanted: dict[str, str]) -> None:
    found = understand(line, CONTEXT)
    assert found.intent == intent
    assert {name: found.arguments.get(name) for name in wanted} == wanted
    tool = TOOLS[TOOL_OF[found.intent]]
    needed = {"data": "tickets"} if "data" in tool.datasets else {}
    tool.parameters.model_validate({**needed, **found.arguments})  # it takes what was read


def test_a_plain_request_names_nothing_it_was_not_told() -> None:
    assert understand("try prompts on tickets", CONTEXT).arguments == {"data": "tickets"}
    assert understand("evaluate tiny on tickets", CONTEXT).arguments == {"data": "tickets", "model": "tiny"}
    assert "runs" not in understand("compare the runs", CONTEXT).arguments
