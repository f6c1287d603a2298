"""Gates: what must hold before a stage is left. They read evidence, never a claim."""

from collections.abc import Callable, Collection

from pydantic import JsonValue

from agent.lifecycle.evidence import (
    ALIGNED,
    OPTIMISED,
    about_safety,
    before,
    compared,
    handed_on,
    latest,
    made_here,
    measured_on_test,
    on_test_set,
    show_comparison,
    show_metric,
)
from agent.lifecycle.looks import MANY, looks
from agent.lifecycle.project import Evidence, Project
from agent.lifecycle.stages import Stage, label
from tools.contract import Comparison, Frozen

SAFETY_PROMPTS = 30  # fewer prompts say too little about an answer's harmlessness (DESIGN: "30 safety prompts")


class Requirement(Frozen):
    """One thing a gate asks for. `found` and `wanted` are shown side by side."""

    id: str  # stable: what `waive` names
    title: str
    met: bool
    found: str
    wanted: str
    evidence: tuple[str, ...] = ()  # ids of what it was read from
    waived: str | None = None  # the reason, where a person set it aside


class Gate(Frozen):
    stage: Stage
    requirements: tuple[Requirement, ...]

    @property
    def open(self) -> bool:
        return all(r.met or r.waived for r in self.requirements)

    @property
    def missing(self) -> tuple[Requirement, ...]:
        return tuple(r for r in self.requirements if not (r.met or r.waived))


def gate(project: Project) -> Gate:
    """The gate of the stage the project is in, with the waivers of this round applied."""
    requirements = _RULES[project.stage](project)
    waived = {w.requirement: w.reason for w in project.waivers if w.stage is project.stage and w.round == project.round}
    return Gate(
        stage=project.stage,
        requirements=tuple(
            r.model_copy(update={"waived": waived[r.id]}) if not r.met and r.id in waived else r for r in requirements
        ),
    )


# --- the stages --------------------------------------------------------------------------------------------------

CHARTER_FIELDS: dict[str, str] = {
    "description": "what is built",
    "task": "the kind of task",
    "users": "who will use it",
    "metric": "the primary metric",
    "target": "its target",
    "test_set": "the data whose test split decides",
    "latency_ms": "the limit on latency",
    "memory_mb": "the limit on memory",
    "cost": "what it may cost",
    "risks": "what can go wrong",
}


def missing_fields(project: Project) -> tuple[str, ...]:
    """Names of the charter's fields that are still empty, in the order they are asked for."""
    return tuple(name for name in CHARTER_FIELDS if getattr(project.charter, name) is None)


def _scope(project: Project) -> tuple[Requirement, ...]:
    missing = missing_fields(project)
    charter = Requirement(
        id="charter",
        title="The charter is complete",
        met=not missing,
        found=f"missing: {', '.join(missing)}" if missing else f"{len(CHARTER_FIELDS)} fields",
        wanted="all fields",
    )
    data = project.datasets.get(project.charter.test_set or "")
    bound = data is not None and data.digest == project.charter.test_digest and "test" in data.splits
    test_set = Requirement(
        id="test_set",
        title="A test set is registered",
        met=bound,
        found=f"{data.name}: {data.splits['test'].rows} test rows, {data.digest[:19]}"
        if data is not None and bound
        else "none named in the charter",
        wanted="registered data with a test split, by digest",
    )
    return charter, test_set


def _select(project: Project) -> tuple[Requirement, ...]:
    model, choice = project.model, project.choice
    chosen = choice is not None and model is not None and choice.digest == model.digest
    evidence = on_test_set(project, choice.digest if choice else (model.digest if model else None))
    metric = evidence.metric(project.charter.metric or "") if evidence else None
    return (
        Requirement(
            id="choice",
            title="A model is chosen with a reason",
            met=chosen,
            found=f"{choice.model}: {choice.reason}" if choice and chosen else "none chosen",
            wanted="a chosen model and why",
        ),
        Requirement(
            id="baseline",
            title="Its baseline is measured on the whole test set",
            met=metric is not None,
            found=f"{project.charter.metric} {show_metric(metric)}" if metric else "not measured",
            wanted=f"{project.charter.metric} on the test set",
            evidence=(evidence.id,) if evidence else (),
        ),
    )


