"""One thing to do next, and what reasons read of a project."""

from pydantic import Field, JsonValue

from agent.lifecycle.estimates import PHASES, Phase
from agent.lifecycle.evidence import (
    handed_on,
    lineage,
    on_test_set,
    show_metric,
)
from agent.lifecycle.project import Evidence, Project, TaskKind
from agent.lifecycle.stages import label
from tools.contract import Candidate, DataKind, Dataset, Frozen


class Step(Frozen):
    """One thing to do next."""

    title: str
    reason: str
    citation: str  # a guide's file name
    command: str = ""  # empty: made from tool and parameters
    tool: str = ""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    phase: Phase | None = None  # of the cheat sheet
    evidence: tuple[str, ...] = ()  # ids of what the reason was read from


def job(
    title: str, reason: str, citation: str, tool: str, evidence: tuple[str, ...] = (), /, **params: JsonValue
) -> Step:
    """A step that starts a job; parameters that are empty are left to the tool."""
    return Step(
        title=title,
        reason=reason,
        citation=citation,
        tool=tool,
        params={name: value for name, value in params.items() if value not in (None, "")},
        phase=PHASES.get(tool),
        evidence=evidence,
    )


def number(project: Project, model: Candidate | None) -> tuple[str, tuple[str, ...]]:
    """A model's score on the test set as people read it, with its evidence: "exact_match 0.12 [0.09, 0.15] (e21)"."""
    evidence = on_test_set(project, model.digest) if model else None
    metric = evidence.metric(project.charter.metric or "") if evidence else None
    if evidence is None or metric is None:
        return "not measured on the test set", ()
    return f"{metric.name} {show_metric(metric)} ({evidence.id})", (evidence.id,)


def data_of(project: Project, kind: DataKind, word: str = "", without: str = "") -> Dataset | None:
    """The newest data of a kind, with a word in its name or the category the checks found."""
    for data in reversed(project.datasets.values()):
        said = f"{data.name} {data.facts.get('category', '')}".lower()
        if data.kind is kind and word in said and (not without or without not in said):
            return data
    return None


def past(project: Project, tool: str) -> Evidence | None:
    """The newest evidence of a tool in this round."""
    return next((e for e in reversed(project.evidence) if e.tool == tool and e.round == project.round), None)


def name_of(project: Project, digest: str | None) -> str | None:
    return next((c.name for c in project.candidates.values() if c.digest == digest), None)


def fresh_name(project: Project, wanted: str) -> str:
    """A name no model holds yet."""
    names = [wanted, *(f"{wanted}-{n}" for n in range(2, len(project.candidates) + 3))]
    return next(name for name in names if name not in project.candidates)


def classifies(project: Project) -> bool:
    """Whether the product gives a text, or each of its words, one of a fixed set of labels."""
    data = project.datasets.get(project.charter.test_set or "")
    labelled = data is not None and data.kind in (DataKind.LABELLED, DataKind.TAGGED)
    return project.charter.task is TaskKind.CLASSIFICATION or labelled


def tags(project: Project) -> bool:
    """Whether the product finds entities in texts, word by word."""
    data = project.datasets.get(project.charter.test_set or "")
    return data is not None and data.kind is DataKind.TAGGED


def retrieves(project: Project) -> bool:
    """Whether the product finds the text that answers a question."""
    return project.charter.task is TaskKind.RETRIEVAL


def beside_weights(model: Candidate) -> bool:
    """Whether what a model learnt lies beside its weights, which can then be neither trained on nor quantized."""
    return model.method == "prefix_tuning"


def tune_otherwise(model: Candidate, what: str) -> Step:
    """Back to tuning, by a way whose result can be built on."""
    return Step(
        title="Go back and tune by LoRA instead",
        reason=f"{model.name} answers through a prefix beside its weights, which {what} would lose; LoRA merges.",
        command=f"go back to assess because the prefix of {model.name} would be lost",
        citation="lora.md",
    )


def target_of(project: Project) -> str:
    return f"the target {project.charter.target:g}" if project.charter.target else "the target"


def skipped(project: Project, what: str) -> bool:
    return any(s.what == what and s.round == project.round for s in project.skips)


def return_to_handed_on(project: Project, methods: frozenset[str] | tuple[str, ...]) -> list[Step]:
    """Back to the model the last gate let pass, or the newest made from it here."""
    step = handed_on(project)
    fitting = [c for c in project.candidates.values() if step and _descends(project, c, step.model_digest, methods)]
    if step is None or not fitting:
        return []
    name = fitting[-1].name
    passed = f"{step.model} left {label(step.origin)}"
    return [
        Step(
            title=f"Go on with {name}",
            reason=f"The current model {project.current} is not what the last gate let pass: {passed}.",
            command=f"choose model {name} because it is what passed the last gate",
            citation="life-cycle.md",
        )
    ]


def _descends(
    project: Project, candidate: Candidate, digest: str | None, methods: frozenset[str] | tuple[str, ...]
) -> bool:
    for each in lineage(project, candidate.name):
        if each.digest == digest:
            return True
        if each.method not in methods:
            return False
    return False
