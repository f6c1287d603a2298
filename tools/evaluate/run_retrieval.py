"""Measuring an encoder on a task: how well each question finds the text that answers it, among all of the split's."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from tools import digest
from tools.contract import Artefact, Candidate, Comparison, Dataset, JobContext, Metric, ModelKind, Result
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import findings
from tools.evaluate.findings import Side
from tools.evaluate.spec import RETRIEVAL_METRICS, EvaluateParameters
from tools.models import require_kind
from tools.report.snapshot import Project
from tools.training import plots
from tools.training.embedding_rows import read_pairs, require_choice
from tools.training.embedding_search import Found, difference, latency, quality, search
from tools.training.encoder import load_encoder, unread, warnings_about
from tools.training.measure import Row, peak_memory

_SAMPLES = 5


def measure_retrieval(
    params: EvaluateParameters, context: JobContext, model: Candidate, data: Dataset, project: Project | None
) -> Result:
    """Recall, MRR and nDCG with intervals, speed, slices, and the paired difference to another encoder."""
    if params.judge or params.judge_url:
        raise UserFault("Texts are found or not, with nothing to judge: leave judge and judge_url out.")
    deciding = _deciding(params, project)
    other = context.inputs.models.get("compare_to")
    for each in (model, *([other] if other else [])):
        require_kind(each, ModelKind.ENCODER, tool="Finding texts")
    pairs = read_pairs(data, params.split, params.limit)
    require_choice(pairs, params.split, data.name)
    rows = rows_of(data.splits[params.split])[: params.limit]
    encoder = load_encoder(model)
    warnings = warnings_about(model, unread(encoder, [*(pair.question for pair in pairs.pairs), *pairs.texts]))
    for sentence in warnings:
        context.log(sentence)
    own = search(context, f"{model.name} searches", encoder, pairs)
    before = search(context, f"{other.name} searches", load_encoder(other), pairs) if other else None
    names = tuple(dict.fromkeys((*deciding, *RETRIEVAL_METRICS)))
    measured = quality(own, params.split, names, params.resamples, params.seed)
    main = measured[0]
    comparisons = _compare(params, deciding, own, before, other)
    side = Side(other.name, before.first, before.values(main.name)) if other and before else None
    told = findings.find(params, context, rows, main.name, Side(model.name, own.first, own.values(main.name)), side)
    for comparison in comparisons[:1]:
        findings.judge(told, comparison, params.margin)
    context.progress("measuring latency", 0, 1)
    speed = (
        *latency(encoder, own, params.latency_items, params.split),
        Metric(name="throughput", value=own.throughput, unit="texts/s", split=params.split),
        peak_memory(),
        Metric(name="size", value=float(model.bytes or digest.size_of(Path(model.path))), unit="bytes"),
    )
    return Result(
        summary=" ".join([_summary(model, data, own, main, comparisons), *told.sentences]),
        metrics=(*measured, *speed),
        comparisons=comparisons,
        artefacts=(_predictions(context, rows, own, before), _picture(params, context, main, before), *told.artefacts),
        split=params.split,
        facts=_facts(rows, own, warnings) | {"metric": main.name} | told.facts,
    )


def _deciding(params: EvaluateParameters, project: Project | None) -> tuple[str, ...]:
    """The metrics that decide, the main one first: those asked for, else the charter's, else recall@1."""
    if wrong := [name for name in params.metrics if name not in RETRIEVAL_METRICS]:
        raise UserFault(
            f"{', '.join(wrong)} is not measured of an encoder on a task; {', '.join(RETRIEVAL_METRICS)} are."
        )
    charter = project.charter.metric if project else None
    return params.metrics or (charter if charter is not None and charter in RETRIEVAL_METRICS else "recall@1",)


def _compare(
    params: EvaluateParameters, names: Sequence[str], own: Found, before: Found | None, other: Candidate | None
) -> tuple[Comparison, ...]:
    """The differences of the deciding metrics on the same questions."""
    if before is None or other is None:
        return ()
    return tuple(difference(own, before, name, other, params.split, params.resamples, params.seed) for name in names)


def _summary(model: Candidate, data: Dataset, found: Found, main: Metric, comparisons: Sequence[Comparison]) -> str:
    said = (
        f"{model.name} on {data.name} ({main.split}): {main.name} {main.value:.3f} [{main.low:.3f}, {main.high:.3f}] on"
        f" {main.n:,} questions, each looking for its text among {len(found.pairs.texts):,}"
    )
    return "".join([said, *map(findings.against, comparisons[:1])]) + "."


def _predictions(context: JobContext, rows: Sequence[Row], own: Found, before: Found | None) -> Artefact:
    """`predictions.jsonl`: each row with the text found first, the rank of the right one and its scores."""
    path = context.folder / "predictions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for index, row in enumerate(rows):
            entry = {**row, **_told(own, index)}
            if before is not None:
                entry |= {f"baseline_{name}": value for name, value in _told(before, index).items()}
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return context.artefact("predictions", "predictions", path)


def _told(found: Found, index: int) -> Row:
    scores = {name: found.values(name)[index] for name in RETRIEVAL_METRICS}
    return {"answer": found.first[index], "rank": found.ranks[index], "values": scores}


def _picture(params: EvaluateParameters, context: JobContext, main: Metric, before: Found | None) -> Artefact:
    bars: list[tuple[str, float, float | None, float | None]] = []
    if before is not None:
        earlier = quality(before, params.split, [main.name], params.resamples, params.seed)[0]
        bars.append((context.inputs.models["compare_to"].name, earlier.value, earlier.low, earlier.high))
    bars.append((context.inputs.models["model"].name, main.value, main.low, main.high))
    title = f"{context.inputs.data['data'].name} ({params.split}, {main.n} questions)"
    return plots.intervals(context, "evaluation", title, bars, f"{main.name}, with 95 % interval")


def _facts(rows: Sequence[Row], found: Found, warnings: Sequence[str]) -> dict[str, JsonValue]:
    """A few examples, wrong ones first, what was searched, and what one would find by chance."""
    order = sorted(range(len(rows)), key=lambda index: found.ranks[index] == 1)
    wrong = [index for index in order if found.ranks[index] > 1][:3]
    chosen = [*wrong, *[index for index in order if found.ranks[index] == 1][: _SAMPLES - len(wrong)]]
    samples: list[JsonValue] = [
        {
            "prompt": rows[index]["prompt"],
            "wanted": rows[index]["completion"],
            "answer": found.first[index],
            "rank": found.ranks[index],
            "right": found.ranks[index] == 1,
        }
        for index in chosen
    ]
    texts = len(found.pairs.texts)
    return {"samples": samples, "texts": texts, "recall@1_by_chance": round(1 / texts, 4), "warnings": list(warnings)}
