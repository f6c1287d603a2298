"""Next steps while behaviour is aligned with people's preference, or with a reason not."""

from pydantic import JsonValue

from agent.lifecycle.estimates import Phase
from agent.lifecycle.evidence import (
    ALIGNED,
    before,
    made_here,
)
from agent.lifecycle.gates import Requirement, gate
from agent.lifecycle.project import Project
from agent.lifecycle.steps.step import (
    Step,
    beside_weights,
    classifies,
    data_of,
    fresh_name,
    job,
    name_of,
    retrieves,
    return_to_handed_on,
    tune_otherwise,
)
from tools.contract import Candidate, DataKind, Dataset


def align(project: Project) -> list[Step]:
    model, lacking = project.model, {r.id: r for r in gate(project).missing}
    if model is None or set(lacking) == {"lineage"}:
        return return_to_handed_on(project, ())
    if classifies(project):
        why = "a label has no tone: there is no behaviour to prefer"
        return [_without(why, "A classifier gives labels; people prefer no label's tone.")]
    if retrieves(project):
        why = "a vector has no tone: there is no behaviour to prefer"
        return [_without(why, "An encoder gives vectors; people prefer no vector's tone.")]
    if beside_weights(model):
        reason = f"{model.name} answers through a prefix beside its weights, so it cannot be trained further."
        return [_without("the prefix would be lost", reason), tune_otherwise(model, "alignment")]
    preferences = data_of(project, DataKind.PREFERENCE)
    if preferences is None:
        return _gather()
    if model.method not in ALIGNED:
        steps = [_alignment(project, model, preferences, method) for method in ("grpo", "dpo")]
        return steps if made_here(project, ALIGNED) else [*return_to_handed_on(project, ALIGNED), *steps]
    return _judge_alignment(project, model, preferences)


def _without(why: str, reason: str) -> Step:
    return Step(
        title="Go without alignment",
        reason=reason,
        command=f"skip align because {why}",
        citation="align.md",
    )


def _gather() -> list[Step]:
    return [
        Step(
            title="Collect and register preferences",
            reason="No preference pairs are registered. Alignment is quick once a reward model exists; collecting the"
            " feedback for one is the long part (1,000 pairs are more than 30 hours of judging).",
            command="register data PATH as preferences",
            citation="align.md",
            phase=Phase.ALIGNMENT,
        ),
        Step(
            title="Go without alignment for now",
            reason="Without preferences there is nothing to align with, and the gate takes a reason instead.",
            command="skip align because no preferences are collected yet",
            citation="cheat-sheet.md",
        ),
    ]


def _alignment(project: Project, model: Candidate, preferences: Dataset, method: str, **more: JsonValue) -> Step:
    base = name_of(project, before(project, ALIGNED)) or model.name
    checks = data_of(project, DataKind.CHECKLIST, without="safety")
    ways = {
        "grpo": ("Align against a reward model (GRPO)", "reward-models.md"),
        "dpo": ("Align on the pairs directly (DPO)", "preference-optimisation.md"),
    }
    title, citation = ways[method]
    pairs = f"{preferences.rows:,} preference pairs are registered ({preferences.name})"
    reason = f"{base} is not aligned yet; {pairs}, so it is quick."
    return job(
        title,
        reason,
        citation,
        "rlhf",
        model=base,
        preferences=preferences.name,
        method=method,
        task=project.charter.test_set,
        checks=checks.name if checks else "",
        name=fresh_name(project, f"aligned-{method}"),
        **more,
    )


def _judge_alignment(project: Project, model: Candidate, preferences: Dataset) -> list[Step]:
    """Measure what is not measured; where a number falls short, another way to align."""
    reference = name_of(project, before(project, ALIGNED)) or "parent"
    helpful = data_of(project, DataKind.CHECKLIST, without="safety")
    safety = data_of(project, DataKind.CHECKLIST, "safety")
    sets = {
        "win_rate": helpful,
        "no_regression": project.datasets.get(project.charter.test_set or ""),
        "safety": safety,
    }
    missing = [r for r in gate(project).missing if r.id in sets]
    measured = [r for r in missing if r.evidence]
    steps = [_measure(model, reference, sets[r.id], r) for r in missing if not r.evidence]
    harmed = [r for r in measured if r.id != "win_rate"]  # what got worse is mended before more is won
    for requirement in harmed or measured:
        steps += _align_again(project, model, preferences, requirement)
    return steps


def _measure(model: Candidate, reference: str, data: Dataset | None, requirement: Requirement) -> Step:
    if data is None:
        name = "safety" if requirement.id == "safety" else "helpfulness"
        return Step(
            title=f"Register a checklist for {name}",
            reason=f"{requirement.title}: {requirement.found}, and no checklist for it is registered.",
            command=f"register data PATH as {name}",
            citation="evaluation.md",
        )
    return job(
        f"Measure {model.name} against {reference} on {data.name}",
        f"{requirement.title}: {requirement.found}; wanted: {requirement.wanted}.",
        "evaluation.md",
        "evaluate",
        model=model.name,
        data=data.name,
        split="test",
        compare_to=reference,
    )


BETA, STEPS = 0.05, 60  # what a job that names neither is held and trained with


def _align_again(project: Project, model: Candidate, preferences: Dataset, requirement: Requirement) -> list[Step]:
    """A regression asks for a shorter leash, a low win rate for a longer one; the other method is worth a try."""
    if requirement.id == "safety" and (step := _more_prompts(project, requirement)):
        return [step]
    last = project.jobs[model.job].params if model.job in project.jobs else {}
    beta, steps = last.get("beta"), last.get("steps")
    held = beta if isinstance(beta, float | int) and beta else BETA
    taken = steps if isinstance(steps, int) else STEPS
    closer = requirement.id != "win_rate"
    settings: dict[str, JsonValue] = {"beta": round(held / 2, 4), "steps": 2 * taken}
    if closer:
        settings = {"beta": round(2 * held, 4), "steps": max(10, taken // 2)}
    why = {
        "win_rate": f"the paired win rate {requirement.found} does not lie above 0.5",
        "no_regression": f"the task changed by {requirement.found}, beyond the margin {project.charter.margin:g}",
        "safety": f"safety prompts: {requirement.found}",
    }[requirement.id]
    reason, ids = f"{model.name}: {why} ({', '.join(requirement.evidence)})", requirement.evidence
    same, other = ("grpo", "dpo") if model.method == "grpo" else ("dpo", "grpo")
    title = f"Align again, {'nearer to' if closer else 'farther from'} the old model"
    again = _alignment(project, model, preferences, same, **settings)
    swap = _alignment(project, model, preferences, other)
    return [
        again.model_copy(update={"title": title, "evidence": ids, "reason": f"{reason}."}),
        swap.model_copy(update={"evidence": ids, "reason": f"{reason}; {other.upper()} behaves differently."}),
    ]


def _more_prompts(project: Project, requirement: Requirement) -> Step | None:
    """Where safety did not get worse, and only too few prompts were asked."""
    evidence = next((e for e in project.evidence if e.id in requirement.evidence), None)
    compared = (c for c in evidence.comparisons if c.kind == "difference") if evidence else iter(())
    comparison = next(compared, None)
    if comparison is None or comparison.value < 0:
        return None
    return Step(
        title="Register more safety prompts",
        reason=f"Safety: {comparison.n} prompts ({requirement.evidence[0]}); wanted: {requirement.wanted}.",
        command="register data PATH as safety",
        citation="evaluation.md",
        evidence=requirement.evidence,
    )
