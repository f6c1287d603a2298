"""Understanding without a model: how often it is right on noisy sentences, and what it may never do."""

import json
from importlib import resources

import pytest

from agent.graph import classify
from agent.graph.intents import MEANINGS, Context, Intent, call_of, describe
from agent.graph.toolset import capabilities
from agent.graph.understand import is_question, unclear, understand
from tests.agent.graph.utterances import APPROVING, FRESH, LAST, UTTERANCES
from tools.registry import TOOLS

CONTEXT = Context(
    projects=("support-desk", "faq"),
    project="support-desk",
    models=("tiny", "tickets-lora", "tickets-lora-int8"),
    datasets=("tickets", "corpus", "preferences", "facts", "safety"),
    jobs=("j12", "j17"),
    tools={name: tuple(tool.parameters.model_fields) for name, tool in TOOLS.items()},
    requirements=("latency", "parity"),
    approval=31,
)


@pytest.mark.parametrize(
    ("utterances", "top1", "top3"), [(UTTERANCES, 0.90, 0.95), (FRESH, 0.90, 0.95), (LAST, 0.85, 0.92)]
)
def test_noisy_sentences_are_mostly_understood(utterances: tuple, top1: float, top3: float) -> None:
    found = [(understand(text, CONTEXT), wanted) for text, wanted, _ in utterances]
    first = sum(u.intent == wanted for u, wanted in found) / len(found)
    among = sum(wanted in [a.intent for a in u.alternatives] for u, wanted in found) / len(found)
    assert first >= top1, f"top-1 {first:.3f}"
    assert among >= top3, f"top-3 {among:.3f}"


def test_few_sentences_are_taken_silently_for_something_else() -> None:
    every = [*UTTERANCES, *FRESH, *LAST]
    wrong = [text for text, wanted, _ in every if (u := understand(text, CONTEXT)).intent != wanted and not unclear(u)]
    assert len(wrong) / len(every) <= 0.08, wrong


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("serve the embedding model", Intent.SERVE),
        ("deploy the retriever behind an api", Intent.SERVE),
        ("put the encoder online", Intent.SERVE),
        ("quantize the retrieval model", Intent.QUANTIZE),
        ("make the embedding smaller", Intent.QUANTIZE),
        ("部署检索模型", Intent.SERVE),
        ("把嵌入模型量化成 int8", Intent.QUANTIZE),
        ("量化检索模型", Intent.QUANTIZE),
        ("add retrieval over our docs", Intent.AUGMENT),
        ("加上检索", Intent.AUGMENT),
    ],
)
def test_a_model_that_finds_texts_is_not_taken_for_the_retrieval_around_one(text: str, intent: Intent) -> None:
    assert understand(text, CONTEXT).intent is intent


def test_what_a_sentence_mentions_is_found() -> None:
    missed = [
        (text, name, understand(text, CONTEXT).arguments.get(name))
        for text, wanted, arguments in (*UTTERANCES, *FRESH, *LAST)
        if understand(text, CONTEXT).intent == wanted
        for name, value in arguments.items()
        if understand(text, CONTEXT).arguments.get(name) != value
    ]
    assert missed == []


@pytest.mark.parametrize(
    "text", ["compare PPO with GRPO", "a reward model vs a judge", "compare int8 and pruning", "LoRA 和 QLoRA 比较"]
)
def test_methods_are_explained_where_there_are_no_models_to_compare(text: str) -> None:
    assert understand(text, Context()).intent is Intent.ASK_KNOWLEDGE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("create project customer service bot", "customer-service-bot"),
        ("create project called 'My bot' now", "My-bot"),
        ("create project helpdesk for our team", "helpdesk"),
        ("create project for me", None),
        ("帮我创建一个叫 faq 的项目", "faq"),
        ('register data /tmp/a.csv as "our tickets"', "our-tickets"),
    ],
)
def test_a_name_of_several_words_is_kept_whole(text: str, name: str | None) -> None:
    assert understand(text, Context()).arguments.get("name") == name


def test_choices_and_readings_show_no_empty_arguments() -> None:
    for text in ("the model", "tickets", "set the target to 0.8 and the metric to accuracy"):
        found = understand(text, Context())
        assert "{" not in found.shown() + "".join(map(describe, found.alternatives))
    assert "target=0.8 metric=accuracy" in found.shown()
    assert understand("asdf").shown() == "not understood"


@pytest.mark.parametrize("text", [t for t in APPROVING if t not in ("yes", "confirm 31")])
def test_no_approving_words_are_an_approval(text: str) -> None:
    found = understand(text, CONTEXT)
    assert found.intent not in (Intent.APPROVE, Intent.REJECT)
    assert Intent.APPROVE not in [reading.intent for reading in found.alternatives]


