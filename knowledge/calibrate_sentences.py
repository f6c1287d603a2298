"""How well written sentences are checked, and the fit of the check, on the set of sentences that ships.

The supported ones are paraphrases and light edits of the guides; the others have a number, a name, a word or a denial
changed, or were invented on the subject. Each is held against the passages that its `about` finds. Beside them stand
the pairs of sentence and passage that the reader did not learn from: freer paraphrases, and what only looks like them.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge import logistic
from knowledge.catalogue import SENTENCES as FIRST
from knowledge.catalogue import Indexed
from knowledge.chunk import sentences
from knowledge.embed import Embedder
from knowledge.ground import Evidence, Judge, altered, compare, missing, near, read, values
from knowledge.inquiry import scopes_of
from knowledge.model import Stored
from knowledge.reader import Reader, Weighing, bounded
from knowledge.retrieve import Retriever

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SENTENCES = Path(__file__).parent / "calibration" / "sentences.jsonl"
PAIRS = SENTENCES.with_name("pairs.jsonl.gz")
KEPT = 0.96  # share of supported sentences that pass; a little over the goal of .95, as the fit has seen them
CONTRAST = "contrast"
_READ = 5  # passages
_FOR = 4  # the first values of an evidence speak for a sentence, the others against it
_SIGNS = (*(1,) * _FOR, *(-1,) * (len(fields(Evidence)) - _FOR))  # nearness never against it, a fault never for it
_RIDGE = 0.001
_STEPS = 4000
_RATE = 2.0
_SELDOM = 0.25  # how much a free sentence counts: half of them were written to mislead
_CAUTION = 1.5  # what is let through is worse than what is dropped: the passages themselves are quoted then
_ROUNDS = 4  # the best passage of a sentence depends on the weights


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, what it is about, and whether the guides carry it.

    `half` is "calibrate" or "report"; "contrast" for paraphrases beside sentences that say nearly the opposite, Chinese
    ones too. They serve the weights but not the bias: a writer seldom comes so near to the opposite. A free sentence
    comes with its passage and the heading of that.
    """

    sentence: str
    about: str
    kind: str
    supported: bool
    half: str
    passage: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A case with what each near passage says to it, and the reader of it; none where a word is missing or altered."""

    case: Case
    evidence: tuple[tuple[float, ...], ...]
    read: tuple[float, ...] = ()


def cases(file: Path = SENTENCES) -> list[Case]:
    return [Case(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def free_cases(file: Path = PAIRS) -> list[Case]:
    """The sentences of the pairs that the reader did not learn from, each with its passage."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Case(
            r["text"],
            "",
            r["kind"],
            r["holds"],
            r["half"],
            r["passage"].removeprefix(f"{r['heading']}. "),
            r["heading"],
        )
        for r in rows
        if r["task"] == "supports" and r["half"] != "train"
    ]


def compared(
    retriever: Retriever, embedder: Embedder, asked: Sequence[Case], reader: Reader | None = None
) -> list[Compared]:
    return [_compared(retriever, embedder, case, reader) for case in asked]


def _compared(retriever: Retriever, embedder: Embedder, case: Case, reader: Reader | None) -> Compared:
    passages = [_indexed(case, embedder)] if case.passage else _found(retriever, case.about)
    usable = [
        (passages[index], nearest, cosine)
        for index, nearest, cosine in near(case.sentence, passages, embedder)
        if not missing(case.sentence, passages[index]) and not altered(case.sentence, passages[index], nearest)
    ]
    evidence = tuple(values(compare(case.sentence, *one)) for one in usable)
    if reader is None:
        return Compared(case, evidence)
    return Compared(case, evidence, tuple(read(reader, case.sentence, passage, at) for passage, at, _ in usable))


def _found(retriever: Retriever, about: str) -> list[Indexed]:
    query = retriever.read(about)
    found = retriever.search(query, scopes_of(retriever.catalogue, None, query.language))[:_READ]
    return [one.passage for one in found]


