"""Runs and rounds side by side: one table, one picture, and which differences are more than chance."""

import csv
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from tools.compare.rows import Row, chosen, lower_is_better, tested
from tools.compare.spec import CompareParameters
from tools.contract import Artefact, JobContext, Result
from tools.errors import Defect, UserFault
from tools.evaluate.paired import CLEAR
from tools.evaluate.slices import cell_of
from tools.report import snapshot
from tools.training import plots

_HEAD = ("run", "round", "model", "data", "split", "metric", "value", "low", "high", "items", "p")
_DRAWN = 20  # runs in the picture


def run(params: CompareParameters, context: JobContext) -> Result:
    held = context.inputs.files.get("snapshot")
    if held is None:
        raise Defect("The comparison was started without the project's record.")
    project = snapshot.read(Path(held.path)).project
    metric = params.metric or project.charter.metric
    if not metric:
        raise UserFault("The charter names no metric yet; say metric=NAME, such as metric=accuracy.")
    rows = tested(chosen(project, params.runs, metric), context.folder.parent)
    artefacts = (*_tables(context, rows, metric), _picture(context, rows, metric))
    facts: list[JsonValue] = [dict(zip(_HEAD, _cells(row), strict=True)) for row in rows[:_DRAWN]]
    return Result(summary=_summary(rows, metric), artefacts=artefacts, facts={"metric": metric, "runs": facts})


def _cells(row: Row) -> tuple[JsonValue, ...]:
    each, found = row.evidence, row.metric
    measured = (found.name, found.value, found.low, found.high, found.n, row.p)
    return (each.run, each.round, each.model, each.data, row.split, *measured)


def _tables(context: JobContext, rows: Sequence[Row], metric: str) -> tuple[Artefact, Artefact]:
    plain = context.folder / "comparison.csv"
    with plain.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([_HEAD, *(_cells(row) for row in rows)])
    shown = context.folder / "comparison.md"
    lines = [f"# Runs by {metric}", "", "| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(cell_of(_shown(cell)) for cell in _cells(row)) + " |" for row in rows]
    lines += ["", _LEGEND]
    shown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return context.artefact("comparison", "table", shown), context.artefact("comparison as CSV", "table", plain)


_LEGEND = (
    "p: of the difference to the first run on the same items (exact McNemar for right or wrong, else the paired"
    " bootstrap), by Holm's correction; empty where the items were others or were not kept."
)


def _shown(cell: JsonValue) -> str:
    if cell is None:
        return ""
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def _picture(context: JobContext, rows: Sequence[Row], metric: str) -> Artefact:
    bars = [(row.name, row.metric.value, row.metric.low, row.metric.high) for row in rows[:_DRAWN]]
    span = (0.0, 1.0) if all(0 <= row.metric.value <= 1 for row in rows) else None
    return plots.intervals(context, "comparison", f"Runs by {metric}", bars, f"{metric}, with 95 % interval", span)


def _summary(rows: Sequence[Row], metric: str) -> str:
    best = rows[0]
    which = "lowest" if lower_is_better(metric) else "highest"
    said = f"{best.name} has the {which} {metric} of {len(rows)} runs: {best.metric.value:.3f}"
    if best.metric.low is not None and best.metric.high is not None:
        said += f" [{best.metric.low:.3f}, {best.metric.high:.3f}]"
    compared = [row for row in rows[1:] if row.p is not None]
    close = [row.name for row in compared if row.p is not None and row.p >= CLEAR]
    if close:
        said += f"; it cannot be told from {', '.join(close[:3])}{' and others' if len(close) > 3 else ''}"
    elif compared:
        said += f"; it is clearly ahead of the {len(compared)} measured on the same items"
    apart = len(rows) - 1 - len(compared)
    return said + (f"; {apart} had other items, so only their intervals stand beside." if apart else ".")