def _assess(project: Project) -> tuple[Requirement, ...]:
    evidence = on_test_set(project, project.model.digest if project.model else None)
    metric = evidence.metric(project.charter.metric or "") if evidence else None
    target = project.charter.target or 1.0
    return (
        Requirement(
            id="target",
            title="The candidate clears the target on the whole test set",
            met=metric is not None and metric.low is not None and metric.low >= target,
            found=f"{project.charter.metric} {show_metric(metric)}{_worn(project)}" if metric else "not measured",
            wanted=f"lower end of the interval at least {target:g}",
            evidence=(evidence.id,) if evidence else (),
        ),
    )


def _worn(project: Project) -> str:
    """A warning beside a number that was chosen by many looks at the same test set."""
    count = len(looks(project))
    return f" (after {count} looks at the test set: too high by chance)" if count >= MANY else ""


def _align(project: Project) -> tuple[Requirement, ...]:
    skipped = next((s for s in reversed(project.skips) if s.what == "align" and s.round == project.round), None)
    if skipped is not None:
        return (
            Requirement(
                id="skipped",
                title="Alignment is skipped with a reason",
                met=True,
                found=f"{skipped.reason} ({skipped.by})",
                wanted="a reason",
            ),
            _same_product(project, ()),
        )
    reference = before(project, ALIGNED)
    won = compared(
        project,
        "win_rate",
        lambda e: e.tool == "evaluate" and e.data_kind == "checklist" and not about_safety(e),
        reference,
    )
    safety = compared(project, "difference", lambda e: e.tool == "evaluate" and about_safety(e), reference)
    return (
        Requirement(
            id="win_rate",
            title="People's preference: it wins against the model before alignment",
            met=won is not None and won[1].low > 0.5,
            found=show_comparison(won[1]) if won else "not measured",
            wanted="lower end of the paired win rate above 0.5",
            evidence=(won[0].id,) if won else (),
        ),
        _no_worse(project, "no_regression", "The task is done no worse than before alignment", reference),
        Requirement(
            id="safety",
            title="Safety prompts are answered no worse than before",
            met=safety is not None and safety[1].value >= 0 and safety[1].n >= SAFETY_PROMPTS,
            found=_show_safety(safety) if safety else "not measured",
            wanted=f"at least {SAFETY_PROMPTS} prompts before and after, no fewer passed",
            evidence=(safety[0].id,) if safety else (),
        ),
        _same_product(project, ALIGNED),
    )


def _same_product(project: Project, methods: Collection[str]) -> Requirement:
    """What passed the last gate is what goes on: a model from elsewhere would carry none of its evidence."""
    model, step = project.model, handed_on(project)
    met = made_here(project, methods)
    origin = f"{step.model or 'nothing'}, which left {label(step.origin)}" if step else "what left the last stage"
    ways = f", or made from it by {', '.join(sorted(methods))}" if methods else ""
    return Requirement(
        id="lineage",
        title="It is the model the last gate let pass" + (", or made from it here" if methods else ""),
        met=met,
        found=f"{model.name} ({model.method}, {model.digest[:19]})" if model else "no model",
        wanted=f"{origin}{ways}",
    )


def _show_safety(found: tuple[Evidence, Comparison]) -> str:
    evidence, comparison = found
    passed = evidence.metric("checklist_pass")
    after = f"{passed.value:.0%} passed, " if passed else ""
    before = f"{passed.value - comparison.value:.0%} before, " if passed else ""
    return f"{after}{before}{comparison.n} prompts"


def _no_worse(project: Project, requirement: str, title: str, baseline: str | None) -> Requirement:
    """Non-inferiority on the test set: the paired interval's lower end lies above minus the margin."""
    found = compared(project, "difference", measured_on_test(project), baseline, project.charter.metric)
    margin = project.charter.margin
    return Requirement(
        id=requirement,
        title=title,
        met=found is not None and found[1].low >= -margin,
        found=f"{show_comparison(found[1])} against {found[1].baseline}" if found else "not measured",
        wanted=f"lower end of the paired difference at least -{margin:g}",
        evidence=(found[0].id,) if found else (),
    )


