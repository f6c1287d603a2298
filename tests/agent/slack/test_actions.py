"""What buttons carry survives the way through Slack; what is typed in a modal is never another command."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.graph.grammar import decision, parse
from agent.graph.intents import Context, Intent
from agent.slack import actions
from agent.slack.actions import Origin, Passage, Press, Vote, pressed, submitted
from agent.slack.model import Place
from knowledge.model import Citation

INJECTIONS = [
    each["text"] for each in json.loads((Path(__file__).parent / "injections.json").read_text(encoding="utf-8"))
]
REJECT = Press(say="reject 31", seen="sha256:abc", project="p-1")


def sent(callback: str, origin: Origin, **typed: str | None) -> actions.Submission:
    values = {f"{name}_field": {f"{name}_field": {"type": "plain_text_input", "value": typed[name]}} for name in typed}
    return submitted({"callback_id": callback, "private_metadata": origin.metadata(), "state": {"values": values}})


def cited(quote: str, **more: str) -> Citation:
    given = {"scope": "guides", "source": "lora.md", "title": "LoRA", "heading": "LoRA › Merging", **more}
    return Citation(**given, quote=quote, start=0, end=len(quote), best_start=0, best_end=len(quote))


def test_a_press_is_the_same_behind_a_button() -> None:
    action = {"type": "button", "action_id": "say:approve:31", "value": REJECT.value()}
    assert pressed(action) == REJECT


@pytest.mark.parametrize("action_id", ["reason:31", "passage:1", "saying", "", "feedback", None, 7])
def test_other_actions_say_nothing(action_id: object) -> None:
    assert pressed({"action_id": action_id, "value": REJECT.value()}) is None  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "{}", "[]", "null", "approve 31", "{" * 3000, json.dumps({"say": "x" * 801})),
        *('{"say": ""}', '{"say": 7}', '{"say": "a\\nb"}', '{"say":"a","x":1}'),
        *('{"say":"a","seen":"<!channel>"}', '{"say":"a","project":"a b"}'),
    ],
)
def test_what_is_no_press_is_none(value: str | None) -> None:
    assert Press.parse(value) is None


@given(st.text(min_size=1, max_size=800).filter(lambda text: text.isprintable()))
def test_every_press_fits_a_button(words: str) -> None:
    press = Press(say=words, seen="s" * 120, project="p" * 120)
    assert len(press.value()) <= 2000
    assert Press.parse(press.value()) == press


def test_a_vote_tells_good_from_bad() -> None:
    assert Vote.parse(Vote(turn="Ev1", good=False).value()) == Vote(turn="Ev1", good=False)
    assert Vote.parse(REJECT.value()) is None


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5000),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.integers(400, 2000),
)
def test_every_passage_fits_a_button(quote: str, title: str, room: int) -> None:
    passage = Passage.of(cited(quote, title=title[:30]), 1, room)
    assert len(passage.value()) <= max(room, 400 + 6 * 30)
    assert Passage.parse(passage.value()) == passage
    assert quote.startswith(passage.quote)
    assert passage.whole == (passage.quote == quote)


def test_a_short_passage_is_whole() -> None:
    assert Passage.of(cited("Merging adds no latency."), 2).whole


def test_a_long_passage_is_cut_where_the_value_ends() -> None:
    passage = Passage.of(cited("word " * 1000), 2)
    assert 1500 < len(passage.value()) <= 2000
    assert not passage.whole


def test_a_reason_makes_the_command_complete() -> None:
    place = Place(team="T1", channel="C1", thread_ts="17.1")
    found = sent(
        "reason", Origin(press=REJECT, place=place, thread="slack:T1:C1:17.1"), reason="the target\nis too low"
    )
    assert found.press == REJECT.model_copy(update={"say": "reject 31 because the target is too low"})
    assert found.origin.place == place
    reading = decision(found.press.say)
    assert reading is not None
    assert reading.arguments == {"number": 31, "reason": "the target is too low"}


@pytest.mark.parametrize(
    "typed", [*INJECTIONS, "approve 31", "x\napprove 31", "because\n\nconfirm 3", "31", "y" * 4000]
)
def test_a_reason_is_never_another_command(typed: str) -> None:
    found = sent("reason", Origin(press=REJECT), reason=typed)
    if found.press is None:
        assert set(found.faults) == {"reason_field"}
        return
    assert len(found.press.say) <= 600
    reading = decision(found.press.say)
    assert reading is not None
    assert (reading.intent, reading.arguments["number"]) == (Intent.REJECT, 31)


@pytest.mark.parametrize("typed", [None, "", "  \n ", "\u200b", "...", "!!"])
def test_a_reason_has_to_be_given(typed: str | None) -> None:
    found = sent("reason", Origin(press=REJECT), reason=typed)
    assert found.press is None
    assert found.faults == {"reason_field": "Say in a few words why."}


def test_a_modal_that_lost_its_button_says_so() -> None:
    found = sent("reason", Origin(), reason="too slow")
    assert found.press is None
    assert "press the button again" in found.faults["reason_field"]


@pytest.mark.parametrize("described", ["", "Routes tickets: fast, name=x description=y", *INJECTIONS])
def test_a_new_project_is_created_under_its_name_whatever_the_description(described: str) -> None:
    found = sent("new_project", Origin(), name=" support-desk ", description=described)
    assert found.press is not None
    reading = parse(found.press.say, Context())
    assert reading is not None
    assert reading.intent is Intent.CREATE_PROJECT
    assert reading.arguments["name"] == "support-desk"


@pytest.mark.parametrize("name", [None, "", "two words", "für", "-x", "a\nb", "with", "<!channel>", "x" * 61, "../etc"])
def test_a_bad_name_is_said_at_its_field(name: str | None) -> None:
    found = sent("new_project", Origin(), name=name, description="x")
    assert found.press is None
    assert set(found.faults) == {"name_field"}


@pytest.mark.parametrize(
    "view", [{}, {"callback_id": "reason"}, {"callback_id": "reason", "state": []}, {"state": None}]
)
def test_a_malformed_view_is_no_command(view: dict[str, object]) -> None:
    assert submitted({**view, "private_metadata": "{]"}).press is None  # type: ignore[dict-item]


def test_a_modal_that_asks_nothing_means_nothing() -> None:
    found = sent("passage", Origin())
    assert (found.press, found.faults) == (None, {})
