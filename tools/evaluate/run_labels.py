"""Measuring models that give labels: accuracy and macro F1, what changed against another model, slices."""

import json
from collections.abc import Sequence

from tools.contract import Candidate, Comparison, Dataset, JobContext, Result
from tools.errors import UserFault
from tools.evaluate import findings
from tools.evaluate.findings import Side
from tools.evaluate.labels import bounded, macro_f1_difference
from tools.evaluate.spec import LABEL_METRICS, EvaluateParameters
from tools.report.snapshot import Project
from tools.training.classify import evaluate_labelled
from tools.training.measure import Row


def by_labels(
    params: EvaluateParameters, context: JobContext, model: Candidate, data: Dataset, project: Project | None
) -> Result:
    names = _metric_names(params, data, project)
    result = evaluate_labelled(
        context,
        model,
        data,
        params.split,
        params.limit,
        context.inputs.models.get("compare_to"),
        latency_items=params.latency_items,
        resamples=params.resamples,
        seed=params.seed,
    )
    told = _told(context)
    pairs = [(str(row["label"]), str(row["predicted"])) for row in told]
    own = Side(model.name, [given for _, given in pairs], [float(right == given) for right, given in pairs])
    other, comparisons = _other_labels(params, context, names[0], pairs, told, result.comparisons)
    found = findings.find(
        params, context, [{"text": row["text"], "label": row["label"]} for row in told], "accuracy", own, other
    )
    for comparison in comparisons[:1]:
        findings.judge(found, comparison, params.margin)
    measured = bounded(result.metrics, pairs, params.resamples, params.seed)
    main = next(metric for metric in measured if metric.name == names[0])
    more = [] if main.name == "accuracy" else [f"Macro F1 {main.value:.3f} [{main.low:.3f}, {main.high:.3f}]."]
    return result.model_copy(
        update={
            "summary": " ".join([result.summary, *more, *found.sentences]),
            "metrics": tuple(sorted(measured, key=lambda m: names.index(m.name) if m.name in names else len(names))),
            "comparisons": comparisons,
            "artefacts": (*result.artefacts, *found.artefacts),
            "facts": result.facts | found.facts | {"metric": main.name},
        }
    )


def _told(context: JobContext) -> list[Row]:
    lines = (context.folder / "predictions.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def _other_labels(
    params: EvaluateParameters,
    context: JobContext,
    main: str,
    pairs: Sequence[tuple[str, str]],
    told: Sequence[Row],
    comparisons: tuple[Comparison, ...],
) -> tuple[Side | None, tuple[Comparison, ...]]:
    """What the other model says of the same rows, and the comparisons with the deciding metric's first."""
    other = context.inputs.models.get("compare_to")
    if other is None:
        return None, comparisons
    given = [str(row["baseline_predicted"]) for row in told]
    side = Side(other.name, given, [float(right == said) for (right, _), said in zip(pairs, given, strict=True)])
    if main != "macro_f1":
        return side, comparisons
    theirs = [(right, said) for (right, _), said in zip(pairs, given, strict=True)]
    found = macro_f1_difference(pairs, theirs, params.resamples, params.seed)
    difference = comparisons[0].model_copy(
        update={"metric": main, "value": found.value, "low": found.low, "high": found.high}
    )
    return side, (difference, *comparisons)


def _metric_names(params: EvaluateParameters, data: Dataset, project: Project | None) -> tuple[str, ...]:
    """What decides on labels, the main metric first: what was asked for, else the charter's, else accuracy."""
    if wrong := [name for name in params.metrics if name not in LABEL_METRICS]:
        raise UserFault(f"{', '.join(wrong)} is not measured on {data.kind} data; {' and '.join(LABEL_METRICS)} are.")
    charter = project.charter.metric if project else None
    return params.metrics or (charter if charter is not None and charter in LABEL_METRICS else "accuracy",)
