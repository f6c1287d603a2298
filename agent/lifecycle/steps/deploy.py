"""Next steps while the model is made small and fast and put behind an endpoint."""

from agent.lifecycle.evidence import (
    OPTIMISED,
    before,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project
from agent.lifecycle.steps.step import (
    Step,
    beside_weights,
    classifies,
    fresh_name,
    job,
    name_of,
    retrieves,
    return_to_handed_on,
    tune_otherwise,
)
from tools.contract import Candidate


def deploy(project: Project) -> list[Step]:
    model, test = project.model, project.charter.test_set
    lacking = {r.id: r for r in gate(project).missing}
    if model is None or "lineage" in lacking:
        return return_to_handed_on(project, OPTIMISED)
    steps: list[Step] = []
    if "optimised" in lacking and beside_weights(model):
        reason = f"{model.name} answers through a prefix beside its weights, which 8 bits would lose."
        return [_as_it_is("the prefix would be lost", reason, "quantization.md"), tune_otherwise(model, "quantizing")]
    if "optimised" in lacking:
        reason = f"{model.name} ({model.bytes / 1e6:.1f} MB) is not optimised; int8 is quick, and kept only at parity."
        name = fresh_name(project, f"{model.name}-int8")
        return [job("Quantize to int8", reason, "quantization.md", "quantize", model=model.name, data=test, name=name)]
    if "parity" in lacking:
        steps += _parity(project, model, lacking["parity"].found, lacking["parity"].evidence)
    if "endpoint" in lacking:
        steps.append(
            job(
                "Serve it and smoke-test it",
                f"{model.name} has not answered at an endpoint yet.",
                "serving.md",
                "serve",
                model=model.name,
                data=test,
            )
        )
        return steps
    for limit in ("latency", "memory"):
        if limit in lacking:
            steps += _over_limit(project, model, limit)
    return steps


def _parity(project: Project, model: Candidate, found: str, ids: tuple[str, ...]) -> list[Step]:
    reference = name_of(project, before(project, OPTIMISED)) or "parent"
    if not ids:
        title = f"Compare {model.name} with {reference} on the same items"
        reason = (
            f"Parity is not measured: the gate wants the paired difference no lower than -{project.charter.margin:g}."
        )
        compared = {"model": model.name, "data": project.charter.test_set, "split": "test", "compare_to": reference}
        return [job(title, reason, "quantization.md", "evaluate", **compared)]
    short = f"the difference {found} ({', '.join(ids)}) falls below -{project.charter.margin:g}"
    return [
        Step(
            title=f"Go on with {reference} unquantized",
            reason=f"{short}; quantization is worth it only at parity.",
            command=f"choose model {reference} because {short}",
            citation="quantization.md",
            evidence=ids,
        ),
        _as_it_is(short, f"{short}; with {reference} chosen, a reason does.", "cheat-sheet.md", ids),
    ]


def _as_it_is(why: str, reason: str, citation: str, ids: tuple[str, ...] = ()) -> Step:
    return Step(
        title="Go without quantization",
        reason=reason,
        command=f"skip quantize because {why}",
        citation=citation,
        evidence=ids,
    )


def _over_limit(project: Project, model: Candidate, limit: str) -> list[Step]:
    requirement = next(r for r in gate(project).requirements if r.id == limit)
    short = f"{requirement.found} ({', '.join(requirement.evidence)}); wanted: {requirement.wanted}"
    answers = not (classifies(project) or retrieves(project))
    again = job(
        "Measure again with shorter answers and a quiet machine" if answers else "Measure again on a quiet machine",
        f"{limit}: {short}.",
        "serving.md",
        "serve",
        requirement.evidence,
        model=model.name,
        data=project.charter.test_set,
        max_new_tokens=16 if answers else None,
    )
    smaller = Step(
        title="Go back for a smaller model",
        reason=f"{limit}: {short}.",
        citation="compute-and-memory.md",
        command=f"go back to select because {limit} is {requirement.found}",
        evidence=requirement.evidence,
    )
    return [again, smaller] if limit == "latency" else [smaller]
