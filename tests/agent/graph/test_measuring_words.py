"""What a sentence says about prompts, measurements and comparisons, in English and Chinese."""

import pytest

from agent.graph.intents import TOOL_OF, Context
from agent.graph.understand import unclear, understand
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


BESIDE = (
    "measure tickets-lora on tickets, compared to tiny",
    "evaluate tickets-lora on tickets compared with tiny",
    "evaluate tickets-lora on tickets, compared to tiny.",
    "Evaluate tickets-lora on tickets against tiny please",
    "test tickets-lora on tickets vs. tiny",
    "compared to tiny, measure tickets-lora on tickets",
    "please score tickets-lora on tickets in comparison with tiny",
    "measure tickets-lora on tickets relative to tiny",
    "measure how tickets-lora does on tickets compared with tiny",
    "can you evaluate tickets-lora on tickets and compare it to tiny?",
    "evaluate tickets-lora on tickets with tiny as the baseline",
    "run an evaluation of tickets-lora on tickets versus tiny",
    "measure tickets-lora on tickets, compared to tinny",
    "在 tickets 上评估 tickets-lora，与 tiny 对比",
    "在 tickets 上测量 tickets-lora，并和 tiny 比较",
    "在tickets上测量tickets-lora，与tiny相比",
    "用 tickets 测一下 tickets-lora，跟 tiny 比",
    "评估 tickets-lora，数据 tickets，相比 tiny",
    "评估 tickets-lora，数据 tickets，对比 tiny。",
    "与 tiny 相比，测量 tickets-lora 在 tickets 上的表现",
    "以 tiny 为基线评估 tickets-lora，数据 tickets",
)


@pytest.mark.parametrize("line", BESIDE)
def test_a_model_is_measured_beside_another(line: str) -> None:
    found = understand(line, CONTEXT)
    assert (found.intent, found.arguments) == (
        "evaluate",
        {"model": "tickets-lora", "data": "tickets", "compare_to": "tiny"},
    )
    assert not unclear(found)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("measure tickets-lora compared to its parent", {"model": "tickets-lora", "compare_to": "parent"}),
        ("和父模型对比，评估 tickets-lora", {"model": "tickets-lora", "compare_to": "parent"}),
        ("evaluate tiny on tickets split=dev, compare_to=tickets-lora",
         {"model": "tiny", "data": "tickets", "split": "dev", "compare_to": "tickets-lora"}),
        ("measure tiny on tickets against tickets-lora limit=20",
         {"model": "tiny", "data": "tickets", "compare_to": "tickets-lora", "limit": "20"}),
        ("measure tiny on tickets (dev) compared to qwen-0.6b",
         {"model": "tiny", "data": "tickets", "split": "dev", "compare_to": "qwen-0.6b"}),
        ("evaluate tiny on tickets against the charter", {"model": "tiny", "data": "tickets"}),
    ],
)  # fmt: skip
def test_what_it_is_measured_beside_is_kept(line: str, wanted: dict[str, str]) -> None:
    found = understand(line, CONTEXT)
    assert (found.intent, found.arguments) == ("evaluate", wanted)


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("is tickets-lora better than tiny on tickets?", "compare"),
        ("how did tickets-lora do on tickets compared with tiny?", "compare"),
        ("compare tickets-lora with tiny", "compare"),
        ("tiny 和 tickets-lora 比哪个好", "compare"),
        ("don't measure tickets-lora against tiny", "no"),
    ],
)
def test_what_was_measured_of_two_models_is_told(line: str, intent: str) -> None:
    found = understand(line, CONTEXT)
    assert found.intent == intent and not found.effect


@pytest.mark.parametrize(
    "line", ["先别评估 tickets-lora，也不用与 tiny 对比", "please do not evaluate tiny against tickets-lora"]
)
def test_what_is_not_to_be_measured_is_not(line: str) -> None:
    assert not understand(line, CONTEXT).effect


def test_without_a_project_names_are_as_they_stand() -> None:
    assert understand("measure one-model on rows, compared to other", Context()).arguments == {
        "model": "one-model",
        "data": "rows",
        "compare_to": "other",
    }
    assert "compare_to" not in understand("measure tiny on rows, it was better than before", Context()).arguments
