"""Measuring classifiers, and frozen encoders as baselines, on a split of labelled data."""

from pathlib import Path

import numpy as np
from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Comparison, Dataset, JobContext, Metric, ModelKind, Result
from tools.evaluate import bootstrap
from tools.training import classify_plots
from tools.training.classify_answers import (
    Answers,
    classifier_of,
    classify,
    difference,
    latency,
    write_predictions,
)
from tools.training.classify_measures import calibration_error, macro_f1, most_confused
from tools.training.classify_model import Classifier
from tools.training.classify_rows import read_rows
from tools.training.encoder import unread, warnings_about
from tools.training.measure import peak_memory

SAMPLES = 8  # rows shown to a person, half of them wrong ones where there are so many


def evaluate_labelled(
    context: JobContext,
    model: Candidate,
    data: Dataset,
    split: str,
    limit: int | None,
    compare_to: Candidate | None,
    *,
    latency_items: int = 20,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 7,
) -> Result:
    """Accuracy, macro F1, calibration and speed on a split, and the paired difference to another model.

    A frozen encoder decides by the nearest class centroid of training rows: a baseline without training.
    """
    rows = read_rows(data, split, limit)
    classifier = classifier_of(context, model, data)
    answers = classify(context, f"classifying {split} rows", classifier, rows)
    comparisons: tuple[Comparison, ...] = ()
    other: Answers | None = None
    if compare_to is not None:
        other = classify(context, f"classifying with {compare_to.name}", classifier_of(context, compare_to, data), rows)
        comparisons = (difference(answers, other, compare_to, split, seed, resamples),)
    confused = most_confused(answers.wanted, answers.given)
    metrics = (
        *_quality(answers, split, seed, resamples),
        *latency(classifier, rows[:latency_items]),
        Metric(name="throughput", value=len(rows) / answers.seconds, n=len(rows), unit="texts/s"),
        peak_memory(),
        Metric(name="size", value=float(model.bytes or digest.size_of(Path(model.path))), unit="bytes"),
    )
    accuracy = metrics[0]
    return Result(
        summary=f"{model.name} labels {accuracy.value:.1%} of {len(rows):,} {split} rows rightly "
        f"[{accuracy.low:.3f}, {accuracy.high:.3f}].",
        metrics=metrics,
        comparisons=comparisons,
        artefacts=(write_predictions(context, answers, other), classify_plots.confusions(context, confused)),
        split=split,
        facts=_facts(context, model, classifier, answers, confused),
    )


def _quality(answers: Answers, split: str, seed: int, resamples: int) -> tuple[Metric, ...]:
    found = bootstrap.mean(answers.correct.tolist(), resamples, seed)
    number = len(answers.rows)
    error = calibration_error(answers.confidence, answers.correct)
    return (
        Metric(name="accuracy", value=found.value, low=found.low, high=found.high, n=number, split=split),
        Metric(name="macro_f1", value=macro_f1(answers.truth, answers.predicted), n=number, split=split),
        Metric(name="ece", value=error, n=number, split=split),
    )


def _facts(
    context: JobContext,
    model: Candidate,
    classifier: Classifier,
    answers: Answers,
    confused: list[tuple[str, str, int]],
) -> dict[str, JsonValue]:
    shares = unread(classifier.encoder, [row.text for row in answers.rows])
    warnings = warnings_about(model, shares)
    unknown = sorted({row.label for row, place in zip(answers.rows, answers.truth, strict=True) if place < 0})
    if unknown:
        warnings.append(f"{model.name} does not know {len(unknown)} of the labels ({', '.join(unknown[:5])}).")
    for sentence in warnings:
        context.log(sentence)
    frozen = model.kind is ModelKind.ENCODER
    return {
        "decides_by": "nearest class centroid of training rows, encoder frozen" if frozen else "trained head",
        "labels": len(classifier.labels),
        "always_most_frequent": _most_frequent(answers),
        "most_confused": [{"label": right, "given": given, "times": times} for right, given, times in confused],
        "samples": _samples(answers),
        "cut_texts": shares["cut_texts"],
        "warnings": list(warnings),
    }


def _most_frequent(answers: Answers) -> float:
    """Accuracy of always giving the most frequent label of these rows: what a classifier has to beat."""
    _, times = np.unique(answers.wanted, return_counts=True)
    return float(times.max() / times.sum())


def _samples(answers: Answers) -> list[JsonValue]:
    wrong = [index for index, right in enumerate(answers.correct) if not right][: SAMPLES // 2]
    right = [index for index, right in enumerate(answers.correct) if right][: SAMPLES - len(wrong)]
    return [
        {
            "text": answers.rows[index].text,
            "label": answers.rows[index].label,
            "predicted": answers.given[index],
            "confidence": round(float(answers.confidence[index]), 3),
        }
        for index in wrong + right
    ]
