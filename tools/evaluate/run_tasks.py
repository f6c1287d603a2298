"""A model measured by task files of lm-eval, alone or against another: metrics by lm-eval's names, with intervals."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import JsonValue

from tools.contract import Artefact, Candidate, Comparison, JobContext, Metric, Result
from tools.evaluate import bootstrap, findings, overlap, run_harness
from tools.evaluate.findings import Findings
from tools.evaluate.run_harness import Answered, BatchedModel, Score
from tools.evaluate.spec import EvaluateParameters
from tools.evaluate.task_files import TaskFile
from tools.training import models, plots

_SAMPLES = 5
_SLOW = 200  # resamples of a metric that is no mean, such as F1: each counts all items again
_CORPUS = ("bleu", "chrf", "chrfpp", "ter")
_SHARE = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match")  # from 0 to 1: drawn in the picture


def run_tasks(params: EvaluateParameters, context: JobContext, files: Sequence[TaskFile]) -> Result:
    context.progress("reading tasks", 0, 1)
    model, other = context.inputs.models["model"], context.inputs.models.get("compare_to")
    scores, items = _measure(params, context, model, files)
    before, _ = _measure(params, context, other, files) if other is not None else ([], [])
    metrics = tuple(_metric(params, score) for score in scores)
    comparisons = _compare(params, scores, before, other) if other is not None else ()
    found = Findings(facts=_facts(files, scores, items))
    for comparison in comparisons[:1]:
        findings.judge(found, comparison, params.margin)
    return Result(
        summary=" ".join([_summary(model, metrics, comparisons), *found.sentences]),
        metrics=metrics,
        comparisons=comparisons,
        artefacts=(_predictions(context, items), *_picture(context, model, scores, metrics)),
        facts=found.facts,
    )


def _measure(
    params: EvaluateParameters, context: JobContext, candidate: Candidate, files: Sequence[TaskFile]
) -> tuple[list[Score], list[Answered]]:
    def told(step: str, done: int, total: int) -> None:
        context.stop_if_cancelled()
        context.progress(f"{candidate.name}: {step}", done, total)

    tasks = run_harness.build(files, params.fewshot)
    lm = BatchedModel(*models.load_causal(candidate), params.batch, told)
    return run_harness.measure(files, tasks, lm, params.limit)


def _metric(params: EvaluateParameters, score: Score) -> Metric:
    low, high = _interval(params, score)
    return Metric(name=score.name, value=score.value, low=low, high=high, n=len(score.values))


def _interval(params: EvaluateParameters, score: Score) -> tuple[float, float]:
    """The 95 % interval of a metric by the bootstrap over its items."""
    if score.aggregation in ("mean", "perplexity"):
        found = bootstrap.mean([float(value) for value in score.values], params.resamples, params.seed)
        if score.aggregation == "mean":
            return found.low, found.high
        return float(np.exp(-found.high)), float(np.exp(-found.low))  # of a mean log-likelihood in nats
    if score.aggregation in _CORPUS:
        return overlap.corpus_interval(score.aggregation, *score.texts, params.resamples)
    generator, count = np.random.default_rng(params.seed), len(score.values)
    drawn = [
        score.aggregate([score.values[index] for index in generator.integers(0, count, count)])
        for _ in range(min(params.resamples, _SLOW))
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _compare(
    params: EvaluateParameters, scores: Sequence[Score], before: Sequence[Score], other: Candidate
) -> tuple[Comparison, ...]:
    """Paired differences of what is a mean over items and better when higher."""
    theirs = {score.name: score for score in before}
    found = []
    for score in scores:
        if score.aggregation != "mean" or not score.higher_is_better:
            continue
        own, baseline = ([float(value) for value in each.values] for each in (score, theirs[score.name]))
        gap = bootstrap.difference(own, baseline, params.resamples, params.seed)
        found.append(gap.against(other, score.name))
    return tuple(found)


def _summary(model: Candidate, metrics: Sequence[Metric], comparisons: Sequence[Comparison]) -> str:
    parts = [f"{m.name} {m.value:.3f} [{m.low:.3f}, {m.high:.3f}] on {m.n} items" for m in metrics[:6]]
    more = f" and {len(metrics) - 6} more" if len(metrics) > 6 else ""
    said = f"{model.name} by task files of lm-eval: {', '.join(parts)}{more}"
    for comparison in comparisons[:1]:
        said += (
            f"; in {comparison.metric} it differs from {comparison.baseline} by {comparison.value:+.3f}"
            f" [{comparison.low:+.3f}, {comparison.high:+.3f}]"
        )
    return said + "."


def _facts(files: Sequence[TaskFile], scores: Sequence[Score], items: Sequence[Answered]) -> dict[str, JsonValue]:
    counts = {score.task: len(score.values) for score in scores}
    tasks: list[JsonValue] = [
        {
            "task": file.name,
            "file": file.path.name,
            "digest": file.digest,
            "output_type": str(file.config["output_type"]),
            "items": counts[file.name],
        }
        for file in files
    ]
    samples: list[JsonValue] = [
        {"task": one.task, "prompt": one.prompt, "wanted": one.wanted, "answer": one.answer}
        for file in files
        for one in [item for item in items if item.task == file.name][: max(1, _SAMPLES // len(files))]
    ]
    return {"tasks": tasks, "lm_eval": run_harness.VERSION, "samples": samples, "metric": scores[0].name}


def _predictions(context: JobContext, items: Sequence[Answered]) -> Artefact:
    """`predictions.jsonl`: each item with the answer (or the log-likelihood of every option) and its scores."""
    path = context.folder / "predictions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            entry = {"task": item.task, "prompt": item.prompt, "wanted": item.wanted, "answer": item.answer}
            file.write(json.dumps({**entry, "values": _plain(item.values)}, ensure_ascii=False, default=str) + "\n")
    return context.artefact("predictions", "predictions", path)


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}


def _picture(
    context: JobContext, model: Candidate, scores: Sequence[Score], metrics: Sequence[Metric]
) -> tuple[Artefact, ...]:
    chosen = [m for score, m in zip(scores, metrics, strict=True) if score.metric.split(",")[0] in _SHARE]
    if not chosen:
        return ()
    bars = [(m.name, m.value, m.low, m.high) for m in chosen[:20]]
    return (plots.intervals(context, "tasks", f"{model.name} by task files", bars, "score, with 95 % interval"),)
