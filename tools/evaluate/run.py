"""Evaluation: a model's answers to a split, scored with intervals, alone or against another model's."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from tools.contract import Artefact, Candidate, Comparison, DataKind, Dataset, JobContext, Metric, ModelKind, Result
from tools.errors import UserFault
from tools.evaluate import bootstrap, findings, metrics, overlap, slices, task_files
from tools.evaluate.findings import Side
from tools.evaluate.judging import Verdicts
from tools.evaluate.run_questions import Questions, answer_tokens, check_length, put
from tools.evaluate.spec import TEXT_METRICS, EvaluateParameters
from tools.models import require_kind
from tools.report import snapshot
from tools.report.snapshot import Project
from tools.training import generation, measure, models, plots
from tools.training.classify_measures import calibration_error
from tools.training.measure import Answered, Row

_SAMPLES = 5
_TITLES = {"exact_match": "exact match", "checklist_pass": "checklist passed"}


def run(params: EvaluateParameters, context: JobContext) -> Result:
    if params.tasks:
        return _by_tasks(params, context)
    model, data = context.inputs.models["model"], context.inputs.data["data"]
    other = context.inputs.models.get("compare_to")
    project = _project(context)
    if params.judge:
        require_kind(context.inputs.models["judge"], ModelKind.REWARD, tool="Judging")
    if data.kind is DataKind.TAGGED or model.kind is ModelKind.TAGGER:
        from tools.evaluate.run_tagged import run_tagged

        return run_tagged(params, context, model, data, project)
    if model.kind is ModelKind.ENCODER and data.kind is not DataKind.LABELLED and not params.prompt:
        from tools.evaluate.run_retrieval import measure_retrieval

        return measure_retrieval(params, context, model, data, project)
    if _decides(model, data) and not params.prompt:
        if params.judge or params.judge_url:
            raise UserFault("Labels are right or wrong, with nothing to judge: leave judge and judge_url out.")
        from tools.evaluate.run_labels import by_labels  # here: what generates does not wait for classifiers

        return by_labels(params, context, model, data, project)
    questions = put(params, context, model, data, project)
    rows = questions.rows
    names = _metric_names(params, data, project)
    slices.fields_of(rows, params.slices)  # a field that is not there is said before the model answers
    answered, extra = _measure(params, context, model, questions)
    compared = _answers(params, context, other, models.load_causal(other), questions) if other is not None else None
    own = _values(names, rows, answered)
    before = _values(names, rows, compared) if compared is not None else {}
    comparisons = _compare(params, names, (own, before), (answered, compared), other)
    main, *others = (_metric(params, name, own[name]) for name in own)
    side = Side(other.name, compared.answers, before[names[0]]) if other is not None and compared is not None else None
    found = findings.find(params, context, rows, names[0], Side(model.name, answered.answers, own[names[0]]), side)
    for comparison in [c for c in comparisons if c.kind == "difference"][:1]:
        findings.judge(found, comparison, params.margin)
    if compared is not None and (verdicts := _judged(params, context, rows, answered, compared)) is not None:
        judged = verdicts.comparison(context.inputs.models["compare_to"], params.split, params.resamples, params.seed)
        comparisons = (*comparisons, judged)
        found.facts["judge"] = verdicts.facts
        found.sentences.append(verdicts.sentence(judged))
    picture = _picture(params, context, main, before.get(main.name))
    return Result(
        summary=" ".join([_summary(model, questions, params.split, main, comparisons), *found.sentences]),
        metrics=(main, *others, *extra),
        comparisons=comparisons,
        artefacts=(_predictions(context, rows, (answered, own), (compared, before)), picture, *found.artefacts),
        split=params.split,
        facts=_facts(questions, answered) | {"metric": main.name} | found.facts,
    )


def _project(context: JobContext) -> Project | None:
    """The project's record, where the job was given it."""
    held = context.inputs.files.get("snapshot")
    return snapshot.read(Path(held.path)).project if held is not None else None


def _decides(model: Candidate, data: Dataset) -> bool:
    """Whether labels are measured, of a model that gives them."""
    return data.kind is DataKind.LABELLED or model.kind in (ModelKind.ENCODER, ModelKind.CLASSIFIER)


def _by_tasks(params: EvaluateParameters, context: JobContext) -> Result:
    files = task_files.read(params.tasks)
    if find_spec("lm_eval") is None:
        raise UserFault(
            "Task files are measured by lm-eval, which is not installed:"
            " run `pip install -e '.[benchmarks]'` where Odyssey lies."
        )
    from tools.evaluate.run_tasks import run_tasks

    return run_tasks(params, context, files)


