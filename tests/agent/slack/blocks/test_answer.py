"""An answer's messages: its sources, what can be pressed, and who sees it."""

from typing import Any

import pytest

from agent.graph.replies import Choice, Reply
from agent.slack.actions import Passage, Press, Vote
from agent.slack.blocks.answer import messages, sources
from agent.slack.model import Message
from tests.agent.slack.blocks.checks import check_message, values
from tests.agent.slack.blocks.states import cited, delivery


def presses(message: Message) -> dict[str, Press | None]:
    return {b["text"]["text"]: Press.parse(b.get("value")) for b in values(message.body.blocks, "button")}


def kinds(message: Message) -> list[Any]:
    return [block["type"] for block in message.body.blocks]


def test_a_cited_answer_names_its_sources_and_shows_each_passage() -> None:
    citations = (cited(), cited("Ranks of 8 to 64 are common.", heading="", title="Ranks"))
    (message,) = messages(delivery(), Reply(text="It adds no latency [1].", citations=citations))
    check_message(message.body)
    assert message.key == "reply:Ev1:0"
    assert kinds(message) == ["markdown", "context", "actions", "context_actions"]
    assert sources(citations) == "Sources: [1] LoRA › Merging · [2] Ranks"
    shown = [Passage.parse(b["value"]) for b in values(message.body.blocks, "button")]
    assert [each.quote for each in shown if each] == ["LoRA adds no latency.", "Ranks of 8 to 64 are common."]


def test_votes_carry_the_turn() -> None:
    (message,) = messages(delivery(id="Ev77"), Reply(text="Yes."))
    (element,) = values(message.body.blocks, "feedback_buttons")
    assert Vote.parse(element["positive_button"]["value"]) == Vote(turn="Ev77", good=True)
    assert Vote.parse(element["negative_button"]["value"]) == Vote(turn="Ev77", good=False)


def test_a_proposal_has_two_answers() -> None:
    (message,) = messages(delivery(), Reply(text="**Proposal 4: fine-tune**", kind="proposal", proposal=4))
    said = presses(message)
    assert said == {"Do it": Press(say="confirm 4"), "Leave it": Press(say="no")}
    assert [b.get("style") for b in values(message.body.blocks, "button")] == ["primary", None]


def test_what_stands_below_a_chinese_answer_is_chinese() -> None:
    spoken = {"language": "zh"}
    (message,) = messages(delivery(), Reply(text="LoRA 不增加延迟 [1]。", citations=(cited(),), data=spoken))
    check_message(message.body)
    assert list(presses(message)) == ["段落 1"]
    assert "来源：[1] LoRA › Merging" in str(message.body.blocks)
    (proposed,) = messages(delivery(), Reply(text="**提议 4：微调**", kind="proposal", proposal=4, data=spoken))
    assert presses(proposed) == {"执行": Press(say="confirm 4"), "不做": Press(say="no")}


def test_choices_are_picked_by_number() -> None:
    choices = tuple(Choice(number=number, label=f"reading {number}") for number in (1, 2))
    (message,) = messages(delivery(), Reply(text="Which?", kind="choices", choices=choices))
    assert presses(message) == {"1 reading 1": Press(say="1"), "2 reading 2": Press(say="2")}


@pytest.mark.parametrize(
    ("way", "kind", "private"),
    [
        ("button", "refused", True), ("modal", "refused", True), ("button", "done", False), ("button", "error", False),
        ("mention", "refused", False), ("direct", "refused", False), ("command", "answer", True),
        ("command", "done", True),
    ],
)  # fmt: skip
def test_refusals_of_buttons_and_answers_to_commands_are_for_the_person_alone(
    way: Any, kind: Any, private: bool
) -> None:
    for message in messages(delivery(way), Reply(text="No.", kind=kind)):
        assert message.ephemeral_for == ("ana" if private else None)
        assert "context_actions" not in kinds(message) or not private


@pytest.mark.parametrize(
    ("way", "channel", "told"), [("command", "C1", True), ("command", "D1", False), ("mention", "C1", False)]
)
def test_who_binds_a_channel_is_told_so(way: Any, channel: str, told: bool) -> None:
    asked = delivery(way)
    asked = asked.model_copy(update={"place": asked.place.model_copy(update={"channel": channel})})
    (message,) = messages(asked, Reply(text="**desk** is at 1.", data={"bound": "p-1"}))
    check_message(message.body)
    assert ("This channel is about it" in str(message.body.blocks)) == told


def test_a_long_cited_answer_puts_its_sources_into_the_last_message() -> None:
    citations = tuple(cited("word " * 700, heading=f"LoRA › {n}") for n in range(12))
    found = messages(delivery(), Reply(text="word " * 6000, citations=citations))
    for message in found:
        check_message(message.body)
    assert [message.key for message in found] == [f"reply:Ev1:{number}" for number in range(len(found))]
    assert [any(b["type"] == "context" for b in m.body.blocks) for m in found] == [False] * (len(found) - 1) + [True]


def test_the_same_answer_is_the_same_message() -> None:
    reply = Reply(text="x", citations=(cited(),), choices=(Choice(number=1, label="a"),))
    assert messages(delivery(), reply) == messages(delivery(), reply)


def test_what_others_may_not_see_is_shown_to_the_person_only() -> None:
    reply = Reply(text="The price is 12.", citations=(cited(),), data={"private": True})
    assert [message.ephemeral_for for message in messages(delivery(way="button"), reply)] == [delivery().actor]
    assert messages(delivery(way="button"), Reply(text="The price is 12."))[0].ephemeral_for is None
