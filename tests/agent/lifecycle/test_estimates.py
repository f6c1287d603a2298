from dataclasses import replace
from pathlib import Path

import pytest
from walk import CATALOGUE, Walk

import knowledge
from agent.lifecycle.estimates import CHEAT_SHEET, MEASURED, PHASES, Phase, Took, expected_seconds, history_of
from agent.lifecycle.stages import Stage
from tools.contract import Plan
from tools.errors import UserFault

GUIDE = Path(knowledge.__file__).parent / "guides" / "cheat-sheet.md"


def took(*seconds: float, planned: float | None = 10.0, tool: str = "finetune") -> list[Took]:
    return [Took(tool=tool, seconds=s, planned=planned) for s in seconds]


def test_without_own_jobs_the_plan_stands() -> None:
    assert expected_seconds("finetune", 30, []) == 30


def test_own_jobs_correct_the_plan_by_their_median() -> None:
    assert expected_seconds("finetune", 30, took(20, 20, 400)) == 60


def test_jobs_of_other_tools_do_not_matter() -> None:
    assert expected_seconds("finetune", 30, took(99, tool="rlhf")) == 30


def test_only_recent_jobs_correct() -> None:
    assert expected_seconds("finetune", 30, took(*[1000] * 9, *[10] * 5)) == 30


def test_one_odd_job_does_not_make_nonsense() -> None:
    assert expected_seconds("finetune", 30, took(1e6)) == 600


def test_without_a_plan_the_median_of_own_jobs_is_said() -> None:
    assert expected_seconds("rlhf", None, took(5, 7, 9, planned=None, tool="rlhf")) == 7


def test_without_plan_and_jobs_what_was_measured_is_said() -> None:
    assert expected_seconds("quantize", None, []) == MEASURED["quantize"]
    assert expected_seconds("", None, []) is None


def test_every_tool_has_a_measured_time() -> None:
    assert set(MEASURED) == set(CATALOGUE)
    assert set(PHASES) <= set(CATALOGUE)


def test_history_is_what_the_jobs_took_beside_their_plans() -> None:
    history = history_of(Walk().to(Stage.LAUNCHED).project, CATALOGUE)
    assert [(t.tool, t.seconds) for t in history if t.tool in ("pretrain", "rlhf")] == [("pretrain", 41), ("rlhf", 19)]
    assert all(t.planned and t.planned > 0 for t in history)


def refuses(params: object, inputs: object) -> Plan:
    raise UserFault("There is no GPU any more.")


def test_a_job_that_could_not_be_planned_now_has_no_plan() -> None:
    catalogue = {name: replace(tool, plan=refuses) for name, tool in CATALOGUE.items()}
    history = history_of(Walk().to(Stage.LAUNCHED).project, catalogue)
    assert history and not any(t.planned for t in history)


@pytest.mark.parametrize("phase", Phase)
def test_the_guide_says_the_same(phase: Phase) -> None:
    cost = CHEAT_SHEET[phase]
    row = f"| {phase.value} | {cost.time} | {cost.effort} | {cost.expertise} | {cost.data} |"
    assert row in GUIDE.read_text(encoding="utf-8")
