"""Each gate's evidence is set just short in turn: the walk stops there, and the refusal names what is short."""

from dataclasses import replace

import pytest
from walk import ALIGNED, INT8, QUESTIONS, SAFETY, TICKETS, TINY, TUNED, Numbers, Walk, candidate, dataset, difference

from agent.lifecycle.events import (
    AddCandidate,
    Advance,
    ChooseModel,
    GoBack,
    SetCharter,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.material import RETRIEVAL_METRICS
from agent.lifecycle.project import TaskKind
from agent.lifecycle.stages import Stage
from tools.contract import Comparison, DataKind, Metric, Result
from tools.evaluate import spec

SHORT = [
    (Stage.SCOPE, "charter", {"missing_charter": "risks"}),
    (Stage.SCOPE, "test_set", {"missing_charter": "test_set"}),
    (Stage.SELECT, "baseline", {"baseline": False}),
    (Stage.ASSESS, "target", {"score_low": 0.899}),
    (Stage.ALIGN, "win_rate", {"win_low": 0.5}),
    (Stage.ALIGN, "no_regression", {"regression_low": -0.0301}),
    (Stage.ALIGN, "safety", {"safety_difference": -0.0333}),
    (Stage.ALIGN, "safety", {"safety_prompts": 29}),
    (Stage.DEPLOY, "parity", {"parity_low": -0.0301}),
    (Stage.DEPLOY, "latency", {"latency_ms": 400.1}),
    (Stage.DEPLOY, "memory", {"memory_mb": 1500.1}),
    (Stage.INTEGRATE, "effect", {"effect_low": 0.0}),
    (Stage.INTEGRATE, "model_card", {"model_card": False}),
]


@pytest.mark.parametrize(("stage", "requirement", "short"), SHORT, ids=[f"{r}-{next(iter(n))}" for _, r, n in SHORT])
def test_a_number_just_short_keeps_the_gate_closed(stage: Stage, requirement: str, short: dict[str, object]) -> None:
    walk = Walk(numbers=replace(Numbers(), **short)).to(stage, work=True)
    missing = {r.id: r for r in gate(walk.project).missing}
    assert requirement in missing
    decision = walk.send(Advance())
    assert not decision.accepted
    assert missing[requirement].title.lower() in decision.said
    assert walk.project.stage is stage


JUST_ENOUGH = Numbers(
    score_low=0.9, win_low=0.5001, regression_low=-0.03, safety_difference=0.0, parity_low=-0.03,
    latency_ms=400.0, memory_mb=1500.0, effect_low=0.001,
)  # fmt: skip


@pytest.mark.parametrize("numbers", [Numbers(), JUST_ENOUGH], ids=["comfortable", "just-enough"])
def test_the_whole_walk_ends_launched(numbers: Numbers) -> None:
    assert Walk(numbers=numbers).to(Stage.LAUNCHED).project.stage is Stage.LAUNCHED


def test_a_classifier_walks_without_alignment() -> None:
    project = Walk().classify().project
    assert project.stage is Stage.LAUNCHED
    assert [s.what for s in project.skips] == ["align"]


@pytest.mark.parametrize("stage", list(Stage)[:6])
def test_every_requirement_read_from_evidence_names_it(stage: Stage) -> None:
    project = Walk().to(stage, work=True).project
    known = {e.id for e in project.evidence}
    found = gate(project)
    assert found.open
    assert all(set(r.evidence) <= known for r in found.requirements)
    measured = {
        "baseline",
        "target",
        "win_rate",
        "no_regression",
        "safety",
        "parity",
        "endpoint",
        "effect",
        "model_card",
    }
    assert all(r.evidence for r in found.requirements if r.id in measured)


def test_a_measurement_of_another_model_or_data_does_not_count() -> None:
    walk = Walk().to(Stage.ASSESS)
    other = dataset("others", DataKind.TASK, {"train": 10, "test": 10})
    walk.register(other)
    walk.job("finetune", Result(summary="tuned", candidate=TUNED), model="tiny", data="tickets", name="tuned")
    walk.measure(TUNED, other, 0.99, 0.98)
    walk.measure(TINY, TICKETS, 0.99, 0.98)
    assert [r.id for r in gate(walk.project).missing] == ["target"]


def test_a_measurement_on_the_development_split_does_not_count() -> None:
    walk = Walk().to(Stage.ASSESS)
    metrics = (Metric(name="exact_match", value=0.99, low=0.98, high=1.0, n=200, split="dev"),)
    walk.job("evaluate", Result(summary="dev", metrics=metrics, split="dev"), model="tiny", data="tickets", split="dev")
    assert [r.found for r in gate(walk.project).missing] == ["exact_match 0.118 [0.090, 0.146]"]


def test_the_newest_measurement_counts() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    assert gate(walk.project).open
    walk.measure(TUNED, TICKETS, 0.9, 0.87)
    assert not gate(walk.project).open


def test_winning_against_an_earlier_ancestor_than_the_one_before_alignment_does_not_count() -> None:
    walk = Walk(numbers=replace(Numbers(), win_low=0.4, regression_low=-0.2)).to(Stage.ALIGN, work=True)
    walk.measure(ALIGNED, TICKETS, 0.8, 0.76, comparisons=(difference("exact_match", TINY, 0.7, 0.6),))
    easy = Comparison(
        kind="win_rate", metric="preferred", baseline="tiny", baseline_digest=TINY.digest, value=0.9, low=0.8,
        high=1.0, n=120,
    )  # fmt: skip
    walk.job(
        "evaluate", Result(summary="easy", comparisons=(easy,)), model="aligned", compare_to="tiny", data="helpful"
    )
    assert {"win_rate", "no_regression"} <= {r.id for r in gate(walk.project).missing}


def test_safety_of_unrelated_prompts_does_not_count() -> None:
    walk = Walk().to(Stage.ALIGN)
    walk.job("rlhf", Result(summary="aligned", candidate=ALIGNED), model="tuned", preferences="preferences")
    result = Result(
        summary="tone", facts={"category": "tone"}, comparisons=(difference("checklist_pass", TUNED, 0.1, 0.0, 30),)
    )
    walk.job("evaluate", result, model="aligned", compare_to="tuned", data=SAFETY.name)
    assert "safety" in {r.id for r in gate(walk.project).missing}


# --- what goes on is what passed ---------------------------------------------------------------------------------


def test_a_model_made_after_the_gate_does_not_slip_through_alignment() -> None:
    walk = Walk().to(Stage.ALIGN)
    fresh = candidate("fresh", "lora", TUNED)
    walk.job("finetune", Result(summary="fresh", candidate=fresh), model="tuned", data="tickets", name="fresh")
    walk.ok(SkipTechnique(what="align", reason="no tone to prefer"))
    assert [r.id for r in gate(walk.project).missing] == ["lineage"]
    walk.ok(ChooseModel(model="tuned", reason="the one that cleared the target"))
    assert gate(walk.project).open


def test_a_model_from_elsewhere_is_not_deployed() -> None:
    walk = Walk().to(Stage.DEPLOY)
    other = candidate("other", "existing")
    small = candidate("other-int8", "int8", other)
    walk.ok(AddCandidate(candidate=other))
    walk.ok(ChooseModel(model="other", reason="it is quicker"))
    walk.deploy(parent=other, small=small)
    assert [r.id for r in gate(walk.project).missing] == ["lineage"]


def test_what_is_launched_is_what_was_deployed() -> None:
    walk = Walk().to(Stage.INTEGRATE)
    walk.ok(ChooseModel(model="aligned", reason="the larger one is better"))
    walk.integrate()
    assert "lineage" in {r.id for r in gate(walk.project).missing}


def test_an_optimised_model_needs_parity_even_when_optimisation_was_skipped() -> None:
    walk = Walk(numbers=replace(Numbers(), parity_low=-0.2)).to(Stage.DEPLOY, work=True)
    walk.ok(SkipTechnique(what="quantize", reason="it is small enough"))
    assert "parity" in {r.id for r in gate(walk.project).missing}
    walk.ok(ChooseModel(model="aligned", reason="unquantized after all"))
    assert {r.id for r in gate(walk.project).missing} == {"endpoint", "latency", "memory"}


# --- rounds, waivers, skips --------------------------------------------------------------------------------------


def test_going_back_keeps_evidence_and_begins_a_round_without_old_skips_and_waivers() -> None:
    walk = Walk(numbers=replace(Numbers(), score_low=0.85)).to(Stage.ASSESS, work=True)
    walk.ok(Waive(requirement="target", reason="good enough for a pilot"))
    assert gate(walk.project).requirements[0].waived == "good enough for a pilot"
    walk.leave()
    walk.ok(SkipTechnique(what="align", reason="a pilot only"))
    assert gate(walk.project).open
    evidence = walk.project.evidence
    walk.ok(GoBack(stage=Stage.ASSESS, reason="the pilot showed more is needed"))
    assert (walk.project.stage, walk.project.round, walk.project.evidence) == (Stage.ASSESS, 2, evidence)
    assert [r.id for r in gate(walk.project).missing] == ["target"]


@pytest.mark.parametrize("requirement", ["charter", "test_set"])
def test_the_measure_itself_cannot_be_waived(requirement: str) -> None:
    walk = Walk()
    walk.begin()
    decision = walk.send(Waive(requirement=requirement, reason="never mind"))
    assert not decision.accepted
    assert "cannot be waived" in decision.said


def test_only_what_is_missing_can_be_waived() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    assert "missing: nothing" in walk.send(Waive(requirement="target", reason="never mind")).said


@pytest.mark.parametrize(
    "change", [{"target": 0.1}, {"metric": "token_f1"}, {"test_set": "facts"}, {"latency_ms": 9e9}]
)
def test_the_goal_does_not_move_once_the_scope_is_settled(change: dict[str, object]) -> None:
    walk = Walk().to(Stage.ASSESS)
    decision = walk.send(SetCharter(**change))
    assert not decision.accepted
    assert "go back to scope" in decision.said
    walk.ok(SetCharter(risks="one more that we found"))
    walk.ok(GoBack(stage=Stage.SCOPE, reason="the goal was wrong"))
    walk.ok(SetCharter(target=0.5))


@pytest.mark.parametrize("name", ["corpus", "facts", "nothing"])
def test_data_that_cannot_decide_is_no_test_set(name: str) -> None:
    walk = Walk()
    walk.scope()
    assert not walk.send(SetCharter(test_set=name)).accepted
    assert walk.project.charter.test_set == "tickets"


@pytest.mark.parametrize(
    ("metric", "wanted"), [("bleu", "exact_match or token_f1"), ("accuracy", "which is task data")]
)
def test_a_metric_nobody_measures_is_refused(metric: str, wanted: str) -> None:
    walk = Walk()
    walk.scope()
    decision = walk.send(SetCharter(metric=metric))
    assert not decision.accepted
    assert wanted in decision.said


def test_each_kind_of_task_decides_by_its_own_metrics() -> None:
    assert RETRIEVAL_METRICS == spec.RETRIEVAL_METRICS
    walk = Walk()
    walk.scope()
    assert "for extraction on tickets" in walk.send(SetCharter(metric="recall@1")).said
    refused = walk.send(SetCharter(task=TaskKind.RETRIEVAL))
    assert "exact_match is not measured for retrieval on tickets" in refused.said
    assert "can be recall@1 or recall@5" in refused.said
    walk.ok(SetCharter(task=TaskKind.RETRIEVAL, metric="recall@1"))
    walk.ok(SetCharter(task=TaskKind.SUMMARISATION, metric="rougeL"))
    walk.register(QUESTIONS)
    elsewhere = walk.send(SetCharter(task=TaskKind.RETRIEVAL, metric="recall@1", test_set="questions"))
    assert "retrieval is measured on task data" in elsewhere.said


def test_data_registered_anew_under_the_same_name_does_not_replace_the_test_set() -> None:
    walk = Walk().to(Stage.SELECT)
    again = dataset("tickets", DataKind.TASK, {"train": 5, "test": 5})
    walk.register(again)
    assert walk.project.datasets["tickets"].digest == TICKETS.digest
    assert walk.project.datasets["tickets-2"].digest == again.digest
    assert "called tickets-2" in walk.decisions[-1][1].said


def test_launched_goes_nowhere_but_back() -> None:
    walk = Walk().to(Stage.LAUNCHED)
    assert "go back to STAGE" in walk.send(Advance()).said
    walk.ok(GoBack(stage=Stage.ALIGN, reason="complaints about the tone"))
    assert walk.project.stage is Stage.ALIGN
    assert "lineage" in {r.id for r in gate(walk.project).missing}  # the quantized model is not where alignment begins
    walk.ok(ChooseModel(model="aligned", reason="what alignment made"))
    assert gate(walk.project).open


def test_a_job_may_still_run_while_the_gate_is_open() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    walk.ok(StartJob(tool="evaluate", params={"model": "current"}), actor="cai")
    walk.ok(Advance())
    assert walk.project.stage is Stage.ALIGN


def test_the_deployed_model_is_the_current_one() -> None:
    assert Walk().to(Stage.LAUNCHED).project.current == INT8.name


def test_a_part_of_the_test_set_does_not_decide() -> None:
    walk = Walk().to(Stage.ASSESS)
    walk.job("finetune", Result(summary="tuned", candidate=TUNED), model="tiny", data="tickets", name="tuned")
    lucky = (Metric(name="exact_match", value=0.99, low=0.97, high=1.0, n=100, split="test"),)
    walk.job("evaluate", Result(summary="part", metrics=lucky, split="test"), model="tuned", data="tickets", limit=100)
    assert [r.id for r in gate(walk.project).missing] == ["target"]
