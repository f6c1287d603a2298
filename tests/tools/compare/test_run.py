"""A comparison of runs, on the record of a made-up project and predictions as evaluations leave them."""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from walk import ALIGNED, TICKETS, TINY, TUNED, Walk, record

from agent.lifecycle.stages import Stage
from tools import digest
from tools.compare.run import run
from tools.compare.spec import CompareParameters
from tools.contract import File, Inputs, JobContext, Result, Spec
from tools.errors import UserFault

Compare = Callable[..., tuple[Result, Path]]


@pytest.fixture
def walk() -> Walk:
    """Three models made, none of them measured."""
    walk = Walk().to(Stage.DEPLOY)
    walk.project = walk.project.model_copy(update={"evidence": ()})
    return walk


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    def start(walk: Walk, **params: Any) -> tuple[Result, Path]:
        folder = tmp_path / "jobs" / "j900"
        folder.mkdir(parents=True)
        path = tmp_path / "snapshot.json"
        path.write_text(json.dumps(record(walk)), encoding="utf-8")
        inputs = Inputs(files={"snapshot": File(path=str(path), digest=digest.of_file(path))})
        spec = Spec(job="j900", tool="compare", params=params, inputs=inputs)
        context = JobContext(spec, folder, lambda event: None, lambda: False, lambda: datetime(2026, 3, 2))
        return run(CompareParameters(**params), context), folder

    return start


def answered(jobs: Path, job: str, right: Sequence[bool]) -> None:
    """What an evaluation leaves beside its numbers."""
    (jobs / job).mkdir(parents=True)
    rows = [{"prompt": f"Where is order {n}?", "values": {"exact_match": float(one)}} for n, one in enumerate(right)]
    text = "\n".join(json.dumps(row) for row in rows)
    (jobs / job / "predictions.jsonl").write_text(text + "\n", encoding="utf-8")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "comparison.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measure(walk: Walk) -> list[str]:
    return [
        walk.measure(TINY, TICKETS, 0.20, 0.15),
        walk.measure(TUNED, TICKETS, 0.92, 0.90),
        walk.measure(ALIGNED, TICKETS, 0.90, 0.88),
    ]


def test_the_best_stands_first_and_what_is_as_good_is_said_to_be(walk: Walk, compare: Compare, tmp_path: Path) -> None:
    tiny, tuned, aligned = measure(walk)
    answered(tmp_path / "jobs", tiny, [n < 20 for n in range(100)])
    answered(tmp_path / "jobs", tuned, [n < 92 for n in range(100)])
    answered(tmp_path / "jobs", aligned, [n < 90 for n in range(100)])
    result, folder = compare(walk)
    assert [row["run"] for row in table(folder)] == [tuned, aligned, tiny]
    assert "tuned" in result.summary
    assert f"cannot be told from {ALIGNED.name} ({aligned})." in result.summary
    ps = [row["p"] for row in table(folder)]
    assert ps[0] == ""
    assert float(ps[1]) == 0.5  # two items of two lost: exact McNemar, the smaller p already counted twice
    assert float(ps[2]) < 1e-10
    assert {artefact.kind for artefact in result.artefacts} == {"table", "plot"}


def test_runs_whose_items_are_gone_stand_by_their_interval_only(walk: Walk, compare: Compare, tmp_path: Path) -> None:
    tiny, tuned, aligned = measure(walk)
    answered(tmp_path / "jobs", tuned, [n < 92 for n in range(100)])
    answered(tmp_path / "jobs", tiny, [n < 20 for n in range(100)])
    result, folder = compare(walk)
    assert {row["run"]: row["p"] == "" for row in table(folder)} == {tuned: True, aligned: True, tiny: False}
    assert "1 had other items" in result.summary
    assert "clearly ahead of the 1 measured on the same items" in result.summary


def test_only_the_runs_and_the_metric_asked_for(walk: Walk, compare: Compare) -> None:
    tiny, tuned, _ = measure(walk)
    result, folder = compare(walk, runs=f"{tuned}, {TINY.name}", metric="latency_p95")
    assert {row["run"] for row in table(folder)} == {tiny, tuned}
    assert "lowest latency_p95 of 2 runs" in result.summary


def test_rounds_are_told_apart(walk: Walk, compare: Compare) -> None:
    measure(walk)
    _, folder = compare(walk)
    assert {row["round"] for row in table(folder)} == {str(walk.project.round)}
    shown = (folder / "comparison.md").read_text(encoding="utf-8")
    assert shown.count("\n| j") == 3


def test_an_unknown_run_is_named_beside_what_there_is(walk: Walk, compare: Compare) -> None:
    tiny, *_ = measure(walk)
    with pytest.raises(UserFault, match=rf"runs=j77: no run of that name measured exact_match; there are .*{tiny}"):
        compare(walk, runs="j77")


def test_nothing_measured_is_a_sentence(walk: Walk, compare: Compare) -> None:
    with pytest.raises(UserFault, match="has measured rouge_l yet; evaluate a model first"):
        compare(walk, metric="rouge_l")


def test_development_numbers_do_not_outrank_the_test_set(compare: Compare) -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    _, folder = compare(walk)
    splits = [row["split"] for row in table(folder)]
    assert splits == sorted(splits, key=lambda split: split != "test")
    assert {"test", "dev"} <= set(splits)


def test_an_f1_of_entities_is_tested_on_all_of_them(walk: Walk, compare: Compare, tmp_path: Path) -> None:
    runs = measure(walk)
    tags, nothing = ["B-PER", "O", "B-LOC"], ["O", "O", "O"]
    evidence = []
    for run_, found, each in zip(runs, (10, 60, 58), walk.project.evidence, strict=True):
        (tmp_path / "jobs" / run_).mkdir(parents=True)
        rows = [{"text": f"row {n}", "tags": tags, "predicted": tags if n < found else nothing} for n in range(60)]
        text = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / "jobs" / run_ / "predictions.jsonl").write_text(text, encoding="utf-8")
        metric = each.metrics[0].model_copy(update={"name": "entity_f1"})
        evidence.append(each.model_copy(update={"metrics": (metric,)}))
    walk.project = walk.project.model_copy(update={"evidence": tuple(evidence)})
    _, folder = compare(walk, metric="entity_f1")
    chances = {row["model"]: float(row["p"]) for row in table(folder)[1:]}
    assert chances[TINY.name] < 0.01 < chances[ALIGNED.name]
