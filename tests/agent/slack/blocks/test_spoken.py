"""Cards in Chinese: what Odyssey says on them; names, commands and figures stay."""

import re
from typing import Any

from agent.lifecycle.gates import gate
from agent.lifecycle.project import Advice
from agent.slack.blocks.approval import approval_card
from agent.slack.blocks.job import ended_line, job_card
from agent.slack.blocks.spoken import spoken
from tests.agent.slack.blocks.checks import check_message, shown, values
from tests.agent.slack.blocks.states import asked, job, later, waiting
from tests.english import is_english

ADVICE = Advice(
    title="Fine-tune with LoRA",
    reason="exact_match 0.118 [0.090, 0.146] (e25) against the target 0.9: where prompting falls short, so training on"
    " tickets is next.",
    command="finetune data=tickets",
)


def left(card: Any) -> list[str]:
    """Lines that are still English."""
    lines = [line for _, text in shown(card.blocks) for line in text.split("\n")]
    return [line for line in (re.sub(r"<[^>]*>", "", line) for line in lines) if is_english(line)]


def test_a_jobs_card_speaks_chinese_and_keeps_what_its_buttons_do() -> None:
    view = job(step="training", done=50, total=200, seconds=100.0, metrics={"loss": 1.23456})
    before = job_card(view, project_id="p-1", steps=["reading training rows"])
    card = spoken(before, "zh")
    check_message(card)
    text = "\n".join(text for _, text in shown(card.blocks))
    assert "50/200" in text and "大约还要" in text and "读取训练数据" in text and "取消" in text
    assert left(card) == []
    pressed = [[each["value"] for each in values(one.blocks, "button")] for one in (before, card)]
    assert pressed[0] == pressed[1]
    assert card.text.startswith("j17 ") and "运行中" in card.text


def test_the_line_of_its_end_speaks_chinese() -> None:
    line = spoken(ended_line(job("succeeded"), advice=ADVICE), "zh")
    check_message(line)
    text = "\n".join(text for _, text in shown(line.blocks))
    assert "完成" in text and "下一步：用 LoRA 微调" in text and "目标 0.9" in text


def test_an_approvals_card_speaks_chinese() -> None:
    project = asked()
    card = spoken(approval_card(project, waiting(project), gate(project), later(project)), "zh")
    check_message(card)
    text = "\n".join(text for _, text in shown(card.blocks))
    assert "批准" in text and "拒绝" in text and "由摘要" in text
    assert left(card) == ["nothing beyond this machine"], "what the team wrote itself"


def test_english_stays_as_it_is() -> None:
    card = job_card(job("succeeded"))
    assert spoken(card, "en") is card
