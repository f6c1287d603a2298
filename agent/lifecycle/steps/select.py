"""Next steps while a model is chosen: candidates, their baselines, a reasoned choice."""

from agent.lifecycle.evidence import (
    on_test_set,
    show_metric,
)
from agent.lifecycle.project import Project
from agent.lifecycle.steps.step import Step, classifies, data_of, fresh_name, job, retrieves
from tools.contract import DataKind


def select(project: Project) -> list[Step]:
    if not project.candidates:
        return _first_model(project)
    test = project.charter.test_set or ""
    unmeasured = [c for c in project.candidates.values() if on_test_set(project, c.digest) is None]
    steps = [
        job(
            f"Measure the baseline of {c.name}",
            f"{c.name} is not measured on {test} yet; without a baseline no later number says anything.",
            "select.md",
            "evaluate",
            model=c.name,
            data=test,
            split="test",
        )
        for c in unmeasured[:3]
    ]
    chosen = project.choice and project.model and project.choice.digest == project.model.digest
    return steps if chosen else [*steps, *choose_best(project)]


def _first_model(project: Project) -> list[Step]:
    encodes = classifies(project) or retrieves(project)
    existing = Step(
        title="Take an existing model",
        reason="There is no candidate. An existing model is usual: pre-training takes days to months at real size.",
        command="add model minilm" if encodes else "add model PATH",
        citation="existing-or-pretraining.md",
    )
    compared = Step(
        title="Compare candidate models",
        reason="There is no candidate. A table of the models in a folder, with licence, context and memory for each way"
        " of training, tells which can be used here, and what pre-training would take instead.",
        command="select folder=PATH",
        citation="select.md",
    )
    corpus = data_of(project, DataKind.CORPUS)
    if encodes or corpus is None:
        return [existing, compared]
    own = job(
        "Pre-train a small model on your own text",
        f"There is no candidate, and a corpus is registered ({corpus.name}, {corpus.rows:,} rows): for a language no"
        " model has seen, or a small machine, training from scratch is the reason that counts.",
        "existing-or-pretraining.md",
        "pretrain",
        data=corpus.name,
        name=fresh_name(project, "tiny"),
    )
    return [own, existing, compared]


def choose_best(project: Project) -> list[Step]:
    measured = {
        c.name: (metric, evidence)
        for c in project.candidates.values()
        if (evidence := on_test_set(project, c.digest)) and (metric := evidence.metric(project.charter.metric or ""))
    }
    if not measured:
        return []
    best = max(measured, key=lambda name: measured[name][0].value)
    metric, evidence = measured[best]
    close = [
        name
        for name, (other, _) in measured.items()
        if name != best and other.high is not None and metric.low is not None and other.high >= metric.low
    ]
    near = f"; the intervals of {', '.join(close)} overlap with it, so size and speed may decide" if close else ""
    why = f"its {metric.name} of {metric.value:.3f} is the best of {len(measured)} measured ({evidence.id})"
    return [
        Step(
            title=f"Choose {best}",
            reason=f"No model is chosen; {best} has {metric.name} {show_metric(metric)} ({evidence.id}){near}.",
            command=f"choose model {best} because {why}",
            citation="select.md",
            evidence=(evidence.id,),
        )
    ]
