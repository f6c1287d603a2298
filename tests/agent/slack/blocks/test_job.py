"""A job's card says how far it is, how fast, how long still, and offers what can be done now."""

from typing import Any

import pytest

from agent.lifecycle.project import Advice
from agent.slack.actions import Press
from agent.slack.blocks.job import bar, ended_line, job_card, pace, state
from tests.agent.slack.blocks.checks import check_message, shown, values
from tests.agent.slack.blocks.states import PHASES, asked, job


def said(card: Any) -> dict[str, str]:
    found = {b["text"]["text"]: Press.parse(b["value"]) for b in values(card.blocks, "button")}
    return {words: press.say for words, press in found.items() if press}


def words(card: Any) -> str:
    return "\n".join(text for _, text in shown(card.blocks))


def test_a_running_job_shows_steps_bar_rate_and_time_left() -> None:
    view = job(step="training", done=50, total=200, seconds=100.0, metrics={"loss": 1.23456})
    card = job_card(view, project_id="p-1", steps=["loading", "smoke run", "training"])
    check_message(card)
    plan = card.blocks[0]
    tasks: Any = plan["tasks"]
    assert [(task["title"], task["status"]) for task in tasks] == [
        ("loading", "complete"), ("smoke run", "complete"), ("training", "in_progress"),
    ]  # fmt: skip
    assert "▓▓▓▓▓░░░░░░░░░░░░░░░ 25 %\n50 of 200 · 30/min · about 5 min 0 s left\nloss 1.235" in words(card)
    assert card.text == "j17 Fine-tune the model: running · training · 50 of 200 · 30/min · about 5 min 0 s left"


def test_a_button_stays_where_it_is_while_the_card_moves_on() -> None:
    earlier, later, over = (
        job_card(view, project_id="p-1").blocks[-1]["block_id"]
        for view in (job(done=1, total=9), job(step="training", done=5, total=9), job("cancelled"))
    )
    assert earlier == later != over


def test_a_running_job_shows_what_its_first_steps_say_of_the_whole() -> None:
    card = job_card(job(step="training", done=50, total=200, expected_seconds=380.0, expected_memory=900_000_000))
    check_message(card)
    assert "by its first steps: 6 min 20 s in all and 900.00 MB of memory" in words(card)


@pytest.mark.parametrize(
    ("phase", "buttons"),
    [
        ("active", {"Cancel": "cancel j17", "Details": "job j17"}),
        ("serving", {"Stop": "cancel j17", "Details": "job j17"}),
        ("succeeded", {"Details": "job j17"}),
        ("stopped", {"Details": "job j17"}),
        *(
            (phase, {"Resume": "resume j17", "Details": "job j17"})
            for phase in ("failed", "cancelled", "crashed", "lost")
        ),
    ],
)
def test_the_buttons_fit_the_phase(phase: str, buttons: dict[str, str]) -> None:
    card = job_card(job(phase), project_id="p-1")
    check_message(card)
    assert said(card) == buttons
    assert not [b for b in values(card.blocks, "button") if "confirm" in b]  # the proposal asks, once


def test_an_ended_job_shows_its_main_number() -> None:
    evidence = next(e for e in asked().evidence if e.tool == "evaluate" and e.comparisons)
    card = job_card(job("succeeded", seconds=75.0), evidence=evidence)
    check_message(card)
    assert evidence.id in words(card)
    assert evidence.summary in str([block for block in card.blocks if block["type"] == "section"])  # not folded away
    assert evidence.summary in ended_line(job("succeeded", seconds=75.0), evidence=evidence).text


@pytest.mark.parametrize("phase", PHASES)
def test_its_end_is_one_line(phase: str) -> None:
    line = ended_line(job(phase, error="The GPU is gone; resume goes on from step 40." if phase == "crashed" else None))
    check_message(line)
    assert len(line.blocks) == 1
    assert ("GPU is gone" in line.text) == (phase == "crashed")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "told"),
    [
        (0, 0, 1.0, ""), (0, 10, 5.0, "0 of 10"), (5, 10, None, "5 of 10"), (5, 10, 0.0, "5 of 10"),
        (10, 10, 5.0, "10 of 10 · 2/s"), (12, 10, 6.0, "12 of 10 · 2/s"), (-3, 10, 5.0, "0 of 10"),
        (5, 10, float("nan"), "5 of 10"), (5, 10, float("inf"), "5 of 10"), (5, 10, -1.0, "5 of 10"),
        (1, 10**15, 1.0, "1 of 1000000000000000 · 1/s"),
    ],
)  # fmt: skip
def test_the_pace_is_never_nonsense(done: int, total: int, seconds: float | None, told: str) -> None:
    assert pace(job(done=done, total=total, seconds=seconds)) == told


@pytest.mark.parametrize(("done", "share"), [(-1, 0), (0, 0), (999, 99), (1000, 100), (5000, 100)])
def test_the_bar_is_as_long_as_what_is_done(done: int, share: int) -> None:
    shown_bar = bar(job(done=done, total=1000))
    assert shown_bar.endswith(f" {share} %")
    assert shown_bar.count("▓") == share // 5
    assert len(shown_bar.split()[0]) == 20


def test_a_job_without_a_step_is_starting() -> None:
    assert state(job()) == "starting"
    assert state(job(step="training")) == "running"


def test_what_comes_next_stands_on_the_card_of_an_ended_job_with_a_button() -> None:
    advice = Advice(title="Fine-tune with LoRA", reason="0.118 against the target 0.9", command="finetune data=tickets")
    card = job_card(job("succeeded"), project_id="p-1", advice=advice)
    check_message(card)
    assert said(card) == {"Details": "job j17", "Do it": "finetune data=tickets"}
    assert "Next: Fine-tune with LoRA" in words(card) and "0.118 against the target 0.9" in words(card)
    line = ended_line(job("succeeded"), advice=advice)
    check_message(line)
    assert "Next: Fine-tune with LoRA\n0.118 against the target 0.9" in words(line)


def test_what_a_person_has_to_fill_in_has_no_button() -> None:
    typed = Advice(title="Register more", reason="too few", command="register data PATH as NAME")
    assert said(job_card(job("succeeded"), project_id="p-1", advice=typed)) == {"Details": "job j17"}
