"""Evaluating taggers of words, and frozen encoders as their baselines, on a split of tagged data."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from tools.contract import Artefact, Candidate, Comparison, Dataset, JobContext, Metric, ModelKind, Result
from tools.errors import UserFault
from tools.evaluate import findings, paired, slices, tagging
from tools.evaluate.findings import Findings, Side
from tools.evaluate.slices import Slice
from tools.evaluate.spec import TAG_METRICS, EvaluateParameters
from tools.report.snapshot import Project
from tools.training import plots
from tools.training.measure import peak_memory
from tools.training.tagger_answers import (
    TaggedAnswers,
    answer,
    differences,
    latency,
    quality,
    tagger_of,
    warn,
    write_predictions,
)
from tools.training.tagger_model import Tagger
from tools.training.tagger_rows import kinds_of, read_rows

_SAMPLES = 5  # rows shown to a person, up to three of them wrong
_KINDS_SAID = 6  # kinds of entities told in the summary; more stand in the table
_KIND = "entity"  # the slice that every kind of entity is


def run_tagged(
    params: EvaluateParameters, context: JobContext, model: Candidate, data: Dataset, project: Project | None
) -> Result:
    """F1 of whole entities with precision and recall, by kind, and the paired difference to another model."""
    names, other = _names(params, project), context.inputs.models.get("compare_to")
    _refuse(params, data, *(each for each in (model, other) if each is not None))
    rows = read_rows(data, params.split, params.limit)
    texts = [{"text": row.text} for row in rows]
    fields = _fields(params, texts)
    tagger = tagger_of(context, model, data)
    own = answer(context, f"{model.name} answers", tagger, rows)
    compared = answer(context, f"{other.name} answers", tagger_of(context, other, data), rows) if other else None
    context.progress("measuring latency", 0, 1)
    measured = sorted(
        quality(own, params.split, params.resamples, params.seed),
        key=lambda metric: names.index(metric.name) if metric.name in names else len(names),
    )
    main = measured[0]
    found = Findings()
    parts = list(_slices(params, texts, fields, own, compared))
    whole = tagging.interval(own.table, params.resamples, params.seed)
    findings.tell_slices(found, context, parts, whole, "entity F1", other.name if other else "")
    comparisons: list[Comparison] = []
    if other is not None and compared is not None:
        findings.tell_changes(found, context, texts, _side(model, own), _side(other, compared))
        comparisons = _compare(params, found, main.name, own, compared, other)
    said = _summary(model, data, params.split, measured, comparisons)
    return Result(
        summary=" ".join([said, *_by_kind(parts), *found.sentences]),
        metrics=(
            *measured,
            *latency(tagger, rows[: params.latency_items]),
            Metric(name="throughput", value=len(rows) / own.seconds, n=len(rows), unit="texts/s"),
            peak_memory(),
            Metric(name="size", value=float(model.bytes), unit="bytes"),
        ),
        comparisons=tuple(comparisons),
        artefacts=(
            write_predictions(context, own),
            _picture(context, data, params.split, main, parts),
            *found.artefacts,
        ),
        split=params.split,
        facts={**_facts(context, model, tagger, own), "metric": main.name, **found.facts},
    )


def _compare(
    params: EvaluateParameters,
    found: Findings,
    main: str,
    own: TaggedAnswers,
    compared: TaggedAnswers,
    other: Candidate,
) -> list[Comparison]:
    """The paired differences to another model, that of the main metric first and judged."""
    comparisons = list(differences(own, compared, other, params.split, params.resamples, params.seed))
    comparisons.sort(key=lambda one: one.metric != main)
    found.facts["p_value"] = _p_value(params, main, own, compared)
    findings.judge(found, comparisons[0], params.margin)
    return comparisons


def _names(params: EvaluateParameters, project: Project | None) -> tuple[str, ...]:
    """What decides, the main metric first: what was asked for, else the charter's, else entity F1."""
    if wrong := [name for name in params.metrics if name not in TAG_METRICS]:
        raise UserFault(f"{', '.join(wrong)} is not measured on tagged data; {' and '.join(TAG_METRICS)} are.")
    charter = project.charter.metric if project else None
    return params.metrics or (charter if charter is not None and charter in TAG_METRICS else "entity_f1",)


def _refuse(params: EvaluateParameters, data: Dataset, *models: Candidate) -> None:
    if params.judge or params.judge_url:
        raise UserFault("Tags are right or wrong, with nothing to judge: leave judge and judge_url out.")
    if params.prompt:
        raise UserFault("A prompt is for models that generate, and words are tagged by an encoder: leave prompt out.")
    for model in models:
        if model.kind not in (ModelKind.ENCODER, ModelKind.TAGGER):
            raise UserFault(
                f"{model.name} is of kind {model.kind} and tags no words; fine-tune an encoder on tagged data such as"
                f" {data.name} and measure that."
            )