def _judged(
    params: EvaluateParameters, context: JobContext, rows: list[Row], own: Answered, other: Answered
) -> Verdicts | None:
    if not params.judge and not params.judge_url:
        return None
    from tools.evaluate import run_judge

    if params.judge_url:
        return run_judge.by_chat_model(context, params.judge_url, rows, own.answers, other.answers)
    return run_judge.by_reward_model(context, context.inputs.models["judge"], rows, own.answers, other.answers)


def _metric_names(params: EvaluateParameters, data: Dataset, project: Project | None) -> tuple[str, ...]:
    """The metrics that decide, the main one first: those asked for, else the charter's, else what fits the data."""
    if data.kind is DataKind.CHECKLIST:
        return (measure.SCORES[data.kind][0],)
    known = ("accuracy",) if data.kind is DataKind.LABELLED else TEXT_METRICS
    if wrong := [name for name in params.metrics if name not in known]:
        raise UserFault(f"{', '.join(wrong)} is not measured on {data.kind} data here; {', '.join(known)} are.")
    charter = project.charter.metric if project else None
    usual = {DataKind.CONVERSATION: "token_f1", DataKind.LABELLED: "accuracy"}.get(data.kind, "exact_match")
    if project is not None and project.charter.task == "summarisation" and "rougeL" in known:
        usual = "rougeL"  # no two people summarise a text in the same words
    return params.metrics or (charter if charter is not None and charter in known else usual,)


def _values(names: Sequence[str], rows: Sequence[Row], answered: Answered) -> dict[str, list[float]]:
    """Each item's score by every metric, the deciding ones first."""
    if "checklist_pass" in names:
        return {"checklist_pass": answered.passes}
    pairs = [(answer, measure.wanted(row)) for answer, row in zip(answered.answers, rows, strict=True)]
    found = {"exact_match": answered.passes, "token_f1": [metrics.token_f1(*pair) for pair in pairs]}
    if "accuracy" in names:  # of labels, which are right or wrong as a whole
        return {"accuracy": answered.passes}
    if overlap.is_long([wanted for _, wanted in pairs]) or not set(names) <= set(found):
        scores = [overlap.rouge(*pair) for pair in pairs]
        found |= {name: [score[name] for score in scores] for name in overlap.ROUGE}
    return {name: found[name] for name in dict.fromkeys((*names, *found))}


def _metric(params: EvaluateParameters, name: str, values: Sequence[float]) -> Metric:
    found = bootstrap.mean(values, params.resamples, params.seed)
    return Metric(name=name, value=found.value, low=found.low, high=found.high, n=found.n, split=params.split)


def _measure(
    params: EvaluateParameters, context: JobContext, candidate: Candidate, questions: Questions
) -> tuple[Answered, list[Metric]]:
    """Answers and every metric but the main one."""
    model, tokenizer = models.load_causal(candidate)
    answered, rows = _answers(params, context, candidate, (model, tokenizer), questions), questions.rows
    found: list[Metric] = []
    if questions.data.kind in (DataKind.TASK, DataKind.CONVERSATION):
        context.progress("measuring perplexity", 0, 1)
        pairs = [(measure.asked(row), measure.wanted(row)) for row in questions.asked]
        surprise = metrics.perplexity(generation.reference_losses(model, tokenizer, pairs, params.batch))
        found.append(Metric(name="perplexity", value=surprise, n=len(rows), split=params.split))
        shared = overlap.corpus(answered.answers, [measure.wanted(row) for row in rows])
        found += [Metric(name=name, value=shared[name], n=len(rows), split=params.split) for name in shared]
    if questions.data.kind is DataKind.TASK and questions.prompt is None:
        found.append(_calibration(params, model, tokenizer, rows, answered))
    context.progress("measuring latency", 0, 1)
    longest = answer_tokens(params, questions)
    times = measure.latencies(model, tokenizer, questions.asked, params.latency_items, longest)
    found += measure.latency_metrics(times, params.split)
    found += [
        Metric(name="throughput", value=answered.tokens / answered.seconds, unit="tokens/s", split=params.split),
        measure.peak_memory(),
        Metric(name="size", value=float(candidate.bytes), unit="bytes"),
    ]
    return answered, found


def _calibration(
    params: EvaluateParameters, model: Any, tokenizer: Any, rows: Sequence[Row], answered: Answered
) -> Metric:
    """How far the probability a model gives its whole answer lies from the share of right answers.

    The sequence's probability is its confidence (Jiang et al. 2021, "How Can We Know When Language Models Know?").
    """
    pairs = [(measure.asked(row), answer) for row, answer in zip(rows, answered.answers, strict=True)]
    losses = generation.reference_losses(model, tokenizer, pairs, params.batch)
    confidence = np.exp([-loss for loss, _ in losses])
    error = calibration_error(confidence, np.asarray(answered.passes))
    return Metric(name="ece", value=error, n=len(rows), split=params.split)