def _indexed(case: Case, embedder: Embedder) -> Indexed:
    """The passage of a free sentence as the catalogue would have it."""
    import numpy as np

    parts = tuple(sentences(case.passage))
    vectors = embedder.embed([case.heading] * FIRST + [part.text for part in parts])
    stored = Stored(
        id="", scope="", source="", title="", heading=case.heading, text=case.passage, start=0, end=len(case.passage)
    )
    return Indexed(stored, parts, np.asarray(vectors))


def fit(rows: Sequence[Compared]) -> Judge:
    """Logistic weights of the right signs, by projected gradients; the bias keeps `KEPT` of the supported ones.

    Contrasting sentences count for the weights only. Free ones do not count: words say little of them.
    """
    import numpy as np

    weights = np.array(_SIGNS, float)
    rows = [row for row in rows if not row.case.passage]
    usable = [row for row in rows if row.evidence]
    truth = np.array([row.case.supported for row in usable], float)
    for _ in range(_ROUNDS):
        best = np.array([_best(row, weights) for row in usable])
        weights = _descend(best, truth)
    kept = [row for row in rows if row.case.supported and row.case.half != CONTRAST]
    scores = sorted(float(_best(row, weights) @ weights) for row in kept if row.evidence)
    bias = -scores[max(0, int((1 - KEPT) * len(kept)) - (len(kept) - len(scores)))]  # those without are lost anyway
    return Judge(round(bias, 3) + 0.001, *(round(float(value), 3) for value in weights))


def _best(row: Compared, weights: "Floats") -> "Floats":
    import numpy as np

    return max((np.array(one) for one in row.evidence), key=lambda one: float(one @ weights))


def _descend(x: "Floats", truth: "Floats") -> "Floats":
    import numpy as np

    x = np.c_[np.ones(len(x)), x]
    signs = np.array([0, *_SIGNS])
    share = np.where(truth == 1, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    weights = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        weights = weights + _RATE * (x.T @ (share * (truth - p)) - _RIDGE * np.where(signs, weights, 0))
        weights = np.where(weights * signs < 0, 0.0, weights)
    return np.asarray(weights[1:])


def weigh(rows: Sequence[Compared], judge: Judge) -> Weighing:
    """How the judge's logit and the reader's go together, by the passage of each row that speaks most for it."""
    import numpy as np

    usable = [row for row in rows if row.evidence]
    truth = np.array([row.case.supported for row in usable], float)
    counts = np.array([_SELDOM if row.case.passage else 1.0 for row in usable])
    weighing = Weighing(0.0, 1.0, 1.0)
    for _ in range(_ROUNDS):
        best = [max(_logits(row, judge), key=lambda pair: weighing.logit(*pair)) for row in usable]
        fitted = logistic.fit(np.array(best), truth, _CAUTION, counts)
        weighing = Weighing(*(round(float(weight), 3) for weight in fitted))
    return weighing


def _logits(row: Compared, judge: Judge) -> list[tuple[float, float]]:
    """The judge's and the reader's, as far as it weighs, of each passage."""
    return [(judge.logit(Evidence(*one)), bounded(read)) for one, read in zip(row.evidence, row.read, strict=True)]


def passes(rows: Sequence[Compared], judge: Judge, weighing: Weighing | None = None) -> list[bool]:
    """Which sentences may be shown, by the judge alone or with the reader."""
    if weighing is None:
        return [max((judge.logit(Evidence(*one)) for one in row.evidence), default=-1.0) >= 0 for row in rows]
    return [max((weighing.logit(*pair) for pair in _logits(row, judge)), default=-1.0) >= 0 for row in rows]


def figures(rows: Sequence[Compared], judge: Judge, weighing: Weighing | None = None) -> dict[str, tuple[int, float]]:
    """By kind of sentence, and for `supported` and `unsupported` together: how many, and the share shown."""
    shown: dict[str, list[bool]] = {}
    for row, passed in zip(rows, passes(rows, judge, weighing), strict=True):
        for kind in (row.case.kind, "supported" if row.case.supported else "unsupported"):
            shown.setdefault(kind, []).append(passed)
    return {kind: (len(part), sum(part) / len(part)) for kind, part in sorted(shown.items())}
