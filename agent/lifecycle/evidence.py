"""Reading evidence: what was measured of which model on which data. Found by digests, never by names."""

from collections.abc import Callable, Collection, Iterator

from agent.lifecycle.project import Evidence, Move, Project
from agent.lifecycle.stages import ORDER
from tools.contract import Candidate, Comparison, Metric

ALIGNED = frozenset({"grpo", "rloo", "dpo", "kto"})  # methods that change behaviour by people's preference
OPTIMISED = frozenset({"int8", "distilled", "pruned"})  # methods that make a model smaller or faster


def show_metric(metric: Metric) -> str:
    if metric.unit == "bytes":
        return f"{metric.value / 1e6:.1f} MB"
    if metric.unit == "rows":
        return f"{metric.value:,.0f}"
    if metric.unit:
        return f"{metric.value:.4g} {metric.unit}"
    bounds = "" if metric.low is None or metric.high is None else f" [{metric.low:.3f}, {metric.high:.3f}]"
    return f"{metric.value:.3f}{bounds}"


def show_comparison(comparison: Comparison) -> str:
    sign = "" if comparison.kind == "win_rate" else "+"
    return f"{comparison.value:{sign}.3f} [{comparison.low:{sign}.3f}, {comparison.high:{sign}.3f}]"


def on_test_set(project: Project, model_digest: str | None) -> Evidence | None:
    """The latest measurement of a model on the charter's whole test set, by digests of both."""
    counts = measured_on_test(project)
    return latest(project, lambda e: counts(e) and e.model_digest == model_digest)


def lineage(project: Project, name: str | None) -> Iterator[Candidate]:
    """The named candidate, the one it was made from, and so on, as far as the project knows them."""
    seen: set[str] = set()
    candidate = project.candidates.get(name) if name else None
    while candidate is not None and candidate.digest not in seen:
        yield candidate
        seen.add(candidate.digest)
        parent = candidate.parent_digest
        candidate = next((c for c in project.candidates.values() if c.digest == parent), None)


def before(project: Project, methods: Collection[str]) -> str | None:
    """Digest of what the current model was before steps of `methods`; None if its last step was another one.

    That is the model a step is judged against: an earlier ancestor would be too easy to beat.
    """
    reference = None
    for candidate in lineage(project, project.current):
        if candidate.method not in methods:
            break
        reference = candidate.parent_digest
    return reference


def is_back(move: Move) -> bool:
    """Whether a move leads to an earlier stage, and so begins a round."""
    return ORDER.index(move.target) < ORDER.index(move.origin)


def handed_on(project: Project) -> Move | None:
    """The step forward by which the project last came to the stage it is in."""
    return next((m for m in reversed(project.moves) if m.target is project.stage and not is_back(m)), None)


def made_here(project: Project, methods: Collection[str]) -> bool:
    """Whether the current model is the one handed on to this stage, or made from it by `methods` alone."""
    step = handed_on(project)
    for candidate in lineage(project, project.current):
        if step is not None and candidate.digest == step.model_digest:
            return True
        if candidate.method not in methods:
            return False
    return False


def latest(project: Project, wanted: Callable[[Evidence], bool]) -> Evidence | None:
    return next((e for e in reversed(project.evidence) if wanted(e)), None)


def compared(
    project: Project,
    kind: str,
    wanted: Callable[[Evidence], bool],
    baseline: str | None,
    metric: str | None = None,
) -> tuple[Evidence, Comparison] | None:
    """The latest comparison of the current model with the one of digest `baseline`, among the wanted evidence."""
    model = project.model
    if model is None or baseline is None:
        return None
    for evidence in reversed(project.evidence):
        if evidence.model_digest != model.digest or not wanted(evidence):
            continue
        for comparison in evidence.comparisons:
            same_metric = metric is None or comparison.metric == metric
            if comparison.kind == kind and same_metric and comparison.baseline_digest == baseline:
                return evidence, comparison
    return None


def about_safety(evidence: Evidence) -> bool:
    return evidence.data_kind == "checklist" and evidence.facts.get("category") == "safety"


def measured_on_test(project: Project) -> Callable[[Evidence], bool]:
    """Whether evidence was measured on all of the charter's test set: a part of it could be drawn until it fits."""
    rows = deciding_rows(project)

    def whole(evidence: Evidence) -> bool:
        metric = evidence.metric(project.charter.metric or "")
        return metric is None or metric.n is None or metric.n >= rows

    return lambda e: (
        e.tool == "evaluate" and e.split == "test" and e.data_digest == project.charter.test_digest and whole(e)
    )


def deciding_rows(project: Project) -> int:
    """Items in the charter's test set."""
    digest = project.charter.test_digest
    held = next((d for d in project.datasets.values() if d.digest == digest), None)
    return held.splits["test"].rows if held is not None and "test" in held.splits else 0
