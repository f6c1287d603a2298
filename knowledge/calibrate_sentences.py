"""How well written sentences are checked, and the fit of the check, on the set of sentences that ships.

The supported ones are paraphrases and light edits of the guides; the others have a number, a name, a word or a denial
changed, or were invented on the subject. Each is held against the passages that its `about` finds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.catalogue import Indexed
from knowledge.embed import Embedder
from knowledge.ground import THRESHOLD, Evidence, Judge, altered, compare, missing, near, values
from knowledge.inquiry import scopes_of
from knowledge.retrieve import Retriever

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SENTENCES = Path(__file__).parent / "calibration" / "sentences.jsonl"
KEPT = 0.96  # share of supported sentences that pass; a little over the goal of .95, as the fit has seen them
CONTRAST = "contrast"
_READ = 5  # passages
_FOR = 4  # the first values of an evidence speak for a sentence, the others against it
_SIGNS = (*(1,) * _FOR, *(-1,) * (len(fields(Evidence)) - _FOR))  # nearness never against it, a fault never for it
_RIDGE = 0.001
_STEPS = 4000
_RATE = 2.0
_ROUNDS = 4  # the best passage of a sentence depends on the weights


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, what it is about, and whether the guides carry it.

    `half` is "calibrate" or "report"; "contrast" for paraphrases beside sentences that say nearly the opposite, Chinese
    ones too. They serve the weights but not the bias: a writer seldom comes so near to the opposite.
    """

    sentence: str
    about: str
    kind: str
    supported: bool
    half: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A case with what each near passage says to it; none where a word is missing or was altered."""

    case: Case
    evidence: tuple[tuple[float, ...], ...]


def cases(file: Path = SENTENCES) -> list[Case]:
    return [Case(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def compared(retriever: Retriever, embedder: Embedder, asked: Sequence[Case]) -> list[Compared]:
    return [Compared(case, tuple(_evidence(retriever, embedder, case))) for case in asked]


def _evidence(retriever: Retriever, embedder: Embedder, case: Case) -> list[tuple[float, ...]]:
    query = retriever.read(case.about)
    found = retriever.search(query, scopes_of(retriever.catalogue, None, query.language))[:_READ]
    passages: list[Indexed] = [one.passage for one in found]
    return [
        values(compare(case.sentence, passages[index], nearest, cosine))
        for index, nearest, cosine in near(case.sentence, passages, embedder)
        if not missing(case.sentence, passages[index]) and not altered(case.sentence, passages[index], nearest)
    ]


def fit(rows: Sequence[Compared]) -> Judge:
    """Logistic weights of the right signs, by projected gradients; the bias keeps `KEPT` of the supported ones.

    Contrasting sentences count for the weights only.
    """
    import numpy as np

    weights = np.array(_SIGNS, float)
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


def passes(rows: Sequence[Compared], judge: Judge) -> list[bool]:
    """Which sentences may be shown."""
    return [max((judge.confidence(Evidence(*one)) for one in row.evidence), default=0.0) >= THRESHOLD for row in rows]


def figures(rows: Sequence[Compared], judge: Judge) -> dict[str, tuple[int, float]]:
    """By kind of sentence, and for `supported` and `unsupported` together: how many, and the share shown."""
    shown: dict[str, list[bool]] = {}
    for row, passed in zip(rows, passes(rows, judge), strict=True):
        for kind in (row.case.kind, "supported" if row.case.supported else "unsupported"):
            shown.setdefault(kind, []).append(passed)
    return {kind: (len(part), sum(part) / len(part)) for kind, part in sorted(shown.items())}
