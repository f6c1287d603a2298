"""What may be said: the check of a written sentence against its passages, without a chat model.

Every number, identifier and name of the sentence stands in the passage; a sentence that is nearly a copy has no word
exchanged and no denial put in; and a logistic model of how near it is to the passage's sentences, what stands there the
other way round and what is denied finds it supported, weighed together with what the reader says where there is one.
The model is fitted on one half of `calibration/sentences.jsonl` and measured on the other.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from functools import cache
from pathlib import Path

from knowledge.bridge import in_english, readable
from knowledge.catalogue import SENTENCES, Indexed
from knowledge.claims import (
    coverage,
    exchanged,
    kept_pairs,
    labels,
    numbers,
    share,
    written_out,
)
from knowledge.denial import denied_alone, denied_by_edit
from knowledge.embed import Embedder
from knowledge.order import inverted, miscounted, roles_swapped, turned
from knowledge.reader import Reader, Weighing, share_of, weighings, window
from knowledge.words import content_terms, fold

AS_NEAR = 0.1  # cosine
THRESHOLD = 0.5
FILE = Path(__file__).parent / "calibration" / "ground.json"
READ = 2, 2  # sentences before and after the nearest one that the reader sees
_AROUND = 1  # sentences on either side that belong to what a sentence says


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a sentence compares with the nearest sentence of a passage; shares and cosines, flags as 0 or 1."""

    cosine: float
    words: float  # share of what it tells that the nearest sentence tells, in these words or others
    around: float  # that it, its neighbours and the headings tell
    pairs: float  # share of neighbouring content words that are near each other there
    turned: float  # a word stands where the source has its opposite; 0 to 4: 2 in the nearest sentence, 2 around it
    swapped: float  # doer and done-to changed places
    inverted: float  # share of neighbouring words that come in the other order
    alone: float  # share of what one of the two denies and the other affirms
    miscounted: float  # by how many words a number fits another number of the source better; 0 to 2


@dataclass(frozen=True, slots=True)
class Judge:
    """Logistic weights: how likely the passage carries the sentence."""

    bias: float
    cosine: float
    words: float
    around: float
    pairs: float
    turned: float
    swapped: float
    inverted: float
    alone: float
    miscounted: float

    def logit(self, evidence: Evidence) -> float:
        """Above 0 where it rather does."""
        weights = asdict(self)
        told: float = sum(weights[name] * value for name, value in asdict(evidence).items())
        return self.bias + told


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be shown; `passage` and `sentence` are where it is best supported."""

    supported: bool
    reason: str
    passage: int = 0
    sentence: int = 0


@cache
def judge() -> Judge:
    """The weights that ship."""
    return Judge(**json.loads(FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Checker:
    """Holds written sentences against passages: by the judge alone, or with the reader for a second opinion."""

    embedder: Embedder
    judge: Judge = field(default_factory=judge)
    reader: Reader | None = None
    weighing: Weighing = field(default_factory=lambda: weighings().supports)

    def check(self, sentence: str, passages: Sequence[Indexed]) -> Verdict:
        """Whether one of the passages that are about the same thing carries a sentence.

        A passage farther away than `AS_NEAR` from the nearest may not vouch for it: in many passages some number
        agrees.
        """
        if not passages:
            return Verdict(False, "there is no passage")
        best: tuple[float, Verdict] | None = None
        for index, nearest, cosine in near(sentence, passages, self.embedder):
            reason = missing(sentence, passages[index]) or altered(sentence, passages[index], nearest)
            confidence = 0.0 if reason else self._confidence(sentence, passages[index], nearest, cosine)
            verdict = Verdict(confidence >= THRESHOLD, reason or "too little of it is in the passage", index, nearest)
            if best is None or confidence > best[0]:
                best = confidence, verdict
        assert best is not None  # noqa: S101  # the nearest passage is near to itself
        return Verdict(True, "", best[1].passage, best[1].sentence) if best[1].supported else best[1]

    def _confidence(self, sentence: str, passage: Indexed, nearest: int, cosine: float) -> float:
        first = self.judge.logit(compare(sentence, passage, nearest, cosine))
        if (reader := self.reader) is None:
            return share_of(first)
        return self.weighing.confidence(first, lambda: read(reader, sentence, passage, nearest))


def read(reader: Reader, sentence: str, passage: Indexed, nearest: int) -> float:
    """What the reader says of a sentence and the passage around the sentence nearest to it, as a logit."""
    return reader.supports([(in_english(sentence), window(passage, nearest, *READ))])[0]


def near(sentence: str, passages: Sequence[Indexed], embedder: Embedder) -> list[tuple[int, int, float]]:
    """The passages about the same thing, the nearest first: their index, nearest sentence and its cosine."""
    vector = embedder.embed([readable(sentence, embedder)])[0]
    words = content_terms(sentence)
    places = []
    for index, passage in enumerate(passages):
        cosines = passage.vectors[SENTENCES:] @ vector
        shares = [share(words, set(content_terms(s.text))) for s in passage.sentences]
        nearest = max(range(len(shares)), key=lambda n: float(cosines[n]) + shares[n])
        places.append((index, nearest, float(cosines[nearest])))
    floor = max(cosine for _, _, cosine in places) - AS_NEAR
    return sorted((p for p in places if p[2] >= floor), key=lambda p: -p[2])


def missing(sentence: str, passage: Indexed) -> str:
    """Why the passage cannot carry the sentence whatever the words say; nothing if it may."""
    sentence, source = written_out(sentence), written_out(f"{passage.stored.heading}\n{passage.stored.text}")
    if absent := numbers(sentence) - numbers(source):
        return f"the number {sorted(absent)[0]} is not in the passage"
    folded = fold(source)
    if unknown := [label for label in sorted(labels(sentence)) if label not in folded]:
        return f"the name {unknown[0]} is not in the passage"
    return ""


def altered(sentence: str, passage: Indexed, nearest: int) -> str:
    """What was changed in a sentence that is otherwise the nearest one word for word; nothing if it is none such."""
    sentence, source = written_out(sentence), written_out(passage.sentences[nearest].text)
    new, moved = exchanged(sentence, source)
    if new or moved:
        return "a word was exchanged" if new else "two words or numbers changed places"
    return "a denial was put in or left out" if denied_by_edit(sentence, source) else ""


def compare(sentence: str, passage: Indexed, nearest: int, cosine: float) -> Evidence:
    sentence, source = written_out(sentence), written_out(passage.sentences[nearest].text)
    window = passage.sentences[max(0, nearest - _AROUND) : nearest + _AROUND + 1]
    around = written_out(f"{passage.stored.heading} {' '.join(s.text for s in window)}")
    words = content_terms(sentence)
    return Evidence(
        cosine=cosine,
        words=coverage(words, source),
        around=coverage(words, around),
        pairs=kept_pairs(sentence, source),
        turned=turned(sentence, source) + turned(sentence, around),
        swapped=float(roles_swapped(sentence, source)),
        inverted=inverted(sentence, source),
        alone=denied_alone(sentence, source, around),
        miscounted=miscounted(sentence, source),
    )


def values(evidence: Evidence) -> tuple[float, ...]:
    """In the order of the weights behind the bias."""
    return astuple(evidence)
