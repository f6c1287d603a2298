"""What is recommended after a result, read from its numbers."""

import pytest
from pydantic import JsonValue
from walk import TICKETS, TINY, TUNED, Walk, dataset

from agent.lifecycle.events import ChooseModel, FinishJob, SetCharter, StartJob
from agent.lifecycle.project import TaskKind
from agent.lifecycle.recommendations import Recommendation, recommend
from agent.lifecycle.stages import Stage
from tools.contract import Comparison, DataKind, Metric, Result


def tuned(trained: dict[str, JsonValue], **evaluated: object) -> Walk:
    walk = Walk().to(Stage.ASSESS)
    made = Result(summary="t", candidate=TUNED, facts=trained)
    walk.job("finetune", made, model="tiny", data="tickets", name="tuned", rank=4, steps=50)
    walk.measure(TUNED, TICKETS, 0.8, 0.78, **evaluated)
    return walk


def first(walk: Walk) -> Recommendation:
    return recommend(walk.project)[0]


def test_a_rising_development_loss_asks_to_stop_earlier() -> None:
    step = first(tuned({"dev_losses": [[10, 1.0], [20, 0.6], [30, 0.9]]}))
    assert step.params["early_stopping"] == 2
    assert step.params["steps"] == 50
    assert "least at step 20 (0.600) and rose to 0.900 at step 30" in step.reason


def test_a_falling_loss_asks_for_longer_training() -> None:
    step = first(
        tuned({"dev_losses": [[10, 1.0], [20, 0.6]], "advice": "The loss was still falling at the end: more."})
    )
    assert step.params["steps"] == 100
    assert "the loss was still falling at the end" in step.reason
    assert "still falling (1.000 to 0.600)" in first(tuned({"dev_losses": [[10, 1.0], [20, 0.6]]})).reason


@pytest.mark.parametrize("facts", [{"dev_losses": "?"}, {"dev_losses": [[1], 2, ["a", "b"]]}, {"advice": 3}])
def test_facts_of_another_shape_say_nothing(facts: dict[str, JsonValue]) -> None:
    assert "has not learned all there is" in first(tuned(facts)).reason


@pytest.mark.parametrize(("given", "name", "value"), [({"lr": 0.02}, "lr", 0.006), ({}, "probe", True)])
def test_a_training_that_diverged_is_done_again_with_a_lower_rate(
    given: dict[str, JsonValue], name: str, value: object
) -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.ok(StartJob(tool="finetune", params={"model": "tiny", "data": "tickets", "name": "tuned", **given}))
    job = f"j{walk.seq}"
    walk.ok(FinishJob(job=job, attempt=1, outcome="failed", error="The loss diverged at step 9."), actor="odyssey")
    step = first(walk)
    assert (step.tool, step.params[name]) == ("finetune", value)
    assert step.reason.startswith(f"{job} diverged: The loss diverged at step 9.")


def test_the_worst_slice_and_the_verdict_are_named() -> None:
    worst: list[JsonValue] = [
        {"slice": "length=long", "value": 0.4, "n": 20},
        {"slice": "length=short", "value": 0.6, "n": 9},
    ]
    lucky: list[JsonValue] = [*worst, {"slice": "label=rare", "value": 0.0, "n": 1}]  # one item says nothing
    walk = tuned({}, facts={"slices": lucky, "worst_slices": worst, "verdict": "no regression"})
    look = next(step for step in recommend(walk.project) if step.tool == "evaluate")
    assert "verdict: no regression; worst slice length=long 0.400 on 20 rows" in look.reason


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.02, "3-shot won by +0.020 [-0.010, +0.050] on test, a difference that may be chance"),
        (0.0, "3-shot won, but was no better than the bare question on test"),
    ],
)
def test_what_won_the_prompts_is_named_with_its_gain(value: float, said: str) -> None:
    walk = Walk().to(Stage.ASSESS)
    gain = Comparison(
        kind="difference", metric="exact_match", baseline="the bare question", baseline_digest="d", value=value,
        low=value - 0.03, high=value + 0.03, n=100, split="test",
    )  # fmt: skip
    score = (Metric(name="exact_match", value=0.14, low=0.11, high=0.17, split="dev"),)
    found = Result(summary="p", metrics=score, comparisons=(gain,), split="dev", facts={"best": "3-shot"})
    walk.job("prompt", found, model="current", data="tickets")
    assert said in first(walk).reason


def test_a_handful_of_near_duplicates_is_not_worth_a_word() -> None:
    walk = Walk()
    walk.begin()
    data = dataset("tickets", DataKind.TASK, {"train": 1600, "dev": 200, "test": 400})
    walk.register(data.model_copy(update={"facts": {"near_duplicates": 8, "leaked": 2}}))
    assert not any("nearly" in step.reason or "duplicates" in step.reason for step in recommend(walk.project))


@pytest.mark.parametrize(
    ("facts", "rows", "said"),
    [
        ({"leaked": 12}, 400, "12 held-out rows nearly stand in the training split"),
        ({"personal": {"email": 3, "phone": 4}}, 400, "7 rows hold personal data"),
        ({}, 50, "50 test rows leave an interval of ±0.14"),
        ({"most_rows": {"a": 900}, "fewest_rows": {"b": 3}}, 400, "has 900 rows, the rarest 3"),
        ({"near_duplicates": 40}, 400, "40 rows are near duplicates"),
    ],
)
def test_what_the_checks_of_the_data_found_is_said_while_the_scope_is_defined(
    facts: dict[str, JsonValue], rows: int, said: str
) -> None:
    walk = Walk()
    walk.begin()
    data = dataset("tickets", DataKind.TASK, {"train": 1600, "dev": 200, "test": rows})
    walk.register(data.model_copy(update={"facts": facts}))
    assert any(said in step.reason for step in recommend(walk.project))
    walk.ok(SetCharter(test_set="tickets", task=TaskKind.EXTRACTION))
    assert any(said in step.reason and step.evidence for step in recommend(walk.project))


def test_a_baseline_that_another_interval_overlaps_says_so() -> None:
    walk = Walk().to(Stage.SELECT)
    walk.job("pretrain", Result(summary="x", candidate=TINY), data="corpus", name="tiny")
    walk.job("pretrain", Result(summary="x", candidate=TUNED), data="corpus", name="tuned")
    walk.measure(TINY, TICKETS, 0.5, 0.45)
    walk.measure(TUNED, TICKETS, 0.52, 0.47)
    choose = next(step for step in recommend(walk.project) if step.command.startswith("choose model tuned"))
    assert "the intervals of tiny overlap with it" in choose.reason
    walk.ok(ChooseModel(model="tuned", reason="best"))