@pytest.mark.parametrize("text", ["approve 31", "/approve 31", "Approve #31.", "批准 31", "批准31"])
def test_the_exact_command_is_an_approval(text: str) -> None:
    found = understand(text, CONTEXT)
    assert (found.intent, found.arguments, found.exact) == (Intent.APPROVE, {"number": 31}, True)


@pytest.mark.parametrize(
    "text",
    [
        "no thanks, don't launch",
        "please don't fine-tune on tickets",
        "do not advance yet",
        "let's not quantize",
        "先别上线",
    ],
)
def test_a_refusal_is_never_a_request(text: str) -> None:
    assert not any(reading.effect and reading.confidence > 0 for reading in understand(text, CONTEXT).alternatives)


@pytest.mark.parametrize(
    "text",
    [
        "what happens if I quantize?",
        "should we fine-tune on tickets?",
        "how do I serve the model",
        "为什么要对齐？",
        "is it time to launch?",
    ],
)
def test_a_question_is_never_a_request(text: str) -> None:
    assert is_question(text)
    assert not understand(text, CONTEXT).effect


@pytest.mark.parametrize("text", ["can you fine-tune on tickets?", "could you please evaluate tickets-lora on tickets"])
def test_a_polite_question_is_a_request(text: str) -> None:
    assert understand(text, CONTEXT).effect


@pytest.mark.parametrize(
    "text", ["", " \n\t ", "\x00\x1b[31m", "🙂🙃", '{"a": [1, 2]}', "x" * 100_000, "=" * 500, "((((", "؟"]
)
def test_rubbish_is_not_understood_and_raises_nothing(text: str) -> None:
    found = understand(text, CONTEXT)
    assert not found.effect or unclear(found)
    assert len(found.alternatives) <= 3


def test_nothing_is_needed_to_understand() -> None:
    assert understand("where are we").intent is Intent.WHERE
    assert understand("please evaluate the model on the test set").intent is Intent.EVALUATE


def test_only_parameters_of_the_tool_are_found() -> None:
    found = understand("please quantize tickets-lora to int8, 3 epochs", CONTEXT)
    assert found.intent is Intent.QUANTIZE
    assert set(found.arguments) == {"model", "method"}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("please compare the candidate models in /srv/models", {"folder": "/srv/models"}),
        ("compare the candidate models in /models", {"folder": "/models"}),
        ("look in ~/models and compare candidate models.", {"folder": "~/models"}),
        ("compare the candidate models Qwen/Qwen3-0.6B and a/b on the hub", {"hub": "Qwen/Qwen3-0.6B,a/b"}),
        ("帮我比较 /srv/models 里的候选模型", {"folder": "/srv/models"}),
    ],
)
def test_where_candidates_lie_is_found(text: str, places: dict[str, str]) -> None:
    found = understand(text)
    assert (found.intent, found.arguments) == (Intent.CANDIDATES, places)


def test_names_are_taken_as_they_stand_where_none_is_known() -> None:
    found = understand("please evaluate tiny on tickets for me, only 50 rows")
    assert found.arguments == {"model": "tiny", "data": "tickets", "limit": "50"}
    assert "data" not in understand("please evaluate it on the test set").arguments


def test_a_slip_in_a_name_is_seen_through() -> None:
    assert understand("please fine-tune on tikets for 2 epochs", CONTEXT).arguments["data"] == "tickets"
    assert "data" not in understand("please fine-tune on emails for 2 epochs", CONTEXT).arguments


def test_readings_are_shown_for_people() -> None:
    shown = understand("could you train it for 3 epochs on tickets", CONTEXT).shown()
    assert "finetune" in shown
    assert "epochs=3" in shown


def test_the_tests_sentences_are_no_examples() -> None:
    examples = json.loads(resources.files("agent.graph").joinpath("examples.json").read_text(encoding="utf-8"))
    known = {text.lower().strip(" ?!.") for texts in examples.values() for text in texts}
    assert not known & {text.lower().strip(" ?!.") for text, _, _ in (*UTTERANCES, *FRESH, *LAST)}


def test_examples_predict_each_other() -> None:
    assert classify.bundled().left_out() >= 0.7


def test_every_example_names_an_intent_and_every_intent_can_be_carried_out() -> None:
    known = capabilities(TOOLS)
    for label in classify.bundled().labels:
        assert Intent(label) in MEANINGS
    for intent in MEANINGS:
        call = call_of(intent, {})
        assert call is not None
        assert call[0] in known
