"""A small model that reads two texts together: whether a passage carries a sentence, whether it answers a question.

The packaged encoder with what `tools.training.reader` learnt from `calibration/pairs.jsonl.gz`: sentences and questions
about the guides, two libraries' documentation and documents of made-up teams, written for it by language models; no
person checked each. It reads English; Chinese goes through the glossary.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from knowledge import reader_graph
from knowledge.bridge import in_english
from knowledge.catalogue import Indexed
from knowledge.embed import built, packaged_model, session, tokenizer

LEARNT = Path(__file__).parent / "calibration" / "reader.safetensors"
WEIGHINGS = Path(__file__).parent / "calibration" / "weighings.json"
CERTAIN = 4.0  # a logit beyond weighs no more; so three of five common questions need no reading, with the same answers
SUPPORTS, ANSWERS = 0, 1  # in the order of the tasks it learnt
CLAIM_TOKENS, PASSAGE_TOKENS = 64, 160  # what it was trained to read; more is cut off


class Reader(Protocol):
    """Says how a passage stands to a sentence or a question, as a logit: above 0 rather yes."""

    def supports(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Of each sentence and passage."""

    def answers(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Of each question and passage."""


class OnnxReader:
    """The reader on ONNX Runtime, without torch. The graph is built on first use and kept in `cache`.

    Raises `Unavailable` where the weights are missing or the graph cannot be loaded.
    """

    def __init__(self, cache: Path, learnt: Path = LEARNT) -> None:
        self._cache = cache
        self._learnt = learnt
        self._lock = Lock()
        self._loaded: tuple[Any, Any, Any] | None = None

    @property
    def graph(self) -> Path:
        """Where the graph is kept."""
        return self._cache / f"reader-{reader_graph.digest(self._learnt)}.onnx"

    def supports(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return self._read(SUPPORTS, pairs)

    def answers(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return self._read(ANSWERS, pairs)

    def prepare(self) -> None:
        """Build and load the graph now rather than with the first question."""
        self._load()

    def _read(self, task: int, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [self._read_one(task, claim, passage) for claim, passage in pairs]

    def _read_one(self, task: int, claim: str, passage: str) -> float:
        """Each pair alone: activations are scaled to eight bits by the tensor, so its company would change the word."""
        import numpy as np

        claims, passages, run = self._load()
        feed = {"task": np.array([task], np.int64)}
        for name, cut, text in (("claim", claims, claim), ("passage", passages, passage)):
            encoded = cut.encode(text)
            feed[f"{name}_ids"] = np.array([encoded.ids], np.int64)
            feed[f"{name}_mask"] = np.array([encoded.attention_mask], np.int64)
        return float(run.run(["logits"], feed)[0][0])

    def _load(self) -> tuple[Any, Any, Any]:
        with self._lock:
            if self._loaded is None:
                model = packaged_model()
                cut = tokenizer(model, CLAIM_TOKENS), tokenizer(model, PASSAGE_TOKENS)
                self._loaded = (*cut, session(built(self.graph, self._build), threads=1))
            return self._loaded

    def _build(self, unfinished: Path) -> None:
        reader_graph.build(packaged_model(), self._learnt, unfinished)
        for older in self._cache.glob("reader-*.onnx"):
            older.unlink(missing_ok=True)


def window(passage: Indexed, best: int, before: int, after: int) -> str:
    """The sentences around one with their headings, as the reader was trained to see them; Chinese in English."""
    around = passage.sentences[max(0, best - before) : best + after + 1]
    text = " ".join(" ".join(sentence.text.split()) for sentence in around)
    return in_english(f"{passage.stored.heading}. {text}")


@dataclass(frozen=True, slots=True)
class Weighing:
    """How a first logit, of what was counted, and the reader's are weighed together."""

    bias: float
    first: float
    read: float

    def logit(self, first: float, read: float) -> float:
        return self.bias + self.first * first + self.read * bounded(read)

    def confidence(self, first: float, read: Callable[[], float]) -> float:
        """0 to 1. The reader is not asked where nothing it may say would take the first across one half."""
        at_least, at_most = self.logit(first, -CERTAIN), self.logit(first, CERTAIN)
        if at_least >= 0:
            return share_of(at_least)
        return share_of(at_most if at_most < 0 else self.logit(first, read()))


@dataclass(frozen=True, slots=True)
class Weighings:
    answers: Weighing
    supports: Weighing

    @classmethod
    def of(cls, kept: dict[str, dict[str, float]]) -> "Weighings":
        """As they are kept in JSON."""
        return cls(Weighing(**kept["answers"]), Weighing(**kept["supports"]))


@cache
def weighings() -> Weighings:
    """Those that ship."""
    return Weighings.of(json.loads(WEIGHINGS.read_text(encoding="utf-8")))


def bounded(read: float) -> float:
    """A logit of the reader as far as it weighs."""
    return max(-CERTAIN, min(CERTAIN, read))


def share_of(logit: float) -> float:
    """The logistic function, 0 to 1."""
    return 1 / (1 + exp(-max(-50.0, min(50.0, logit))))