def _fields(params: EvaluateParameters, rows: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """What the rows are cut by, beside the kinds of entities."""
    asked = [name for name in params.slices if name != _KIND]
    return slices.fields_of(rows, asked) if asked or not params.slices else ()


def _slices(
    params: EvaluateParameters,
    rows: Sequence[dict[str, str]],
    fields: Sequence[str],
    own: TaggedAnswers,
    other: TaggedAnswers | None,
) -> Iterator[Slice]:
    """F1 of every kind of entity that is wanted, on as many entities, then of parts of the rows."""

    def cut(field: str, value: str, mine: tagging.Table, theirs: tagging.Table | None) -> Slice:
        change = tagging.difference(mine, theirs, params.resamples, params.seed) if theirs is not None else None
        return Slice(field, value, tagging.interval(mine, params.resamples, params.seed), change)

    if not params.slices or _KIND in params.slices:
        for kind in own.counts.kinds:
            mine = own.counts.of(kind)
            if wanted := int(mine[:, 2].sum()):
                part = cut(_KIND, kind, mine, other.counts.of(kind) if other is not None else None)
                yield replace(part, found=replace(part.found, n=wanted))
    for field, value, chosen in slices.parts(rows, fields):
        yield cut(field, value, own.table[chosen], other.table[chosen] if other is not None else None)


def _side(model: Candidate, answers: TaggedAnswers) -> Side:
    told = [tagging.shown(row.tokens, given.tags) for row, given in zip(answers.rows, answers.given, strict=True)]
    return Side(model.name, told, tagging.row_f1(answers.table))


def _p_value(params: EvaluateParameters, metric: str, own: TaggedAnswers, other: TaggedAnswers) -> float:
    if metric == "exact_match":
        return paired.p_value(own.correct.tolist(), other.correct.tolist(), params.resamples, params.seed)
    return tagging.p_value(own.table, other.table, params.resamples, params.seed)


def _summary(
    model: Candidate, data: Dataset, split: str, measured: Sequence[Metric], comparisons: Sequence[Comparison]
) -> str:
    named = {metric.name: metric for metric in measured}
    f1, match = named["entity_f1"], named["exact_match"]
    said = (
        f"{model.name} on {data.name} ({split}): entity F1 {f1.value:.3f} [{f1.low:.3f}, {f1.high:.3f}]"
        f" on {f1.n:,} rows, precision {named['precision'].value:.3f}, recall {named['recall'].value:.3f}"
    )
    if measured[0] is match:
        said += f", exact match {match.value:.3f} [{match.low:.3f}, {match.high:.3f}]"
    return "".join([said, *map(findings.against, comparisons[:1])]) + "."


def _by_kind(parts: Sequence[Slice]) -> list[str]:
    """A sentence where there are a few kinds."""
    kinds = [f"{part.value} {part.found.value:.3f}" for part in parts if part.field == _KIND]
    return [f"By kind: {', '.join(kinds)}."] if 1 < len(kinds) <= _KINDS_SAID else []


def _picture(context: JobContext, data: Dataset, split: str, main: Metric, parts: Sequence[Slice]) -> Artefact:
    title = {"entity_f1": "all kinds", "exact_match": "whole rows right"}[main.name]
    bars: list[tuple[str, float, float | None, float | None]] = [(title, main.value, main.low, main.high)]
    kinds = [part for part in parts if part.field == _KIND]
    bars += [(f"{part.value} ({part.found.n})", part.found.value, part.found.low, part.found.high) for part in kinds]
    what = "entity F1, with 95 % interval" if main.name == "entity_f1" else "exact match and entity F1 by kind"
    return plots.intervals(context, "evaluation", f"{data.name} ({split}, {main.n} rows)", bars, what)


def _facts(context: JobContext, model: Candidate, tagger: Tagger, answers: TaggedAnswers) -> dict[str, JsonValue]:
    warnings = warn(context, model, tagger.encoder, answers.rows)
    unknown = sorted({kind for row in answers.rows for kind in kinds_of(row.tags)} - set(kinds_of(tagger.tags)))
    if unknown:
        warnings.append(f"{model.name} does not know {len(unknown)} of the kinds ({', '.join(unknown[:5])}).")
        context.log(warnings[-1])
    frozen = model.kind is ModelKind.ENCODER
    return {
        "decides_by": "nearest centroid of training words, encoder frozen" if frozen else "trained head",
        "kinds": list(kinds_of(tagger.tags)),
        "samples": _samples(answers),
        "warnings": list(warnings),
    }


def _samples(answers: TaggedAnswers) -> list[JsonValue]:
    right = [index for index, match in enumerate(answers.correct) if match]
    wrong = [index for index, match in enumerate(answers.correct) if not match][:3]
    samples: list[Any] = [
        {
            "prompt": answers.rows[index].text,
            "wanted": tagging.shown(answers.rows[index].tokens, answers.rows[index].tags),
            "answer": tagging.shown(answers.rows[index].tokens, answers.given[index].tags),
            "right": bool(answers.correct[index]),
        }
        for index in (*wrong, *right[: _SAMPLES - len(wrong)])
    ]
    return samples