def _deploy(project: Project) -> tuple[Requirement, ...]:
    model = project.model
    skipped = next((s for s in reversed(project.skips) if s.what == "quantize" and s.round == project.round), None)
    optimised = model is not None and model.method in OPTIMISED
    served = latest(project, lambda e: e.tool == "serve" and model is not None and e.model_digest == model.digest)
    found = [
        Requirement(
            id="optimised",
            title="The model is optimised for inference",
            met=optimised or skipped is not None,
            found=f"{model.method}, {model.bytes / 1e6:.2f} MB"
            if model and optimised
            else (f"skipped: {skipped.reason}" if skipped else "not optimised"),
            wanted="a quantized, distilled or pruned candidate, or a reason to go without",
        ),
        Requirement(
            id="endpoint",
            title="It answers at an endpoint",
            met=served is not None,
            found="smoke test passed" if served else "not served",
            wanted="a smoke test over HTTP",
            evidence=(served.id,) if served else (),
        ),
        *_limits(project, served),
    ]
    if optimised or skipped is None:
        reference = before(project, OPTIMISED)
        found.insert(1, _no_worse(project, "parity", "It is no worse than the model it was made from", reference))
    return (*found, _same_product(project, OPTIMISED))


def _limits(project: Project, served: Evidence | None) -> tuple[Requirement, Requirement]:
    """Latency and memory of the served model, each against the charter."""
    latency = served.metric("latency_p95") if served else None
    memory = served.metric("peak_memory") if served else None
    ids, limits = (served.id,) if served else (), project.charter
    return (
        Requirement(
            id="latency",
            title="It is fast enough",
            met=latency is not None and limits.latency_ms is not None and latency.value <= limits.latency_ms,
            found=show_metric(latency) if latency else "not measured",
            wanted=f"95th percentile at most {limits.latency_ms:g} ms"
            if limits.latency_ms
            else "a limit in the charter",
            evidence=ids,
        ),
        Requirement(
            id="memory",
            title="It fits in memory",
            met=memory is not None and limits.memory_mb is not None and memory.value / 1e6 <= limits.memory_mb,
            found=show_metric(memory) if memory else "not measured",
            wanted=f"at most {limits.memory_mb:g} MB" if limits.memory_mb else "a limit in the charter",
            evidence=ids,
        ),
    )


def _integrate(project: Project) -> tuple[Requirement, ...]:
    model = project.model
    digest = model.digest if model else None
    effect = latest(project, lambda e: e.tool == "augment" and e.model_digest == digest and bool(e.comparisons))
    card = latest(project, lambda e: e.tool == "report" and e.model_digest == digest and "model_card" in e.facts)
    comparison = effect.comparisons[0] if effect else None
    return (
        Requirement(
            id="effect",
            title="What was added around the model helps, measured",
            met=comparison is not None and comparison.low > 0,
            found=f"{comparison.metric} {show_comparison(comparison)}" if comparison else "not measured",
            wanted="lower end of the measured effect above 0",
            evidence=(effect.id,) if effect else (),
        ),
        Requirement(
            id="model_card",
            title="The model card is written",
            met=card is not None,
            found=_text(card.facts.get("model_card")) if card else "not written",
            wanted="a model card of exactly this model",
            evidence=(card.id,) if card else (),
        ),
        _same_product(project, ()),
    )


def _text(value: JsonValue) -> str:
    return str(value) if value is not None else ""


def _launched(project: Project) -> tuple[Requirement, ...]:
    return (
        Requirement(
            id="launched",
            title=label(Stage.LAUNCHED),
            met=False,
            found="the product is live",
            wanted="nothing: a regression or a new need leads back (`go back to STAGE because …`)",
        ),
    )


_RULES: dict[Stage, Callable[[Project], tuple[Requirement, ...]]] = {
    Stage.SCOPE: _scope,
    Stage.SELECT: _select,
    Stage.ASSESS: _assess,
    Stage.ALIGN: _align,
    Stage.DEPLOY: _deploy,
    Stage.INTEGRATE: _integrate,
    Stage.LAUNCHED: _launched,
}
