"""What was measured: one number and where it comes from, the evidence, the best score, candidates side by side."""

from collections.abc import Collection

from agent.lifecycle.evidence import is_back, measured_on_test, on_test_set, show_comparison, show_metric
from agent.lifecycle.project import Evidence, Project
from agent.lifecycle.stages import label
from agent.markdown import moment, size, table
from tools.contract import Candidate, Metric


def source(evidence: Evidence) -> str:
    """Where a number comes from: its evidence and the run that measured it."""
    return f"{evidence.id}, run {evidence.run}"


def main_metric(project: Project, evidence: Evidence) -> Metric | None:
    """The charter's metric where it was measured, else what its limits are set in, else the first number there is."""
    wanted = (project.charter.metric or "", "latency_p95")
    own = next((metric for name in wanted if (metric := evidence.metric(name))), None)
    return own or next(iter(evidence.metrics), None)


def score(project: Project, model: Candidate | None) -> tuple[Evidence, Metric] | None:
    """A model's last measurement of the charter's metric on the charter's test set."""
    evidence = on_test_set(project, model.digest) if model else None
    metric = evidence.metric(project.charter.metric or "") if evidence else None
    return (evidence, metric) if evidence and metric else None


def show_score(project: Project, model: Candidate | None) -> str:
    found = score(project, model)
    if found is None:
        return "not measured on the test set"
    evidence, metric = found
    return f"{metric.name} {show_metric(metric)} on {metric.n or '?'} test items ({source(evidence)})"


def evidence_table(project: Project) -> str:
    rows = [
        (e.id, e.run, label(e.stage), e.tool, e.model or "", _numbers(project, e), _measured_on(e))
        for e in project.evidence
    ]
    shown = table(("Evidence", "Run", "Stage", "Tool", "Model", "Measured", "On"), rows)
    return f"**Evidence**\n\n{shown}" if shown else "Nothing has been measured yet."


def metric_table(project: Project, name: str) -> str:
    """The last measurement by each tool of each model's metrics whose names begin like this, newest first; or nothing.

    What was measured of the model before a change is that model's, and is left out.
    """
    rows: dict[tuple[str | None, str, str], tuple[str, ...]] = {}
    for e in reversed(project.evidence):
        for m in e.metrics:
            if m.name.startswith(name) and not m.name.endswith("_before"):
                row = (m.name, show_metric(m), e.model or "", e.tool, _measured_on(e), source(e))
                rows.setdefault((e.model, e.tool, m.name), row)
    shown = table(("Metric", "Value", "Model", "Tool", "On", "Evidence"), rows.values())
    return f"**Measured: {name}**\n\n{shown}" if shown else ""


def of_models(project: Project, wanted: Collection[str]) -> Project:
    """The project as far as these models go, by name or by the method they were made with.

    One alone stands beside the model it was made from. All of it where none of them is there.
    """
    named = {name for name, model in project.candidates.items() if name in wanted or model.method in wanted}
    if not named:
        return project
    shown = named | ({project.candidates[name].parent or "" for name in named} if len(named) == 1 else set())
    return project.model_copy(
        update={
            "candidates": {name: model for name, model in project.candidates.items() if name in shown},
            "evidence": tuple(e for e in project.evidence if e.model in named),
        }
    )


def _numbers(project: Project, evidence: Evidence) -> str:
    metric = main_metric(project, evidence)
    shown = [f"{metric.name} {show_metric(metric)}"] if metric else []
    shown += [f"{c.metric} against {c.baseline} {show_comparison(c)}" for c in evidence.comparisons]
    return "; ".join(shown) or evidence.summary


def _measured_on(evidence: Evidence) -> str:
    return " ".join(part for part in (evidence.data, evidence.split) if part)


def latest(project: Project) -> str:
    if not project.evidence:
        return "Nothing has been measured yet."
    evidence = project.evidence[-1]
    rows = [(m.name, show_metric(m), m.n or "", m.split or evidence.split) for m in evidence.metrics]
    rows += [(f"{c.metric} against {c.baseline}", show_comparison(c), c.n, c.split) for c in evidence.comparisons]
    head = f"**Latest: {evidence.tool} of {evidence.model or 'no model'}** ({source(evidence)}, {moment(evidence.at)})"
    return "\n\n".join(
        part for part in (head, evidence.summary, table(("Metric", "Value", "Items", "Split"), rows)) if part
    )


def best(project: Project) -> str:
    """The best score on the charter's metric over all candidates; ties go to the earlier one."""
    name = project.charter.metric
    scored = [(model, found) for model in project.candidates.values() if (found := score(project, model))]
    if not scored:
        return f"No candidate is measured on the test set yet ({name or 'the charter names no metric'})."
    model, (evidence, metric) = max(scored, key=lambda pair: pair[1][1].value)
    target = project.charter.target
    verdict = ""
    if target is not None and metric.low is not None:
        cleared = metric.low >= target
        verdict = f" The target {target:g} is {'cleared' if cleared else 'not cleared'} by the interval's lower end."
    return (
        f"Best {metric.name}: **{show_metric(metric)}** by {model.name} ({model.method}; {source(evidence)}).{verdict}"
    )


def compare(project: Project) -> str:
    """Candidates by their score, the paired comparisons, and what each round reached."""
    scored = [(c, score(project, c)) for c in project.candidates.values()]
    ranked = sorted(scored, key=lambda pair: -(pair[1][1].value if pair[1] else -1.0))
    name = project.charter.metric or "score"
    candidates = table(
        ("Model", "Method", f"{name} on the test set", "Items", "Evidence", "Size"),
        (
            (c.name, c.method, *((show_metric(s[1]), s[1].n or "", source(s[0])) if s else ("not measured", "", "")),
             size(c.bytes))
            for c, s in ranked
        ),
    )  # fmt: skip
    pairs = table(
        ("Compared", "With", "Metric", "Difference or win rate", "Items", "Evidence"),
        (
            (e.model or "", c.baseline, c.metric, show_comparison(c), c.n, source(e))
            for e in project.evidence
            for c in e.comparisons
        ),
    )
    parts = [("**Candidates**", candidates), ("**Paired comparisons**", pairs), ("**Rounds**", _rounds(project))]
    return "\n\n".join(f"{title}\n\n{body}" for title, body in parts if body) or "There is nothing to compare yet."


def _rounds(project: Project) -> str:
    """What each round began with and its best number; nothing to compare while there is one."""
    if project.round == 1:
        return ""
    began = {m.round: f"back to {label(m.target)}: {m.reason}" for m in project.moves if is_back(m)}
    rows, on_test = [], measured_on_test(project)
    for number in range(1, project.round + 1):
        measured = [
            (e, metric)
            for e in project.evidence
            if e.round == number and on_test(e) and (metric := e.metric(project.charter.metric or ""))
        ]
        top = max(measured, key=lambda pair: pair[1].value, default=None)
        shown = (show_metric(top[1]), top[0].model or "", source(top[0])) if top else ("not measured", "", "")
        rows.append((number, began.get(number, "the beginning"), *shown))
    return table(("Round", "Began with", "Best", "Model", "Evidence"), rows)
