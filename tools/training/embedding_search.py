"""What an encoder finds: for each question the rank of its text among all texts of a split, and how fast."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.contract import Candidate, Comparison, JobContext, Metric
from tools.evaluate import bootstrap, retrieval
from tools.evaluate.spec import RETRIEVAL_METRICS
from tools.training.classify_measures import softmax
from tools.training.embedding_rows import Pairs
from tools.training.encoder import Encoder
from tools.training.headed import SCALE
from tools.training.measure import latency_metrics

_AT_ONCE = 256  # questions compared with all texts at once


@dataclass(frozen=True)
class Found:
    """What an encoder found for each question of `pairs`, in their order."""

    pairs: Pairs
    ranks: tuple[int, ...]  # of the right text, 1 for the first
    first: tuple[str, ...]  # the text found first
    confidence: NDArray[Any]  # [questions]: share of the first text among all, by the softmax it was trained with
    vectors: Tensor  # of the texts, [texts, width]
    seconds: float

    def values(self, metric: str) -> list[float]:
        return retrieval.values(np.array(self.ranks), metric)

    @property
    def recall(self) -> float:
        """Share of questions whose text is found first."""
        return self.ranks.count(1) / len(self.ranks)

    @property
    def correct(self) -> NDArray[Any]:
        """[questions]: 1 where the right text is found first, else 0."""
        return np.array(self.values("recall@1"))

    @property
    def accuracy(self) -> float:
        return self.recall

    @property
    def throughput(self) -> float:
        """Questions and texts read a second."""
        return (len(self.pairs) + len(self.pairs.texts)) / self.seconds


def search(context: JobContext, step: str, encoder: Encoder, pairs: Pairs) -> Found:
    """Look for the text of every question, with progress; stops when the job is cancelled."""
    began = time.perf_counter()
    total = len(pairs.texts) + len(pairs)

    def told(before: int) -> Callable[[int], None]:
        def on_batch(done: int) -> None:
            context.stop_if_cancelled()
            context.progress(step, before + done, total)

        return on_batch

    texts = encoder.embed(encoder.tokens(pairs.texts), told(0))
    questions = encoder.embed(encoder.tokens([pair.question for pair in pairs.pairs]), told(len(pairs.texts)))
    ranks: list[int] = []
    first: list[str] = []
    sure: list[float] = []
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        scores = (questions[part] @ texts.T).numpy()
        ranks += [int(rank) for rank in retrieval.ranks(scores, pairs.right[part], pairs.also[part])]
        for row, also in enumerate(pairs.also[part]):
            scores[row, list(also)] = -np.inf
        first += [pairs.texts[place] for place in scores.argmax(axis=1)]
        sure += softmax(SCALE * scores).max(axis=1).tolist()
    return Found(pairs, tuple(ranks), tuple(first), np.array(sure), texts, time.perf_counter() - began)


def quality(
    found: Found,
    split: str,
    names: Sequence[str] = RETRIEVAL_METRICS,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 7,
) -> list[Metric]:
    """The metrics of `names` with their intervals."""
    intervals = [(name, bootstrap.mean(found.values(name), resamples, seed)) for name in names]
    return [Metric(name=name, value=i.value, low=i.low, high=i.high, n=i.n, split=split) for name, i in intervals]


def difference(
    found: Found,
    other: Found,
    metric: str,
    baseline: Candidate,
    split: str,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 7,
) -> Comparison:
    """A metric minus the baseline's on the same questions."""
    change = bootstrap.difference(found.values(metric), other.values(metric), resamples, seed)
    return change.against(baseline, metric, split)


@torch.inference_mode()
def latency(encoder: Encoder, found: Found, count: int, split: str) -> tuple[Metric, Metric]:
    """Milliseconds from one question to the text it finds, among texts whose vectors are at hand."""
    asked = [found.pairs.pairs[index * len(found.pairs) // count].question for index in range(count)]
    took = []
    for question in [asked[0], *asked]:
        began = time.perf_counter()
        (encoder.embed(encoder.tokens([question])) @ found.vectors.T).argmax()
        took.append(1000 * (time.perf_counter() - began))
    return latency_metrics(took[1:], split)  # the first call also allocates
