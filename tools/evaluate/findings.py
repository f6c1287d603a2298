"""What stands behind the main number: the slices, the verdict against the other model, what changed side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from tools.contract import Artefact, Comparison, JobContext
from tools.evaluate import bootstrap, paired, slices
from tools.evaluate.bootstrap import Interval
from tools.evaluate.slices import Slice
from tools.evaluate.spec import EvaluateParameters

Row = Mapping[str, Any]
_SHOWN = 3  # examples of each kind among the facts
_LISTED = 200  # examples of each kind in the table


@dataclass(frozen=True)
class Side:
    """A model's answers to the rows and their scores by the main metric."""

    name: str
    answers: Sequence[str]
    values: Sequence[float]


@dataclass
class Findings:
    artefacts: list[Artefact] = field(default_factory=list)
    facts: dict[str, JsonValue] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)  # to follow the summary


def find(
    params: EvaluateParameters, context: JobContext, rows: Sequence[Row], metric: str, own: Side, other: Side | None
) -> Findings:
    """Slices of the main metric, and with another model the examples that changed."""
    found = Findings()
    baseline = other.values if other is not None else None
    fields = slices.fields_of(rows, params.slices)
    parts = slices.cut(rows, fields, own.values, baseline, params.resamples, params.seed)
    whole = bootstrap.mean(own.values, params.resamples, params.seed)
    tell_slices(found, context, parts, whole, metric, other.name if other is not None else "")
    if other is not None:
        tell_changes(found, context, rows, own, other)
        found.facts["p_value"] = paired.p_value(own.values, other.values, params.resamples, params.seed)
    return found


def against(comparison: Comparison) -> str:
    """The end of a sentence that says how a model compares with another one."""
    what, sign = ("wins", "") if comparison.kind == "win_rate" else ("differs by", "+")
    return (
        f"; against {comparison.baseline} it {what} {comparison.value:{sign}.3f}"
        f" [{comparison.low:{sign}.3f}, {comparison.high:{sign}.3f}]"
    )


def judge(found: Findings, comparison: Comparison, margin: float) -> None:
    """The regression verdict on the main metric's difference."""
    said = paired.verdict(comparison.low, comparison.high, margin)
    found.facts |= {"verdict": said.value, "margin": margin}
    found.sentences.insert(0, f"Verdict against {comparison.baseline}, margin {margin:g}: {said.value}.")


def tell_slices(
    found: Findings, context: JobContext, parts: Sequence[Slice], whole: Interval, metric: str, baseline: str
) -> None:
    """The slices as facts and a table, and the weakest in a sentence; nothing where there are none."""
    if not parts:
        return
    worst = slices.worst(parts, whole)
    found.artefacts.append(_write(context, "slices", slices.markdown(parts, metric, baseline)))
    found.facts["slices"] = [_fact(part) for part in parts[:30]]
    found.facts["worst_slices"] = [_fact(part) for part in worst]
    if worst:
        named = ", ".join(f"{part.name} {part.found.value:.3f} on {part.found.n}" for part in worst)
        found.sentences.append(f"Weakest: {named}.")


def _fact(part: Slice) -> dict[str, JsonValue]:
    fact: dict[str, JsonValue] = {"slice": part.name, "value": part.found.value, "n": part.found.n}
    fact |= {"low": part.found.low, "high": part.found.high}
    return fact | ({"difference": part.difference.value} if part.difference is not None else {})


def tell_changes(found: Findings, context: JobContext, rows: Sequence[Row], own: Side, other: Side) -> None:
    """The examples that became better or worse, as facts, a table and a sentence."""
    gained = [i for i, (a, b) in enumerate(zip(own.values, other.values, strict=True)) if a > b]
    lost = [i for i, (a, b) in enumerate(zip(own.values, other.values, strict=True)) if a < b]
    found.facts |= {"newly_right": len(gained), "newly_wrong": len(lost)}
    found.facts["changed"] = [
        {"prompt": slices.read(rows[i]), "before": other.answers[i], "answer": own.answers[i], "now": now}
        for now, chosen in (("worse", lost), ("better", gained))
        for i in chosen[:_SHOWN]
    ]
    parts = [f"# What changed from {slices.cell_of(other.name)} to {slices.cell_of(own.name)}\n"]
    for title, chosen in (("Worse", lost), ("Better", gained)):
        parts.append(f"## {title}: {len(chosen)} of {len(rows)} items\n")
        parts.append(_table(rows, chosen[:_LISTED], own, other))
    found.artefacts.append(_write(context, "changes", "\n".join(parts)))
    found.sentences.append(f"{len(gained)} items became better and {len(lost)} worse.")


def _table(rows: Sequence[Row], chosen: Sequence[int], own: Side, other: Side) -> str:
    head = [f"what {one.name} {does}" for one, does in ((other, "said"), (own, "says"))]
    lines = ["| item | asked | " + " | ".join(slices.cell_of(cell) for cell in head) + " | scores |", "|" + "---|" * 5]
    for i in chosen:
        cells = (str(i + 1), slices.read(rows[i]), other.answers[i], own.answers[i])
        scores = f"{other.values[i]:.2f} to {own.values[i]:.2f}"
        lines.append("| " + " | ".join([*(slices.cell_of(cell) for cell in cells), scores]) + " |")
    return "\n".join(lines) + "\n"


def _write(context: JobContext, name: str, text: str) -> Artefact:
    path = context.folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    return context.artefact(name, "table", path)
