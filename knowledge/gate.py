"""Whether what was found answers the question, or "I don't know" is the better answer.

A logistic model of what the search found, fitted by `knowledge.calibrate`. Cosines belong to one encoder, so there is a
gate for each encoder it was fitted for, and one that looks at words alone for all others. Where there is a reader, it
reads what would be quoted, and both are weighed together.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from functools import cache
from pathlib import Path

from knowledge.query import Query, Unit
from knowledge.reader import Reader, Weighing, share_of, weighings, window
from knowledge.retrieve import Found
from knowledge.words import terms

THRESHOLD = 0.5
CONSIDERED = 5  # passages
WORDS = "words"  # the gate for encoders that none was fitted for
FILE = Path(__file__).parent / "calibration" / "gate.json"
QUOTED = 1, 2  # sentences before and after the best one that the reader sees
_MANY = 8  # units; a longer question is as long


@dataclass(frozen=True, slots=True)
class Features:
    """What the gate looks at, of the first `CONSIDERED` passages; shares and cosines from 0 to 1.

    Over the 335 questions of both calibration halves all of them together reach an AUROC of .96 when cross-validated.
    """

    coverage: float  # highest share of the question's units, weighted by their rarity
    nearest: float  # highest cosine
    gap: float  # where something is named, what is not covered counts once more: "the door code in Lisbon"
    named: float  # whether something is named: one passage should then cover nearly all
    heading: float  # highest share of the question's units in an innermost heading
    names: float  # highest share of the names in the question that one passage has; 1 if there are none
    length: float  # of the question in units, at most `_MANY`, divided by that
    elsewhere: float  # whether it asks for what no guide knows: the team's own, or the present


@dataclass(frozen=True, slots=True)
class Gate:
    """Logistic weights: how likely the passages found answer the question."""

    bias: float
    coverage: float
    nearest: float
    gap: float
    named: float
    heading: float
    names: float
    length: float
    elsewhere: float

    def logit(self, query: Query, found: Sequence[Found]) -> float:
        """Above 0 where they rather do."""
        weights = asdict(self)
        told: float = sum(weights[name] * value for name, value in asdict(features(query, found)).items())
        return self.bias + told


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """The gate, and the reader for a second opinion where there is one."""

    gate: Gate
    reader: Reader | None = None
    weighing: Weighing = field(default_factory=lambda: weighings().answers)

    def confidence(self, query: Query, found: Sequence[Found]) -> float:
        """How likely what was found answers the question, 0 to 1."""
        if not found:
            return 0.0
        first = self.gate.logit(query, found)
        if (reader := self.reader) is None:
            return share_of(first)
        return self.weighing.confidence(first, lambda: read_first(reader, query, found))


def read_first(reader: Reader, query: Query, found: Sequence[Found]) -> float:
    """What the reader says of the question and what would be quoted first, as a logit."""
    return reader.answers([(query.dense, window(found[0].passage, found[0].best, *QUOTED))])[0]


def features(query: Query, found: Sequence[Found]) -> Features:
    head = found[:CONSIDERED]
    coverage = max(f.coverage for f in head)
    of_guides = head[0].passage.stored.scope.startswith("guides")
    return Features(
        coverage=coverage,
        nearest=max(f.nearest for f in head),
        gap=(1 - coverage) * query.named,
        named=float(query.named),
        heading=max(f.heading for f in head),
        names=max(_share(query.names, f) for f in head) if query.names else 1.0,
        length=min(len(query.units), _MANY) / _MANY,
        elsewhere=float(query.present or (query.ours and of_guides)),
    )


def _share(names: Sequence[Unit], found: Found) -> float:
    passage = found.passage
    known = set(terms(f"{passage.stored.heading} {' '.join(s.text for s in passage.sentences)}"))
    return sum(any(known.issuperset(group) for group in name.alternatives) for name in names) / len(names)


def values(features: Features) -> tuple[float, ...]:
    """In the order of the weights behind the bias."""
    return astuple(features)


@cache
def gates() -> dict[str, Gate]:
    """The gates that ship, by encoder."""
    return {name: Gate(**weights) for name, weights in json.loads(FILE.read_text(encoding="utf-8")).items()}


def gate(encoder: str) -> Gate:
    """The gate for an encoder: its own, or the one that looks at words alone."""
    return gates().get(encoder) or gates()[WORDS]
