"""What a classifier says about rows, how fast, and which of two classifiers says more that is right."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Artefact, Candidate, Comparison, Dataset, JobContext, Metric, ModelKind
from tools.evaluate import bootstrap
from tools.training.classify_measures import softmax
from tools.training.classify_model import Classifier, load_classifier, nearest_centroid
from tools.training.classify_rows import LabelledRow, counts_of, draw, labels_of, read_rows, rows_a_label
from tools.training.encoder import load_encoder
from tools.training.measure import latency_metrics

PASS = 256  # rows between two signs of progress
SAMPLE = 500  # rows whose length stands for all


@dataclass(frozen=True)
class Answers:
    """What a classifier said about rows. Arrays are [rows] or [rows, labels]."""

    rows: tuple[LabelledRow, ...]
    labels: tuple[str, ...]
    logits: NDArray[Any]  # not divided by the temperature
    temperature: float
    seconds: float

    @property
    def probabilities(self) -> NDArray[Any]:
        return softmax(self.logits / self.temperature)

    @property
    def truth(self) -> NDArray[Any]:
        """Index of the right label, -1 for one the classifier does not know."""
        known = {label: index for index, label in enumerate(self.labels)}
        return np.array([known.get(row.label, -1) for row in self.rows])

    @property
    def predicted(self) -> NDArray[Any]:
        return np.asarray(self.logits.argmax(axis=1))

    @property
    def confidence(self) -> NDArray[Any]:
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def correct(self) -> NDArray[Any]:
        return np.asarray(self.predicted == self.truth, dtype=float)

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def given(self) -> list[str]:
        return [self.labels[index] for index in self.predicted]

    @property
    def wanted(self) -> list[str]:
        return [row.label for row in self.rows]


def classify(context: JobContext, step: str, classifier: Classifier, rows: Sequence[LabelledRow]) -> Answers:
    """Ask a classifier about rows, with progress; stops when the job is cancelled."""
    began = time.perf_counter()
    # The longest texts come first: a pass holds texts of like length, and the most memory is needed at once.
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index].text))
    logits = np.empty((len(rows), len(classifier.labels)))
    for start in range(0, len(rows), PASS):
        context.stop_if_cancelled()
        chosen = order[start : start + PASS]
        logits[chosen] = classifier.logits([rows[index].text for index in chosen])
        context.progress(step, start + len(chosen), len(rows))
    return Answers(
        rows=tuple(rows),
        labels=classifier.labels,
        logits=logits,
        temperature=classifier.head.temperature,
        seconds=time.perf_counter() - began,
    )


def classifier_of(context: JobContext, model: Candidate, data: Dataset) -> Classifier:
    """A trained classifier as it is; a frozen encoder decides by the nearest centroid of training rows."""
    if model.kind is ModelKind.CLASSIFIER:
        return load_classifier(model)
    encoder = load_encoder(model)
    rows = read_rows(data, "train")
    labels = labels_of(rows, data.name)
    length = mean_length(encoder.tokens([row.text for row in rows[:SAMPLE]]))
    rows = draw(rows, rows_a_label(counts_of(rows), length), seed=7)
    context.log(f"{model.name} is frozen: it decides by the nearest of {len(labels)} centroids of {len(rows):,} rows.")

    def on_batch(done: int) -> None:
        context.stop_if_cancelled()
        context.progress("reading training rows", done, len(rows))

    vectors = encoder.embed(encoder.tokens([row.text for row in rows]), on_batch)
    place = {label: index for index, label in enumerate(labels)}
    return nearest_centroid(encoder, vectors, [place[row.label] for row in rows], labels)


def mean_length(rows: Sequence[list[int]]) -> float:
    return float(np.mean([len(row) for row in rows]))


def latency(classifier: Classifier, rows: Sequence[LabelledRow]) -> tuple[Metric, Metric]:
    """Milliseconds for one text at a time, from text to label: the middle one and the 95th percentile."""
    classifier.predict([rows[0].text])  # the first call also allocates
    took = []
    for row in rows:
        began = time.perf_counter()
        classifier.predict([row.text])
        took.append(1000 * (time.perf_counter() - began))
    return latency_metrics(took)


def difference(
    answers: Answers, other: Answers, baseline: Candidate, split: str, seed: int, resamples: int = bootstrap.RESAMPLES
) -> Comparison:
    """Accuracy minus the baseline's on the same rows."""
    found = bootstrap.difference(answers.correct.tolist(), other.correct.tolist(), resamples, seed)
    return found.against(baseline, "accuracy", split)


def write_predictions(context: JobContext, answers: Answers, other: Answers | None = None) -> Artefact:
    """`predictions.jsonl`: one object a row, with what another classifier said where one was asked."""
    path = context.folder / "predictions.jsonl"
    theirs = [{"baseline_predicted": given} for given in other.given] if other is not None else [{}] * len(answers.rows)
    lines = [
        json.dumps(
            {"text": row.text, "label": row.label, "predicted": given, "confidence": round(float(sure), 4), **more},
            ensure_ascii=False,
        )
        for row, given, sure, more in zip(answers.rows, answers.given, answers.confidence, theirs, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return context.artefact("predictions", "predictions", path)
