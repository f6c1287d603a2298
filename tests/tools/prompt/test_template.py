import pytest
from pydantic import ValidationError

from tools.contract import DataKind, Dataset
from tools.errors import UserFault
from tools.prompt.spec import PromptParameters
from tools.prompt.template import Item, Prompt, Read, item_of
from tools.prompt.variants import draw, variants

ASK = item_of({"prompt": "2 + 2?", "completion": "4"}, DataKind.TASK)
SOLVED = item_of({"prompt": "1 + 1?", "completion": "2"}, DataKind.TASK)
DATA = Dataset(name="sums", kind=DataKind.TASK, digest="sha256:d", splits={})


def test_a_bare_question_is_asked_as_it_stands() -> None:
    assert Prompt().plain
    assert Prompt().messages(ASK) == [{"role": "user", "content": "2 + 2?"}]


def test_examples_are_earlier_turns_and_the_instruction_heads_the_first() -> None:
    prompt = Prompt(instruction="Add.", shots=1, examples=(SOLVED,), reasoning="chain_of_thought")
    first, solved, asked = prompt.messages(ASK)
    assert first["content"].startswith("Add. Think step by step, then write the final answer behind “Answer:”.")
    assert first["content"].endswith("\n\n1 + 1?")
    assert solved == {"role": "assistant", "content": "Answer: 2"}
    assert asked["content"] == "2 + 2?"


def test_a_system_turn_stays_first_and_the_one_of_an_example_is_left_out() -> None:
    system = {"role": "system", "content": "Be kind."}
    turns = [system, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    item = item_of({"messages": turns}, DataKind.CONVERSATION)
    assert item.wanted == "Hello!"
    roles = [turn["role"] for turn in Prompt(shots=1).messages(item, [item])]
    assert roles == ["system", "user", "assistant", "user"]


def test_labels_are_listed() -> None:
    head = Prompt(labels=("refund", "order")).messages(
        item_of({"text": "My money?", "label": "refund"}, DataKind.LABELLED)
    )
    assert "one of these labels: refund, order." in head[0]["content"]


@pytest.mark.parametrize(
    ("prompt", "answer", "read"),
    [
        (Prompt(), "4", Read("4", True)),
        (Prompt(reasoning="chain_of_thought"), "2 and 2. Answer: 5? No. Answer: 4\n", Read("4", True)),
        (Prompt(reasoning="chain_of_thought"), "2 and 2\nmake 4", Read("make 4", False)),
        (Prompt(reasoning="chain_of_thought"), "", Read("", False)),
        (Prompt(format="json"), 'Sure: {"answer": "4"} there', Read("4", True)),
        (Prompt(format="json"), '{"answer": 4}', Read("4", True)),
        (Prompt(format="json"), '{"answer": {"a": 1}}', Read("", False)),
        (Prompt(format="json"), '{"result": 4}', Read("", False)),
        (Prompt(format="json"), "4", Read("", False)),
        (Prompt(format="json"), '{"answer": "4', Read("", False)),
    ],
)
def test_what_is_scored_of_an_answer(prompt: Prompt, answer: str, read: Read) -> None:
    assert prompt.read(answer) == read


def test_the_digest_is_of_what_is_asked() -> None:
    assert Prompt(instruction="Add.").digest == Prompt(instruction="Add.").digest != Prompt().digest


def test_the_bare_question_is_always_tried_and_nothing_twice() -> None:
    params = PromptParameters(data="sums", shots=(0, 1), selection="fixed,similar", instructions="Add.")
    titles = [prompt.title for prompt in variants(params, DATA, [SOLVED])]
    assert titles == [
        "zero-shot", "zero-shot, “Add.”", "one-shot, “Add.”", "one-shot, similar examples, “Add.”",
    ]  # fmt: skip


def test_too_many_prompts_at_once() -> None:
    params = PromptParameters(data="sums", shots=tuple(range(8)), reasoning="none,chain_of_thought", format="text,json")
    with pytest.raises(UserFault, match="make 64 prompts, and at most 24"):
        variants(params, DATA, [SOLVED] * 8)


def test_examples_are_balanced_over_labels_and_more_include_fewer() -> None:
    items = [Item(turns=ASK.turns, wanted=wanted) for wanted in ("a",) * 9 + ("b", "c")]
    drawn = draw(items, 5, balanced=True, seed=7)
    assert sorted(item.wanted for item in drawn[:3]) == ["a", "b", "c"]
    assert draw(items, 3, balanced=True, seed=7) == drawn[:3]


@pytest.mark.parametrize(
    ("field", "value"),
    [("shots", ()), ("shots", (-1,)), ("shots", (65,)), ("instructions", ()), ("instructions", ("x" * 8001,)),
     ("selection", "nearest"), ("reasoning", ""), ("format", ()), ("reasoning_tokens", 0)],
)  # fmt: skip
def test_absurd_parameters(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        PromptParameters.model_validate({"data": "sums", field: value})
