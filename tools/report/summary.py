"""The summary table: what each step changed, before and after, with the run that measured it."""

from dataclasses import dataclass

from tools.contract import Comparison
from tools.report import show
from tools.report.snapshot import (
    Evidence,
    Project,
    Snapshot,
    by_digest,
    is_safety,
    with_and_without,
)


@dataclass(frozen=True)
class Row:
    stage: str
    tool: str
    model: str
    measure: str
    before: str
    after: str
    items: str
    seconds: float | None
    run: str
    evidence: str


def summary(snapshot: Snapshot) -> tuple[Row, ...]:
    """What each step changed, in the order it was measured."""
    project = snapshot.project
    rows: list[Row] = []
    for evidence in project.evidence:
        for measure, before, after, items in _changes(project, evidence):
            job = project.jobs.get(evidence.run)
            rows.append(
                Row(
                    stage=show.STAGES.get(evidence.stage, evidence.stage),
                    tool=evidence.tool,
                    model=evidence.model or "",
                    measure=measure,
                    before=before,
                    after=after,
                    items=f"{items:,}" if items else "",
                    seconds=job.seconds if job else None,
                    run=evidence.run,
                    evidence=evidence.id,
                )
            )
    return tuple(rows)


Change = tuple[str, str, str, int | None]  # measure, before, after, items


def _changes(project: Project, evidence: Evidence) -> list[Change]:
    match evidence.tool:
        case "data" | "report":
            return []
        case "quantize":
            return _size(project, evidence)
        case "serve":
            return _limits(project, evidence)
        case "augment":
            return _effect(evidence)
    told = [c for c in evidence.comparisons if c.kind == "difference" or not is_safety(evidence)]
    compared = [_compared(evidence, c) for c in told]
    return compared or _alone(project, evidence)


def _compared(evidence: Evidence, comparison: Comparison) -> Change:
    if comparison.kind == "win_rate":
        bounds = show.interval("preferred", comparison.low, comparison.high)
        return (
            f"win rate over {comparison.baseline}",
            "even: 50 %",
            f"{100 * comparison.value:.1f} % {bounds}",
            comparison.n,
        )
    metric = evidence.metric(comparison.metric)
    what = f"safety: {show.name(comparison.metric)}" if is_safety(evidence) else show.name(comparison.metric)
    if metric is None:
        return f"{what}, difference to {comparison.baseline}", "", show.difference(comparison), comparison.n
    before = show.number(comparison.metric, metric.value - comparison.value)
    return _where(what, evidence), f"{before} ({comparison.baseline})", show.measured(metric), comparison.n


def _alone(project: Project, evidence: Evidence) -> list[Change]:
    """The main number of a run that compared nothing; before and after where the run measured both itself."""
    wanted = (
        project.charter.metric,
        "exact_match",
        "accuracy",
        "entity_f1",
        "reward",
        "reward_after",
        "perplexity",
        "checklist_pass",
    )
    metric = next((m for name in wanted if (m := evidence.metric(name))), None) or next(iter(evidence.metrics), None)
    if metric is None:
        return []
    base = metric.name.removesuffix("_after")
    before, plain = evidence.metric(f"{base}_before"), evidence.metric(f"{base}_0_shot")
    earlier = show.number(metric.name, before.value, before.unit) if before else ""
    if plain is not None:
        earlier = f"{show.number(metric.name, plain.value)} (zero-shot)"
    return [(_where(show.name(base), evidence), earlier, show.measured(metric), metric.n)]


def _where(what: str, evidence: Evidence) -> str:
    return f"{what} ({evidence.split})" if evidence.split in ("dev", "test") else what


def _size(project: Project, evidence: Evidence) -> list[Change]:
    model = by_digest(project, evidence.model_digest)
    parent = by_digest(project, model.parent_digest) if model else None
    if model is None or not model.bytes:
        return []
    before = show.number("", parent.bytes, "bytes") if parent and parent.bytes else ""
    return [("size on disk", before, show.number("", model.bytes, "bytes"), None)]


def _limits(project: Project, evidence: Evidence) -> list[Change]:
    limits = (
        ("latency_p95", project.charter.latency_ms, "ms", 1.0),
        ("peak_memory", project.charter.memory_mb, "MB", 1e6),
    )
    rows: list[Change] = []
    for name, limit, unit, scale in limits:
        if metric := evidence.metric(name):
            allowed = f"limit {limit:g} {unit}" if limit else ""
            shown = f"{metric.value / scale:,.0f} {unit}" if scale > 1 else show.measured(metric)
            rows.append((show.name(name), allowed, shown, metric.n))
    return rows


def _effect(evidence: Evidence) -> list[Change]:
    pair = with_and_without(evidence)
    if pair is None:
        return []
    after, before = pair
    return [
        (show.name(after.name), f"{show.number(before.name, before.value)} (without)", show.measured(after), after.n)
    ]