def _answers(
    params: EvaluateParameters,
    context: JobContext,
    candidate: Candidate,
    loaded: tuple[Any, Any],
    questions: Questions,
) -> Answered:
    def told(done: int) -> None:
        context.stop_if_cancelled()
        context.progress(f"{candidate.name} answers", done, len(questions.rows))

    check_length(params, candidate, loaded[1], questions)
    tokens = answer_tokens(params, questions)
    return questions.read(measure.answer_rows(*loaded, questions.asked, questions.kind, tokens, params.batch, told))


def _compare(
    params: EvaluateParameters,
    names: Sequence[str],
    values: tuple[dict[str, list[float]], dict[str, list[float]]],
    answered: tuple[Answered, Answered | None],
    other: Candidate | None,
) -> tuple[Comparison, ...]:
    """The differences of the deciding metrics; for a checklist also who meets more points of it, item by item."""
    (own, before), (ours, theirs) = values, answered
    if other is None or theirs is None:
        return ()
    found = [
        ("difference", name, bootstrap.difference(own[name], before[name], params.resamples, params.seed))
        for name in names
    ]
    if "checklist_pass" in names:
        wins = bootstrap.win_rate(ours.scores, theirs.scores, params.resamples, params.seed)
        found.insert(0, ("win_rate", "checklist_pass", wins))
    return tuple(
        Comparison.model_validate(
            {
                "kind": kind,
                "metric": name,
                "baseline": other.name,
                "baseline_digest": other.digest,
                "value": interval.value,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "split": params.split,
            }
        )
        for kind, name, interval in found
    )


def _summary(
    model: Candidate, questions: Questions, split: str, main: Metric, comparisons: Sequence[Comparison]
) -> str:
    behind = f" behind {questions.prompt.title}" if questions.prompt else ""
    said = (
        f"{model.name}{behind} on {questions.data.name} ({split}): {_TITLES.get(main.name, main.name)} {main.value:.3f}"
        f" [{main.low:.3f}, {main.high:.3f}] on {main.n} items"
    )
    return "".join([said, *map(findings.against, comparisons[:1])]) + "."


def _predictions(
    context: JobContext,
    rows: Sequence[Row],
    own: tuple[Answered, dict[str, list[float]]],
    other: tuple[Answered | None, dict[str, list[float]]],
) -> Artefact:
    """`predictions.jsonl`: each row with the answers to it and their scores by every metric."""
    path = context.folder / "predictions.jsonl"
    (answered, values), (compared, before) = own, other
    with path.open("w", encoding="utf-8") as file:
        for index, row in enumerate(rows):
            entry: dict[str, Any] = {**row, "answer": answered.answers[index], "score": answered.scores[index]}
            entry["values"] = {name: values[name][index] for name in values}
            if compared is not None:
                entry |= {"baseline_answer": compared.answers[index], "baseline_score": compared.scores[index]}
                entry["baseline_values"] = {name: before[name][index] for name in before}
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return context.artefact("predictions", "predictions", Path(path))


def _picture(
    params: EvaluateParameters, context: JobContext, main: Metric, compared: Sequence[float] | None
) -> Artefact:
    bars: list[tuple[str, float, float | None, float | None]] = []
    if compared is not None:
        before = bootstrap.mean(compared, params.resamples, params.seed)
        bars.append((context.inputs.models["compare_to"].name, before.value, before.low, before.high))
    bars.append((context.inputs.models["model"].name, main.value, main.low, main.high))
    title = f"{context.inputs.data['data'].name} ({params.split}, {main.n} items)"
    return plots.intervals(
        context, "evaluation", title, bars, f"{_TITLES.get(main.name, main.name)}, with 95 % interval"
    )


def _facts(questions: Questions, answered: Answered) -> dict[str, JsonValue]:
    """A few examples, wrong ones first, what the data is about, and the prompt."""
    data, rows = questions.data, questions.rows
    order = sorted(range(len(rows)), key=lambda i: (answered.scores[i] == 1.0, i))
    wrong = [i for i in order if answered.scores[i] < 1.0][:3]
    chosen = [*wrong, *[i for i in order if answered.scores[i] == 1.0][: _SAMPLES - len(wrong)]]
    samples: list[JsonValue] = [
        {
            "prompt": slices.read(rows[i]),
            "wanted": measure.wanted(rows[i]) if "must" not in rows[i] else f"says {'; '.join(rows[i]['must'])}",
            "answer": answered.answers[i],
            "right": answered.scores[i] == 1.0,
        }
        for i in chosen
    ]
    facts: dict[str, JsonValue] = {"samples": samples}
    if "category" in data.facts:
        facts["category"] = data.facts["category"]
    if questions.prompt is not None:
        facts["prompt"] = questions.prompt.fact
    return facts
