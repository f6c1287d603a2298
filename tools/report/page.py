"""The report and the model card as text: the templates, filled in. Nothing here is loaded from another host."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from tools.contract import Candidate, Metric
from tools.report import show, story, summary, verdict
from tools.report.plots import Plot
from tools.report.snapshot import (
    Project,
    Snapshot,
    abstained,
    lineage,
    newest,
    parity,
    preferences,
    safety,
    score,
    with_and_without,
)

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Picture:
    """A plot that a run left behind."""

    run: str
    name: str
    png: bytes


@dataclass(frozen=True)
class Tile:
    """One headline number."""

    label: str
    value: str
    note: str
    run: str
    good: bool | None  # None: neither good nor bad


def environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "moment": show.moment,
        "duration": show.duration,
        "short": show.short,
        "stage": lambda value: show.STAGES.get(value, value),
        "method": lambda value: show.METHODS.get(value, value),
        "measured": show.measured,
        "metric_name": show.name,
        "data_uri": lambda png: "data:image/png;base64," + base64.b64encode(png).decode(),
        "cell": cell,
    }
    return found


def cell(text: object) -> str:
    """A value in a Markdown table: one line, no bar that would end the cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def content(snapshot: Snapshot, title: str = "") -> dict[str, Any]:
    """Everything the templates show."""
    project, model = snapshot.project, snapshot.model
    return {
        "title": title or project.name,
        "snapshot": snapshot,
        "project": project,
        "charter": project.charter,
        "model": model,
        "lineage": lineage(project, model) if model else (),
        "others": [c for c in project.candidates.values() if model is None or c not in lineage(project, model)],
        "scores": {c.name: found[1] for c in project.candidates.values() if (found := score(project, c))},
        "verdict": verdict.verdict(snapshot),
        "tiles": tiles(snapshot),
        "rows": summary.summary(snapshot),
        "steps": story.steps(snapshot),
        "risks": story.risks(snapshot),
        "samples": story.samples(snapshot),
        "gate": snapshot.gates.get(project.stage),
        "refused": [line for line in snapshot.audit if not line.accepted],
    }


def report_html(snapshot: Snapshot, plots: Sequence[Plot], pictures: Sequence[Picture], title: str = "") -> str:
    values = content(snapshot, title) | {"plots": plots, "pictures": pictures}
    return environment().get_template("report.html.j2").render(values)


def report_markdown(snapshot: Snapshot, plots: Mapping[str, Plot], title: str = "") -> str:
    """`plots` by the path they are written to, relative to the report."""
    return environment().get_template("report.md.j2").render(content(snapshot, title) | {"plots": plots})


def model_card(snapshot: Snapshot, model: Candidate) -> str:
    """After Mitchell et al. 2019, Model Cards for Model Reporting."""
    project = snapshot.project
    line = lineage(project, model)
    earlier = {c.digest for c in line} - {model.digest}
    measured = [e for e in project.evidence if e.metrics or e.comparisons]
    values = content(snapshot) | {
        "model": model,
        "lineage": line,
        "measurements": [e for e in measured if e.model_digest == model.digest],
        "behaviour": [e for e in measured if e.model_digest in earlier and e.data_kind == "checklist"],
    }
    return environment().get_template("model-card.md.j2").render(values)


# --- headline numbers --------------------------------------------------------------------------------------------


def tiles(snapshot: Snapshot) -> tuple[Tile, ...]:
    project, model = snapshot.project, snapshot.model
    if model is None:
        return ()
    about_model = (_score, _parity, _latency, _effect)
    score_tile, *others = (make(project, model) for make in about_model)
    found = (score_tile, _wins(project), _safety(project), *others)
    return tuple(tile for tile in found if tile is not None)


def _score(project: Project, model: Candidate) -> Tile | None:
    found = score(project, model)
    if found is None:
        return None
    evidence, metric = found
    target = project.charter.target
    note = f"{show.interval(metric.name, metric.low, metric.high)}"
    note += f", target {show.number(metric.name, target)}" if target else ""
    good = None if target is None or metric.low is None else metric.low >= target
    return Tile(show.name(metric.name), show.number(metric.name, metric.value), note, evidence.run, good)


def _wins(project: Project) -> Tile | None:
    found = preferences(project)
    if found is None:
        return None
    evidence, c = found
    note = f"{show.interval('preferred', c.low, c.high)} over {c.baseline}"
    return Tile("comparisons won", f"{100 * c.value:.0f} %", note, evidence.run, c.low > 0.5)


def _safety(project: Project) -> Tile | None:
    found = safety(project)
    metric = found[0].metric(found[1].metric) if found else None
    if found is None or metric is None:
        return None
    before = metric.value - found[1].value
    note = f"{100 * before:.0f} % before, {found[1].n} prompts"
    return Tile("safety prompts passed", f"{100 * metric.value:.0f} %", note, found[0].run, found[1].value >= 0)


def _parity(project: Project, model: Candidate) -> Tile | None:
    found = parity(project, model)
    parent = next((c for c in project.candidates.values() if c.digest == model.parent_digest), None)
    if found is None or parent is None or not parent.bytes or model.bytes >= parent.bytes:
        return None
    smaller = 1 - model.bytes / parent.bytes
    kept = found[1].low >= -project.charter.margin
    return Tile("smaller on disk", f"{100 * smaller:.0f} %", f"at {show.difference(found[1])}", found[0].run, kept)


def _latency(project: Project, model: Candidate) -> Tile | None:
    served = newest(project, "serve", model)
    metric = served.metric("latency_p95") if served else None
    if served is None or metric is None:
        return None
    limit = project.charter.latency_ms
    note = f"95th percentile{f', limit {limit:g} ms' if limit else ''}"
    good = None if limit is None else metric.value <= limit
    return Tile("latency", f"{metric.value:.0f} {metric.unit or 'ms'}", note, served.run, good)


def _effect(project: Project, model: Candidate) -> Tile | None:
    evidence = newest(project, "augment", model)
    pair: tuple[Metric, Metric] | None = with_and_without(evidence) if evidence else None
    if evidence is None or pair is None:
        return None
    after, before = pair
    what = "by abstaining" if abstained(evidence) else "with retrieval"
    note = f"{show.number(before.name, before.value)} without"
    return Tile(f"{show.name(after.name)} {what}", show.number(after.name, after.value), note, evidence.run,
                evidence.comparisons[0].low > 0)  # fmt: skip
