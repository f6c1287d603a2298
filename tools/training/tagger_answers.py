"""What a tagger says of rows, how fast, and which of two taggers says more that is right."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Artefact, Candidate, Comparison, Dataset, JobContext, Metric, ModelKind
from tools.errors import UserFault
from tools.evaluate import bootstrap, tagging
from tools.evaluate.tagging import Counts, Table
from tools.training.classify_answers import PASS
from tools.training.encoder import Encoder, load_encoder, unread, warnings_about
from tools.training.measure import latency_metrics
from tools.training.tagger_model import Pieces, Tagged, Tagger, load_tagger, nearest_centroid, pieces
from tools.training.tagger_rows import TaggedRow, read_rows, tags_of


@dataclass(frozen=True)
class TaggedAnswers:
    """What a tagger said of rows, in their order."""

    rows: tuple[TaggedRow, ...]
    given: tuple[Tagged, ...]
    seconds: float

    @cached_property
    def counts(self) -> Counts:
        return tagging.count([row.tags for row in self.rows], [given.tags for given in self.given])

    @property
    def table(self) -> Table:
        """[rows, 3]: entities given rightly, given, wanted."""
        return self.counts.rows

    @property
    def f1(self) -> float:
        return float(tagging.f1(self.table.sum(axis=0)))

    @property
    def correct(self) -> NDArray[Any]:
        """[rows]: 1 where all entities of a row are found and nothing else, else 0."""
        return np.asarray((self.table == self.table[:, :1]).all(axis=1), dtype=float)

    @property
    def accuracy(self) -> float:
        """Share of rows that are right as a whole."""
        return float(self.correct.mean())

    @property
    def confidence(self) -> NDArray[Any]:
        """[rows]: that of a row's least certain word."""
        return np.array([min(given.confidences) for given in self.given])


def answer(context: JobContext, step: str, tagger: Tagger, rows: Sequence[TaggedRow]) -> TaggedAnswers:
    """Ask a tagger about rows, with progress; stops when the job is cancelled."""
    began = time.perf_counter()
    # The longest rows come first: a pass holds rows of like length, and the most memory is needed at once.
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index].text))
    given: dict[int, Tagged] = {}
    for start in range(0, len(rows), PASS):
        context.stop_if_cancelled()
        chosen = order[start : start + PASS]
        given |= zip(chosen, tagger.tag([rows[index].tokens for index in chosen]), strict=True)
        context.progress(step, len(given), len(rows))
    return TaggedAnswers(tuple(rows), tuple(given[index] for index in range(len(rows))), time.perf_counter() - began)


def tagger_of(context: JobContext, model: Candidate, data: Dataset) -> Tagger:
    """A trained tagger as it is; a frozen encoder decides by the nearest centroid of training words."""
    if model.kind is ModelKind.TAGGER:
        return load_tagger(model)
    encoder, rows = load_encoder(model), read_rows(data, "train")
    tags = tags_of(rows, data.name)
    context.log(f"{model.name} is frozen: it decides by the nearest of {len(tags)} centroids of {len(rows):,} rows.")
    return untrained(context, encoder, rows, tags)[0]


def untrained(
    context: JobContext, encoder: Encoder, rows: Sequence[TaggedRow], tags: tuple[str, ...]
) -> tuple[Tagger, list[Pieces], list[list[int]]]:
    """A tagger whose head points at the centroids of its tags, the rows in pieces, the indices of their words' tags.

    Rows of which no word can be read (signs without a width) are left out.
    """

    def on_batch(done: int) -> None:
        context.stop_if_cancelled()
        context.progress("reading training rows", done, len(rows))

    place = {tag: index for index, tag in enumerate(tags)}
    pairs = zip(rows, pieces(encoder, [row.tokens for row in rows]), strict=True)
    readable = [(row, part) for row, part in pairs if part.words]
    if not readable:
        raise UserFault("No word of the training rows can be read by this encoder; take one for their language.")
    read = [part for _, part in readable]
    targets = [[place[row.tags[word]] for word in part.words] for row, part in readable]
    return nearest_centroid(encoder, read, targets, tags, on_batch), read, targets


def unread_words(encoder: Encoder, rows: Sequence[TaggedRow]) -> int:
    """Words that lie beyond what the encoder reads of a row: they get no tag but O."""
    read = pieces(encoder, [row.tokens for row in rows])
    return sum(len(row.tokens) - len(part.words) for row, part in zip(rows, read, strict=True))


def warn(context: JobContext, model: Candidate, encoder: Encoder, rows: Sequence[TaggedRow]) -> list[str]:
    """Sentences for a person about rows this encoder reads badly, told in the log as well."""
    shares = unread(encoder, [row.text for row in rows]) | {"cut_texts": 0.0}  # words are counted below
    said, beyond = warnings_about(model, shares), unread_words(encoder, rows)
    if beyond:
        number = sum(len(row.tokens) for row in rows)
        said.append(
            f"{beyond:,} of {number:,} words lie beyond the {encoder.context} pieces that {model.name} reads of a row"
            " and belong to no entity for it; cut long rows into sentences."
        )
    for sentence in said:
        context.log(sentence)
    return said


def latency(tagger: Tagger, rows: Sequence[TaggedRow]) -> tuple[Metric, Metric]:
    """Milliseconds for one row at a time, from words to tags: the middle one and the 95th percentile."""
    tagger.tag([rows[0].tokens])  # the first call also allocates
    took = []
    for row in rows:
        began = time.perf_counter()
        tagger.tag([row.tokens])
        took.append(1000 * (time.perf_counter() - began))
    return latency_metrics(took)


def quality(answers: TaggedAnswers, split: str, resamples: int = bootstrap.RESAMPLES, seed: int = 7) -> list[Metric]:
    """F1, precision and recall of whole entities, and the share of rows that are right as a whole."""
    sums, number = answers.table.sum(axis=0), len(answers.rows)
    whole = tagging.interval(answers.table, resamples, seed)
    match = bootstrap.mean(answers.correct.tolist(), resamples, seed)
    return [
        Metric(name="entity_f1", value=whole.value, low=whole.low, high=whole.high, n=number, split=split),
        Metric(name="precision", value=float(tagging.precision(sums)), n=number, split=split),
        Metric(name="recall", value=float(tagging.recall(sums)), n=number, split=split),
        Metric(name="exact_match", value=match.value, low=match.low, high=match.high, n=number, split=split),
    ]


def differences(
    answers: TaggedAnswers,
    other: TaggedAnswers,
    baseline: Candidate,
    split: str,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 7,
) -> tuple[Comparison, Comparison]:
    """Entity F1 and exact match minus the baseline's on the same rows."""
    found = {
        "entity_f1": tagging.difference(answers.table, other.table, resamples, seed),
        "exact_match": bootstrap.difference(answers.correct.tolist(), other.correct.tolist(), resamples, seed),
    }
    first, second = (change.against(baseline, metric, split) for metric, change in found.items())
    return first, second


def write_predictions(context: JobContext, answers: TaggedAnswers) -> Artefact:
    """`predictions.jsonl`: one object a row."""
    path = context.folder / "predictions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row, given, match in zip(answers.rows, answers.given, answers.correct.tolist(), strict=True):
            entry = {
                "text": row.text,
                "tokens": row.tokens,
                "tags": row.tags,
                "predicted": given.tags,
                "confidence": round(min(given.confidences), 4),
                "values": {"exact_match": match},
            }
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return context.artefact("predictions", "predictions", path)
