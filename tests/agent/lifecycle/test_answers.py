"""Corrections of answers: who keeps a source decides, or an approver; a pinned answer is found for its question."""

import pytest

from agent.facts import facts
from agent.lifecycle.answers import alike, pinned_for
from agent.lifecycle.events import AddDocument, CorrectAnswer, PinAnswer, RejectCorrection, SetRole
from agent.lifecycle.project import Role
from tests.walk import Walk

QUESTION = "How long does a refund of the Atlas plan take?"


@pytest.fixture
def walk() -> Walk:
    """cai, a member, gave the document that eli, another member, finds wrong."""
    walk = Walk()
    walk.begin()
    walk.ok(SetRole(person="eli", role=Role.MEMBER))
    walk.ok(AddDocument(name="refund.md", path="/kept/refund.md", digest="sha256:1"), actor="cai")
    body = CorrectAnswer(question=QUESTION, said="14 days.", sources=("refund.md",), reason="it is ten days now")
    assert "cai can `pin answer" in walk.ok(body, actor="eli").said
    return walk


def test_the_keeper_of_the_source_pins_and_the_answer_is_found(walk: Walk) -> None:
    number = walk.seq
    assert pinned_for(walk.project, QUESTION) is None
    walk.ok(PinAnswer(number=number, text="Ten days."), actor="cai")
    found = pinned_for(walk.project, "how long does a refund of the atlas plan take")
    assert found is not None
    assert (found.text, found.decided_by, found.by) == ("Ten days.", "cai", "eli")
    assert "Ten days." in facts(walk.project)[f"answer/{number}"]
    assert pinned_for(walk.project, "How long does a refund of the Basic plan and its delivery take?") is None


def test_another_member_decides_nothing_and_is_told_who_can(walk: Walk) -> None:
    number = walk.seq
    for body in (PinAnswer(number=number, text="Nine."), RejectCorrection(number=number, reason="no, no")):
        decision = walk.send(body, actor="eli")
        assert not decision.accepted
        assert "cai, who gave its source" in decision.said and "at least the role approver" in decision.said
    walk.ok(RejectCorrection(number=number, reason="the contract says 14"), actor="ben")
    assert walk.project.corrections[0].outcome == "rejected"
    assert not walk.send(RejectCorrection(number=number, reason="again"), actor="ben").accepted


def test_a_correction_that_is_not_there_is_named_with_those_that_wait(walk: Walk) -> None:
    decision = walk.send(PinAnswer(number=999, text="Nine."), actor="ana")
    assert f"no correction 999 in {walk.project.name} (waiting: {walk.seq - 1})" in decision.said


def test_of_two_answers_for_one_question_the_newer_is_pinned(walk: Walk) -> None:
    first = walk.seq
    walk.ok(PinAnswer(number=first, text="Ten days."), actor="cai")
    walk.ok(CorrectAnswer(question=QUESTION.lower(), reason="it is nine days now"), actor="eli")
    second = walk.seq
    assert walk.project.corrections[-1].keeper is None  # no source of a person: approvers decide
    walk.ok(PinAnswer(number=second, text="Nine days."), actor="ben")
    assert [one.outcome for one in walk.project.corrections] == ["replaced", "pinned"]
    assert f"answer/{first}" not in facts(walk.project)
    found = pinned_for(walk.project, QUESTION)
    assert found is not None and found.text == "Nine days."


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("What is LoRA?", "what is lora", True),
        ("退款要多久？", "退款要多久呢", True),
        ("What is LoRA?", "What is QLoRA?", False),
        ("What is the refund window of Atlas?", "What is the refund window of Basic?", False),
        ("", "", False),
        ("what?", "?", False),
    ],
)
def test_questions_are_the_same_in_nearly_the_same_words(first: str, second: str, same: bool) -> None:
    assert alike(first, second) is same
