"""Questions as people type them: about the project from its state, about anything else looked up."""

import pytest

from agent.graph.rule_model import call_for
from agent.graph.understand import is_question, understand
from agent.lifecycle.events import RemoveDocument
from tests.agent.graph.conftest import Say
from tests.agent.graph.desk import MemoryDesk
from tests.agent.graph.test_understand import CONTEXT


def asked(text: str) -> tuple[str, object]:
    call = call_for(understand(text, CONTEXT), text)
    return call.name, call.arguments.get("query")


# Written after the examples were, and none of them is one.
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("wats the stage now", "where"),
        ("what still blocks the gate?", "gate"),
        ("关卡现在卡在什么地方", "gate"),
        ("newest score pls", "latest"),
        ("最新一次的得分", "latest"),
        ("best f1 we got?", "best"),
        ("when did ben approve the second stage?", "approvals"),
        ("is some approval still waiting", "approvals"),
        ("还有没有在等的审批？", "approvals"),
        ("how many jobs did we run last month?", "jobs"),
        ("这个月跑了多少任务？", "jobs"),
        ("how long did the quantization take?", "spent"),
        ("why did we return to assess", "decisions"),
        ("which model is it that we use", "models"),
        ("round 1 against round 2", "compare"),
    ],
)
def test_a_question_about_the_project_goes_to_its_state(text: str, query: str) -> None:
    assert asked(text) == ("show_status", query)


@pytest.mark.parametrize(
    "text",
    [
        "when should we quantize",
        "what temperature should I use",
        "which metric for summarisation?",
        "program-aided reasoning?",
        "precision vs recall",
        "what is the SWE-bench score of Claude",
        "who won the cup in 2022",
        "who is our CEO",
        "量化会不会影响质量",
        "如何估算训练显存",
        "食堂几点开门",
        "我们公司的年假有几天",
        "wat is lroa",
    ],
)
def test_a_question_about_anything_else_is_looked_up(text: str) -> None:
    assert asked(text)[0] == "look_up"


@pytest.mark.parametrize("text", ["测试集有多大", "会不会太慢", "有没有等待的审批", "要不要对齐", "几点开始"])
def test_chinese_questions_request_nothing(text: str) -> None:
    assert is_question(text)
    assert not understand(text, CONTEXT).effect


def test_what_is_known_is_told_rather_than_a_choice_offered(say: Say) -> None:
    reply = say("is lora worth it for a tiny team?")
    assert reply.citations and reply.kind == "answer" and not reply.choices


def test_what_is_not_known_is_said_with_whom_to_ask_and_what_else_was_meant(desk: MemoryDesk, say: Say) -> None:
    reply = say("who leads this?", actor="bob", project="support-desk")
    assert reply.data["abstained"] is True
    assert "I don't know." in reply.text and "I searched the guides." in reply.text
    assert "ana, who owns support-desk, may know." in reply.text
    assert reply.choices and reply.kind == "choices"
    assert "as of" in say("1", actor="bob").text


def test_a_question_about_the_world_is_looked_up_and_offers_nothing_of_the_project(say: Say) -> None:
    reply = say("who is the boss of this?", actor="bob", project="support-desk")
    assert reply.data["abstained"] is True and not reply.choices


def test_an_owner_is_not_sent_to_themselves(say: Say) -> None:
    assert "may know" not in say("who sells bread around here?").text


def test_words_that_are_no_question_are_not_answered_with_i_do_not_know(say: Say) -> None:
    assert "did not understand" in say("florb wuzzle grmpf").text


@pytest.mark.parametrize(
    "text",
    [
        "delete document opening-hours.md",
        "please get the document opening-hours.md out of what you know",
        "删除文档 opening-hours.md",
        "把 opening-hours.md 从知识库里移走，删掉",
    ],
)
def test_a_document_is_taken_out_after_a_yes(desk: MemoryDesk, say: Say, text: str) -> None:
    assert say(text).kind == "proposal"
    say("yes")
    assert desk.submitted[-1] == ("ana", RemoveDocument(name="opening-hours.md"))


def test_a_document_that_is_not_there_is_asked_for(desk: MemoryDesk, say: Say) -> None:
    assert "opening-hours.md" in say("remove document ghost.md").text
    assert desk.submitted == []
