"""How well the search and the gate do, and the fit of the gate, on the question set that ships.

The set has answerable questions with the text that proves an answer, and questions the guides do not answer. Gates
and weights are fitted on its `calibrate` half and reported on the other. Gold is evidence text, so passages may be cut
differently without a new set.
"""

import json
import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from knowledge import calibrate_sentences, ground
from knowledge.embed import Embedder, OnnxEmbedder
from knowledge.fitted import Fitted
from knowledge.gate import FILE, THRESHOLD, WORDS, Features, Gate, features, values
from knowledge.inquiry import scopes_of
from knowledge.knowledge import Knowledge
from knowledge.model import Language
from knowledge.query import Query
from knowledge.retrieve import Found, Retriever

_DATA = Path(__file__).parent / "calibration"
QUESTIONS = _DATA / "questions.jsonl"
DOCUMENTS = _DATA / "documents"  # of a made-up company, asked about beside the guides
PROJECT = "calibration"
_RIDGE = 0.001  # keeps weights finite where a feature separates the two kinds
_CAUTION = 1.25  # an invented answer is worse than none
_STEPS = 50  # of Newton's method; it settles in about ten


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `evidence` has the texts of which one proves an answer; empty where there is none."""

    question: str
    language: Language
    style: str
    half: str
    project: bool  # asked about the documents that ship with the set, beside the guides
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares from 0 to 1: evidence at rank one and among five, the mean of one over its rank, and the gate."""

    hit_1: float
    hit_5: float
    reciprocal_rank: float
    answered: float
    refused: float
    answerable: int
    unanswerable: int


def calibrate(knowledge: Knowledge) -> tuple[Gate, dict[str, Figures]]:
    """Fit the gate on one half of the questions; figures of search and gate on the other, by kind of question.

    `knowledge` has the guides; the documents of the set are ingested as those of the project `PROJECT`.
    """
    for path in sorted(DOCUMENTS.iterdir()):
        knowledge.ingest(PROJECT, path)
    asked = questions()
    fitted = fit(knowledge.retriever, [q for q in asked if q.half == "calibrate"])
    return fitted, figures(knowledge, fitted, [q for q in asked if q.half == "report"])


def figures(knowledge: Knowledge, gate: Gate, asked: Sequence[Question]) -> dict[str, Figures]:
    """Figures for English and Chinese questions about the guides, and for those about documents."""
    kinds: dict[str, list[Question]] = {"guides": [], "guides_zh": [], "documents": []}
    for question in asked:
        kind = "documents" if question.project else "guides_zh" if question.language == "zh" else "guides"
        kinds[kind].append(question)
    return {kind: measure(knowledge.retriever, part, gate) for kind, part in kinds.items() if part}


def questions(file: Path = QUESTIONS) -> list[Question]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [Question(**{**row, "evidence": tuple(row["evidence"])}) for row in rows]


def rank(question: Question, found: Sequence[Found]) -> int:
    """The rank of the first passage that holds the evidence, from 1; 0 if none does."""
    for number, one in enumerate(found, 1):
        text = " ".join(one.passage.stored.text.split())
        if any(evidence in text for evidence in question.evidence):
            return number
    return 0


def measure(retriever: Retriever, asked: Sequence[Question], gate: Gate) -> Figures:
    """Ask every question and hold what is found against its evidence."""
    ranks: list[int] = []
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for question in asked:
        query, found = _search(retriever, question)
        answerable = bool(question.evidence)
        confidences[answerable].append(gate.confidence(query, found))
        if answerable:
            ranks.append(rank(question, found))
    return Figures(
        hit_1=_share(r == 1 for r in ranks),
        hit_5=_share(0 < r <= 5 for r in ranks),
        reciprocal_rank=sum(1 / r for r in ranks if r) / max(len(ranks), 1),
        answered=_share(c >= THRESHOLD for c in confidences[True]),
        refused=_share(c < THRESHOLD for c in confidences[False]),
        answerable=len(ranks),
        unanswerable=len(confidences[False]),
    )


