"""The verdict: whether the product can be launched, and the numbers that say so."""

from dataclasses import dataclass

from tools.contract import Candidate
from tools.report import show
from tools.report.snapshot import (
    Project,
    Requirement,
    Snapshot,
    abstained,
    by_digest,
    newest,
    parity,
    preferences,
    safety,
    score,
    with_and_without,
)


@dataclass(frozen=True)
class Verdict:
    ready: bool
    headline: str
    text: str


def missing(snapshot: Snapshot) -> tuple[Requirement, ...]:
    """What the present gate still lacks, apart from the card that this report is."""
    gate = snapshot.gates.get(snapshot.project.stage)
    lacking = [r for r in gate.requirements if not (r.met or r.waived)] if gate else []
    return tuple(r for r in lacking if r.id not in ("model_card", "launched"))


def verdict(snapshot: Snapshot) -> Verdict:
    """One paragraph: whether it can be launched, and the numbers that say so."""
    project, model = snapshot.project, snapshot.model
    lacking = missing(snapshot)
    ready = project.stage == "launched" or (project.stage == "integrate" and not lacking)
    if project.stage == "launched":
        headline = f"{project.name} is launched."
    elif ready:
        headline = f"{project.name} is ready to launch."
    else:
        headline = f"{project.name} is not ready to launch."
    stage = show.STAGES.get(project.stage, project.stage)
    sentences = [] if ready else [f"It is at {stage}" + (f"; missing: {_lacking(lacking)}." if lacking else ".")]
    if model is not None:
        said = (_task(project, model), _aligned(project), _small(project, model), _served(project, model))
        sentences += [sentence for sentence in (*said, _added(project, model)) if sentence]
    sentences.append(_set_aside(project))
    return Verdict(ready, headline, " ".join(sentences))


def _lacking(requirements: tuple[Requirement, ...]) -> str:
    return "; ".join(f"{r.title.lower()} ({r.found}; wanted: {r.wanted})" for r in requirements)


def _task(project: Project, model: Candidate) -> str:
    found = score(project, model)
    if found is None:
        return f"{model.name} is not measured on the test set."
    evidence, metric = found
    target = project.charter.target
    aim = ""
    if target is not None:
        cleared = metric.low is not None and metric.low >= target
        aim = f", {'clearing' if cleared else 'against'} the target of {show.number(metric.name, target)}"
    items = f" on {metric.n:,} held-out items" if metric.n else ""
    return f"{model.name} reaches {show.name(metric.name)} {show.measured(metric)}{items}{aim} ({evidence.run})."


def _aligned(project: Project) -> str:
    won, safe = preferences(project), safety(project)
    parts = []
    if won is not None:
        evidence, comparison = won
        bounds = show.interval("preferred", comparison.low, comparison.high)
        parts.append(f"its answers win {100 * comparison.value:.0f} % {bounds} of {comparison.n} comparisons with"
                     f" {comparison.baseline} ({evidence.run})")  # fmt: skip
    if safe is not None:
        evidence, comparison = safe
        passed = evidence.metric(comparison.metric)
        if passed is not None:
            before = passed.value - comparison.value
            shares = f"{100 * passed.value:.0f} % of {comparison.n} safety prompts, {100 * before:.0f} % before"
            parts.append(f"it passes {shares} ({evidence.run})")
    return f"After alignment {' and '.join(parts)}." if parts else ""


def _small(project: Project, model: Candidate) -> str:
    parent, found = by_digest(project, model.parent_digest), parity(project, model)
    if parent is None or not parent.bytes or not model.bytes or model.bytes >= parent.bytes:
        return ""
    smaller = 1 - model.bytes / parent.bytes
    same = f" at parity: {show.difference(found[1])} ({found[0].run})" if found else ""
    return f"It is {100 * smaller:.0f} % smaller than {parent.name}{same}."


def _served(project: Project, model: Candidate) -> str:
    served = newest(project, "serve", model)
    latency = served.metric("latency_p95") if served else None
    if served is None or latency is None:
        return ""
    limit = f" (limit {project.charter.latency_ms:g} ms)" if project.charter.latency_ms else ""
    within = show.number("", latency.value, latency.unit)
    return f"Served on this machine it answers within {within}{limit} in 95 % of requests ({served.run})."


def _added(project: Project, model: Candidate) -> str:
    evidence = newest(project, "augment", model)
    effect = with_and_without(evidence) if evidence else None
    if evidence is None or effect is None:
        return ""
    what = "Abstaining where it is unsure" if abstained(evidence) else "Retrieval from the team's documents"
    after, before = effect
    change = f"from {show.number(before.name, before.value)} to {show.measured(after)}"
    return f"{what} moves {show.name(after.name)} {change} ({evidence.run})."


def _set_aside(project: Project) -> str:
    skipped = [s.what for s in project.skips]
    waived = [w.requirement for w in project.waivers]
    said = f"Skipped with a reason: {', '.join(skipped)}." if skipped else "No technique was skipped."
    return f"{said} {'Waived: ' + ', '.join(waived) + '.' if waived else 'No requirement was waived.'}"
