"""Next steps around the model, and after the launch."""

from pydantic import JsonValue

from agent.lifecycle.evidence import (
    on_test_set,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project
from agent.lifecycle.steps.step import Step, classifies, data_of, job, number, retrieves, return_to_handed_on, target_of
from tools.contract import Candidate, DataKind, ModelKind

GUIDE = "guardrails-and-monitoring.md"
MORE, LESS = 0.9, 0.8  # shares of decisions that are kept, first and where that does not help
DEV_ROWS = 30  # fewer say too little about a threshold: `augment` refuses them


def integrate(project: Project) -> list[Step]:
    model, lacking = project.model, {r.id: r for r in gate(project).missing}
    if model is None or "lineage" in lacking:
        return return_to_handed_on(project, ())
    steps: list[Step] = []
    if "effect" in lacking:
        steps += _augment(project, model, lacking["effect"].found, lacking["effect"].evidence)
    if "model_card" in lacking:
        steps.append(
            job(
                "Write the model card and the launch report",
                f"No model card of {model.name} is written.",
                "integrate.md",
                "report",
                model=model.name,
            )
        )
    return steps


def _augment(project: Project, model: Candidate, found: str, ids: tuple[str, ...]) -> list[Step]:
    if classifies(project) or retrieves(project) or model.kind in (ModelKind.CLASSIFIER, ModelKind.TAGGER):
        return _abstain(project, model, found, ids)
    if project.service() is None:
        reason = "What retrieval adds to the model is measured at its endpoint, and none is running."
        test = project.charter.test_set
        return [job("Start the endpoint again", reason, "serving.md", "serve", model=model.name, data=test)]
    facts = data_of(project, DataKind.FACTS)
    if facts is None:
        return [
            Step(
                title="Register questions whose answers stand in your documents",
                reason="Invented facts can only be measured with questions and their right answers.",
                command="register data PATH as facts",
                citation="retrieval.md",
            ),
            _documents("Retrieval answers from the team's own documents."),
        ]
    if not project.documents:
        return [_documents(f"{facts.name} asks for facts, and no document is there to answer from.")]
    wider: dict[str, JsonValue] = {"passages": 6, "window": 4} if ids else {}
    reason = f"The effect of retrieval is {found}" + (
        "; more passages and a wider window may hold the answer." if ids else "."
    )
    return [
        job(
            "Answer from retrieved passages",
            reason,
            "retrieval.md",
            "augment",
            ids,
            kind="retrieval",
            model=model.name,
            data=facts.name,
            **wider,
        )
    ]


def _abstain(project: Project, model: Candidate, found: str, ids: tuple[str, ...]) -> list[Step]:
    """Leave what is least certain to people; where that cannot be measured or wins nothing, a reason does."""
    data = project.datasets.get(project.charter.test_set or "")
    rows = data.splits["dev"].rows if data is not None and "dev" in data.splits else 0
    if data is not None and rows < DEV_ROWS:
        few = f"{data.name} has {rows} development rows, and a threshold needs at least {DEV_ROWS}"
        return [_without(few, f"{few}; register more another time.", ())]
    run = next((e.run for e in project.evidence if e.id in ids), "")
    tried = project.jobs[run].params.get("coverage") if run in project.jobs else None
    coverage = LESS if ids else MORE
    reason = f"The effect is {found}: leaving the least certain {1 - coverage:.0%} to people lifts what is decided."
    params = {"kind": "abstain", "model": model.name, "data": project.charter.test_set, "coverage": coverage}
    again = [] if tried == LESS else [job("Abstain where it is unsure", reason, GUIDE, "augment", ids, **params)]
    if not ids:
        return again
    little = f"The effect is {found} ({', '.join(ids)}): where hardly anything is wrong, abstaining wins little."
    return [*again, _without(f"abstaining came to {found}", little, ids)]


def _without(why: str, reason: str, ids: tuple[str, ...]) -> Step:
    command = f"waive effect because {why}"
    return Step(title="Go without abstaining", reason=reason, command=command, citation=GUIDE, evidence=ids)


def _documents(reason: str) -> Step:
    return Step(
        title="Take documents into the project's knowledge",
        reason=reason,
        command="add documents PATH",
        citation="retrieval.md",
    )


def launched(project: Project) -> list[Step]:
    model = project.model
    shown, ids = number(project, model)
    evidence = on_test_set(project, model.digest) if model else None
    metric = evidence.metric(project.charter.metric or "") if evidence else None
    target = (project.charter.target or 0.0) - project.charter.margin
    steps = [
        job(
            "Measure it again",
            f"Last measured: {shown}. Data drifts; a regression leads back.",
            "guardrails-and-monitoring.md",
            "evaluate",
            ids,
            model="current",
            data=project.charter.test_set,
            split="test",
        ),
        job("Write the report again", "It shows what holds now.", "integrate.md", "report", model="current"),
    ]
    if metric is not None and metric.value < target:
        reason = f"{shown} lies below {target_of(project)} by more than the margin {project.charter.margin:g}"
        steps.insert(
            0,
            Step(
                title="Go back and train again",
                reason=f"{reason}.",
                evidence=ids,
                citation="assess.md",
                command=f"go back to assess because {reason}",
            ),
        )
    return steps