def fit(retriever: Retriever, asked: Sequence[Question], leave_out: Collection[str] = ()) -> Gate:
    """The gate that tells the answerable questions from the others; an error on the others weighs `_CAUTION` times.

    Logistic regression by Newton's method with a small ridge on all weights but the bias. Features named in `leave_out`
    get no weight.
    """
    import numpy as np

    names = [field.name for field in fields(Features)]
    kept = [1.0, *(float(name not in leave_out) for name in names)]
    rows = [(1.0, *values(features(*_search(retriever, question)))) for question in asked]
    x = np.array(rows) * np.array(kept)
    y = np.array([bool(q.evidence) for q in asked], float)
    weight = np.where(y == 1, 0.5 / max(y.sum(), 1), _CAUTION * 0.5 / max((1 - y).sum(), 1)) * len(y)
    ridge = _RIDGE * len(y) * np.diag([1e-9] + [1.0] * (x.shape[1] - 1))
    theta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(x @ theta)))
        gradient = x.T @ (weight * (y - p)) - ridge @ theta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        theta = theta + np.linalg.solve(hessian, gradient)
    return Gate(*(round(float(value), 3) for value in theta))


def _search(retriever: Retriever, question: Question) -> tuple[Query, list[Found]]:
    query = retriever.read(question.question)
    project = PROJECT if question.project else None
    return query, retriever.search(query, scopes_of(retriever.catalogue, project, query.language))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted for one encoder, and how it does on the halves it was not fitted on."""

    fitted: Fitted
    words: Gate  # for encoders that none was fitted for
    search: dict[str, Figures]
    sentences: dict[str, tuple[int, float]]  # by kind: how many, and the share shown

    def lines(self) -> Iterator[str]:
        for kind, found in self.search.items():
            yield (
                f"{kind}: hit@1 {found.hit_1:.2f}, hit@5 {found.hit_5:.2f}, MRR {found.reciprocal_rank:.2f}; answered"
                f" {found.answered:.2f} of {found.answerable}, refused {found.refused:.2f} of {found.unanswerable}"
            )
        for kind in ("supported", "unsupported"):
            count, shown = self.sentences[kind]
            yield f"{kind} sentences: {shown:.3f} of {count} shown"


def calibrated(embedder: Embedder, cache: Path) -> Calibrated:
    """Fit everything for an encoder on the questions and sentences that ship, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Knowledge(Path(folder), embedder, cache)
        try:
            knowledge.ensure_guides()
            gate, measured = calibrate(knowledge)
            rows = calibrate_sentences.compared(knowledge.retriever, embedder, calibrate_sentences.cases())
            words = fit(knowledge.retriever, [q for q in questions() if q.half == "calibrate"], leave_out={"nearest"})
        finally:
            knowledge.close()
    judge = calibrate_sentences.fit([row for row in rows if row.case.half != "report"])
    sentences = calibrate_sentences.figures([row for row in rows if row.case.half == "report"], judge)
    return Calibrated(Fitted(gate, judge), words, measured, sentences)


def main() -> int:
    """Fit what ships for the packaged encoder, write it to where it ships, and say how it does."""
    cache = Path(os.environ.get("ODYSSEY_CACHE", "~/.cache/odyssey")).expanduser()
    embedder = OnnxEmbedder(cache / "encoder")
    made = calibrated(embedder, cache)
    shipped = {embedder.name: asdict(made.fitted.gate), WORDS: asdict(made.words)}
    FILE.write_text(json.dumps(shipped, indent=2) + "\n", encoding="utf-8")
    ground.FILE.write_text(json.dumps(asdict(made.fitted.judge), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join([*made.lines(), f"Written to {FILE} and {ground.FILE}."]) + "\n")
    return 0


def _share(outcomes: Iterable[bool]) -> float:
    counted = list(outcomes)
    return sum(counted) / max(len(counted), 1)


if __name__ == "__main__":
    sys.exit(main())
