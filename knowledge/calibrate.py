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

from knowledge import calibrate_sentences, ground, logistic
from knowledge.embed import Embedder, OnnxEmbedder
from knowledge.fitted import Fitted
from knowledge.gate import CONSIDERED, FILE, THRESHOLD, WORDS, Doorkeeper, Features, Gate, features, read_first, values
from knowledge.inquiry import scopes_of
from knowledge.knowledge import Knowledge
from knowledge.model import Language
from knowledge.query import Query
from knowledge.reader import WEIGHINGS, OnnxReader, Reader, Weighing, Weighings, bounded
from knowledge.retrieve import Found, Retriever

_DATA = Path(__file__).parent / "calibration"
QUESTIONS = _DATA / "questions.jsonl"
DOCUMENTS = _DATA / "documents"  # of a made-up company, asked about beside the guides
PROJECT = "calibration"
CLOSE = "close"  # style of questions by other writers, half of them about what a passage nearly tells
ANSWERED = 0.92  # share of the answerable questions, close ones aside; the goal
_SELDOM = 0.25  # how much a close question counts: people seldom ask so near to what a passage tells
_CAUTION = 1.25  # an invented answer is worse than none


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
class Seen:
    """A question with the first passages the search found for it: all that gate and reader look at."""

    question: Question
    query: Query
    found: tuple[Found, ...]


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


def calibrate(knowledge: Knowledge, reader: Reader) -> tuple[Doorkeeper, dict[str, Figures]]:
    """Fit the gate on one half of the questions; figures of search and gate on the other, by kind of question.

    `knowledge` has the guides; the documents of the set are ingested as those of the project `PROJECT`.
    """
    for path in sorted(DOCUMENTS.iterdir()):
        knowledge.ingest(PROJECT, path)
    seen = seen_half(knowledge.retriever)
    fitted = fit(seen)
    made = Doorkeeper(fitted, reader, weigh(seen, fitted, reader))
    return made, figures(knowledge, made, [q for q in questions() if q.half == "report"])


def figures(knowledge: Knowledge, by: Doorkeeper, asked: Sequence[Question]) -> dict[str, Figures]:
    """Figures for English and Chinese questions about the guides, for those about documents, and for close ones."""
    kinds: dict[str, list[Question]] = {"guides": [], "guides_zh": [], "documents": [], CLOSE: []}
    for question in asked:
        kind = "documents" if question.project else "guides_zh" if question.language == "zh" else "guides"
        kinds[CLOSE if question.style == CLOSE else kind].append(question)
    return {kind: measure(knowledge.retriever, part, by) for kind, part in kinds.items() if part}


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


def measure(retriever: Retriever, asked: Sequence[Question], by: Doorkeeper) -> Figures:
    """Ask every question and hold what is found against its evidence."""
    ranks: list[int] = []
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for question in asked:
        query, found = _search(retriever, question)
        answerable = bool(question.evidence)
        confidences[answerable].append(by.confidence(query, found))
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


def seen_half(retriever: Retriever) -> list[Seen]:
    """The half that everything is fitted on, looked up once."""
    asked = [question for question in questions() if question.half == "calibrate"]
    return [Seen(q, query, tuple(found[:CONSIDERED])) for q in asked for query, found in [_search(retriever, q)]]


def fit(seen: Sequence[Seen], leave_out: Collection[str] = ()) -> Gate:
    """The gate that tells the answerable questions from the others; an error on the others weighs `_CAUTION` times.

    Features named in `leave_out` get no weight. Close questions do not count: what the search found says little of
    them.
    """
    import numpy as np

    names = [field.name for field in fields(Features)]
    kept = np.array([float(name not in leave_out) for name in names])
    usual = [one for one in seen if one.question.style != CLOSE]
    x = np.array([values(features(one.query, one.found)) for one in usual]) * kept
    y = np.array([bool(one.question.evidence) for one in usual], float)
    return Gate(*(round(float(value), 3) for value in logistic.fit(x, y, _CAUTION)))


def weigh(seen: Sequence[Seen], gate: Gate, reader: Reader) -> Weighing:
    """How the gate's logit and the reader's go together; the bias lets `ANSWERED` of the answerable be answered."""
    import numpy as np

    x = np.array([(gate.logit(o.query, o.found), bounded(read_first(reader, o.query, o.found))) for o in seen])
    y = np.array([bool(one.question.evidence) for one in seen], float)
    counts = np.array([_SELDOM if one.question.style == CLOSE else 1.0 for one in seen])
    _, first, read = logistic.fit(x, y, _CAUTION, counts)
    usual = np.sort(x[(counts == 1) & (y == 1)] @ (first, read))
    bias = -usual[int((1 - ANSWERED) * len(usual))]
    return Weighing(*(round(float(value), 3) for value in (bias, first, read)))


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


def calibrated(embedder: Embedder, cache: Path, reader: Reader) -> Calibrated:
    """Fit everything for an encoder on the questions and sentences that ship, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Knowledge(Path(folder), embedder, cache)
        try:
            knowledge.ensure_guides()
            door, measured = calibrate(knowledge, reader)
            words = fit(seen_half(knowledge.retriever), leave_out={"nearest"})
            every = [*calibrate_sentences.cases(), *calibrate_sentences.free_cases()]
            rows = calibrate_sentences.compared(knowledge.retriever, embedder, every, reader)
        finally:
            knowledge.close()
    seen = [row for row in rows if row.case.half != "report"]
    judge = calibrate_sentences.fit(seen)
    supports = calibrate_sentences.weigh(seen, judge)
    report = [row for row in rows if row.case.half == "report"]
    sentences = calibrate_sentences.figures(report, judge, supports)
    return Calibrated(Fitted(door.gate, judge, Weighings(door.weighing, supports)), words, measured, sentences)


def main() -> int:
    """Fit what ships for the packaged encoder, write it to where it ships, and say how it does."""
    cache = Path(os.environ.get("ODYSSEY_CACHE", "~/.cache/odyssey")).expanduser()
    embedder = OnnxEmbedder(cache / "encoder")
    made = calibrated(embedder, cache, OnnxReader(cache / "encoder"))
    shipped = {embedder.name: asdict(made.fitted.gate), WORDS: asdict(made.words)}
    FILE.write_text(json.dumps(shipped, indent=2) + "\n", encoding="utf-8")
    ground.FILE.write_text(json.dumps(asdict(made.fitted.judge), indent=2) + "\n", encoding="utf-8")
    WEIGHINGS.write_text(json.dumps(asdict(made.fitted.weighings), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join([*made.lines(), f"Written to {FILE}, {ground.FILE} and {WEIGHINGS}."]) + "\n")
    return 0


def _share(outcomes: Iterable[bool]) -> float:
    counted = list(outcomes)
    return sum(counted) / max(len(counted), 1)


if __name__ == "__main__":
    sys.exit(main())
