"""The rows of a comparison, and which of them differ from the best by more than chance. Pure but for reading files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tools.contract import Metric
from tools.errors import UserFault
from tools.evaluate import paired, tagging
from tools.report.snapshot import Evidence, Project

_LOWER = ("perplexity", "loss", "latency", "ece", "size", "memory")  # metrics of which less is better


@dataclass(frozen=True)
class Row:
    """A run, what it measured, and its p against the best run: None where the items were others or are gone."""

    evidence: Evidence
    metric: Metric
    p: float | None = None

    @property
    def name(self) -> str:
        return f"{self.evidence.model or '?'} ({self.evidence.run})"

    @property
    def split(self) -> str:
        return self.metric.split or self.evidence.split


def lower_is_better(metric: str) -> bool:
    return any(word in metric for word in _LOWER)


def chosen(project: Project, wanted: Sequence[str], metric: str) -> list[Row]:
    """Measured runs, the best first, and those on a test split before others: development numbers chose models.

    Raises `UserFault` for an unknown name, or where nothing has the metric.
    """
    found = [Row(each, value) for each in project.evidence if (value := each.metric(metric)) is not None]
    known = {name for row in found for name in (row.evidence.run, row.evidence.id, row.evidence.model) if name}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        have = ", ".join(sorted(known)[:20]) or "none"
        raise UserFault(f"runs={unknown[0]}: no run of that name measured {metric}; there are {have}.")
    if wanted:
        found = [r for r in found if {r.evidence.run, r.evidence.id, r.evidence.model} & set(wanted)]
    if not found:
        raise UserFault(f"Nothing in {project.name} has measured {metric} yet; evaluate a model first.")
    sign = 1 if lower_is_better(metric) else -1
    return sorted(found, key=lambda row: (row.split != "test", sign * row.metric.value))


def tested(rows: Sequence[Row], jobs: Path) -> list[Row]:
    """The same with p values of the others against the first, on the same items, by Holm's correction."""
    best = _scores(jobs, rows[0])
    values = [_p(best, _scores(jobs, row)) if _same(rows[0], row) else None for row in rows[1:]]
    adjusted = iter(paired.holm([value for value in values if value is not None]))
    others = [replace(row, p=None if p is None else next(adjusted)) for row, p in zip(rows[1:], values, strict=True)]
    return [rows[0], *others]


def _same(first: Row, second: Row) -> bool:
    """Whether both were measured on one split of one data set."""
    places = [(row.evidence.data_digest, row.split) for row in (first, second)]
    return places[0] == places[1] and places[0][0] is not None and first.metric.name == second.metric.name


Scores = dict[str, tuple[int | float, ...]]  # by item: one number, or its entities given rightly, given, wanted


def _p(best: Scores, other: Scores) -> float | None:
    shared = sorted(best.keys() & other.keys())
    if not shared or len(shared) < max(len(best), len(other)):
        return None
    own, theirs = [best[item] for item in shared], [other[item] for item in shared]
    if len(own[0]) > 1:  # F1 of all entities is no mean over items
        return tagging.p_value(np.array(own), np.array(theirs))
    return paired.p_value([score for (score,) in own], [score for (score,) in theirs])


def _scores(jobs: Path, row: Row) -> Scores:
    """The score of each item by its text; empty where the run left no predictions of this metric."""
    path = jobs / row.evidence.run / "predictions.jsonl"
    if not row.evidence.run.isalnum() or not path.is_file():
        return {}
    found: Scores = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            item = json.loads(line)
            score = _score(item, row.metric.name)
            if score is None:
                return {}
            found[_item(item)] = score
    return found


def _item(item: dict[str, Any]) -> str:
    read = {name: item[name] for name in ("prompt", "text", "messages") if name in item}
    return json.dumps(read, ensure_ascii=False, sort_keys=True)


def _score(item: dict[str, Any], metric: str) -> tuple[int | float, ...] | None:
    if metric == "entity_f1" and "tags" in item and "predicted" in item:
        right, given, wanted = tagging.count([item["tags"]], [item["predicted"]]).rows[0].tolist()
        return right, given, wanted
    score = _number(item, metric)
    return None if score is None else (score,)


def _number(item: dict[str, Any], metric: str) -> float | None:
    values = item.get("values")
    if isinstance(values, dict) and isinstance(values.get(metric), int | float):
        return float(values[metric])
    if metric == "accuracy" and "label" in item and "predicted" in item:
        return float(item["label"] == item["predicted"])
    score = item.get("score")
    if metric in ("exact_match", "checklist_pass") and isinstance(score, int | float):
        return float(score == 1.0)
    return None
