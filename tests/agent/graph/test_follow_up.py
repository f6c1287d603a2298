"""Questions that lean on the one before, completed without a model; requests are never made of them."""

import pytest

from agent.graph.follow_up import complete
from tests.agent.graph.conftest import Say
from tests.agent.graph.desk import MemoryDesk


@pytest.mark.parametrize(
    ("last", "line", "question"),
    [
        ("what is the best score?", "and for the second round?", "what is the best score for the second round?"),
        ("最好成绩是多少？", "那第二轮呢？", "第二轮最好成绩是多少？"),
        ("what is the best score in the first round?", "and in round 2?", "what is the best score in round 2?"),
        ("what is the best score?", "那第二轮呢？", "第二轮，what is the best score?"),
        ("What is LoRA?", "and QLoRA?", "What is QLoRA?"),
        ("什么是LoRA？", "那QLoRA呢？", "什么是QLoRA？"),
        ("What is LoRA?", "what about DPO?", "What is DPO?"),
        ("which jobs failed this week?", "and last week?", "which jobs failed last week?"),
        ("昨天跑了哪些任务？", "那今天呢？", "今天跑了哪些任务？"),
        ("how long is it for the Atlas plan?", "and for the Basic plan?", "how long is it for the Basic plan?"),
        ("What is LoRA?", "why?", "What are the advantages of LoRA?"),
        ("什么是LoRA？", "为什么呢？", "LoRA有什么优点？"),
        ("what is the best score in round 1?", "why?", "Why? what is the best score in round 1?"),
        ("最好成绩是多少？", "为什么呢？", "最好成绩是多少？（为什么？）"),
        ("what is LoRA?", "and how long does it take?", "how long does LoRA take?"),
        ("what is the best score?", "why?", "Why? what is the best score?"),
        ("what is reward hacking?", "how can I avoid it?", None),
        ("what is reward hacking?", "how does one avoid it?", "how does one avoid reward hacking?"),
        ("LoRA是什么？", "那它要多久？", "LoRA要多久？"),
    ],
)
def test_an_elliptical_question_is_completed_from_the_last_one(last: str, line: str, question: str) -> None:
    found = complete(line, last)
    assert (found and found.question) == question
    assert found is None or found.language is None


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("and in Chinese?", "zh"),
        ("那中文呢？", "zh"),
        ("用中文说一遍", "zh"),
        ("in English please", "en"),
        ("那英文呢", "en"),
    ],
)
def test_another_language_asks_the_same_again(line: str, language: str) -> None:
    found = complete(line, "what is the best score?")
    assert found is not None
    assert (found.question, found.language) == ("what is the best score?", language)


@pytest.mark.parametrize(
    "line",
    [
        "what is DPO?",
        "and what is DPO?",
        "yes",
        "2",
        "谢谢",
        "approve 31",
        "thanks a lot",
        "",
        "?",
        "呢",
        "and " + "x" * 90,
    ],
)
def test_what_stands_by_itself_is_left_alone(line: str) -> None:
    assert complete(line, "What is LoRA?") is None


def test_in_a_thread_status_and_knowledge_are_followed_up(say: Say, desk: MemoryDesk) -> None:
    assert "Nothing was measured in round 2" not in say("what is the best score?").text
    assert "Nothing was measured in round 2" in say("and for the second round?").text
    assert "in round 1" in say("and in round 1?").text.lower()
    say("what is LoRA?")
    say("and QLoRA?")
    say("why?")
    assert desk.asked == ["what is LoRA?", "what is QLoRA?", "What are the advantages of QLoRA?"]
    say("and in Chinese?")
    assert desk.asked[-1] == "QLoRA有什么优点？"


def test_what_is_known_in_one_language_only_is_told_in_that(say: Say, desk: MemoryDesk) -> None:
    say("explain what reward hacking is")
    asked = desk.asked[-1]
    reply = say("and in Chinese?")
    assert len(desk.asked) == 3 and desk.asked[-1] == asked
    assert reply.data["abstained"] is True


def test_after_something_else_or_in_another_project_nothing_is_followed_up(say: Say, desk: MemoryDesk) -> None:
    say("what is LoRA?")
    say("next")
    say("and QLoRA?")
    assert "what is QLoRA?" not in desk.asked
    say("what is LoRA?")
    say("create project other")
    say("yes")
    say("and QLoRA?", project="other")
    assert "what is QLoRA?" not in desk.asked


def test_in_chinese_the_same_state_is_told(say: Say) -> None:
    english = say("which jobs failed this week?")
    chinese = say("那中文呢？")
    assert (english.data["language"], chinese.data["language"]) == ("en", "zh")
    assert chinese.data["event"] == english.data["event"]


def test_a_request_never_comes_of_a_follow_up(say: Say, desk: MemoryDesk) -> None:
    say("what is the best score?")
    for line in (
        "and deploy it?",
        "and advance",
        "what about fine-tuning it on tickets",
        "那取消j3呢？",
        "and approve 31?",
    ):
        say(line)
    assert desk.submitted == []


def test_why_without_a_question_asks_for_the_next_step(say: Say) -> None:
    assert "Next in" in say("why?").text
