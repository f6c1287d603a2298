"""Which labelled rows a classifier learns from. Pure, no torch: a plan may ask it too."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.contract import DataKind, Dataset
from tools.data.formats import read_split
from tools.errors import UserFault

TOKENS = 48_000  # of one pass over the training rows: 3,000 short questions, about 25 s on two cores with 22 M weights
FEWEST = 10  # rows a label worth having, however long the texts are
PASSES = 3.0  # over thousands of rows: six were no better on 77 intents with 40 rows each
STEPS = 250  # that few rows get more passes for
MOST_PASSES = 10.0
DEV_ROWS = 500  # development rows behind the temperature, the last accuracy and the choice of settings
TELLING = 0.3  # agreement of rows with labels' names beyond chance (kappa, Cohen 1960) that makes them worth learning
# Rows up to which each is read twice: with 10 rows each of 38 intents (one draw of five recipes tried, 1,000 others)
# R-Drop and names took the loss from .359 to .323 and the accuracy by +.011 [-.001, +.023].
FEW_ROWS = 2000
HELD = 0.2  # share of the training rows that judge settings where there are too few development rows
LEAST_JUDGES = 100  # development rows that are enough for that
_SHORT = 16.0  # tokens of a short question, where a plan cannot measure


@dataclass(frozen=True)
class LabelledRow:
    text: str
    label: str


def read_rows(data: Dataset, split: str, limit: int | None = None) -> list[LabelledRow]:
    """Rows of a split, the first `limit` of them. Raises `UserFault` where there are none to be read."""
    if data.kind is not DataKind.LABELLED:
        raise UserFault(f"Classification needs labelled data (text, label), and {data.name} is of kind {data.kind}.")
    return read_split(data, split, _row, limit)


def _row(row: Any, where: str) -> LabelledRow:
    try:
        return LabelledRow(text=str(row["text"]), label=str(row["label"]))
    except (KeyError, TypeError) as error:
        raise UserFault(f"{where} has no text or no label ({error}); register the data again.") from error


def labels_of(rows: Sequence[LabelledRow], name: str) -> tuple[str, ...]:
    """The labels, sorted. Raises `UserFault` for fewer than two: there is nothing to tell apart."""
    labels = tuple(sorted({row.label for row in rows}))
    if len(labels) < 2:
        raise UserFault(f"{name} has one label only ({labels[0]}); a classifier needs rows of at least two.")
    return labels


def rows_a_label(counts: Mapping[str, int], tokens_a_row: float, tokens: int = TOKENS) -> int:
    """The largest number of rows a label for which a pass stays within `tokens`; at least `FEWEST`.

    Labels with fewer rows give all they have, and others take what these leave.
    """
    room = max(1, round(tokens / max(tokens_a_row, 1.0)))
    left = sorted(counts.values())
    for index, count in enumerate(left):
        share = room // (len(left) - index)
        if count > share:
            return max(FEWEST, share)
        room -= count
    return max(FEWEST, left[-1] if left else FEWEST)


def passes(rows: int, batch: int) -> float:
    """Passes over the training rows where nothing was asked: more of them where rows are few."""
    return min(MOST_PASSES, max(PASSES, STEPS * batch / max(rows, 1)))


def planned_rows(data: Dataset, per_class: int | None) -> int:
    """About how many rows training will read, from what is registered alone: for a plan."""
    available = data.splits["train"].rows if "train" in data.splits else 0
    labels = max(len(data.labels), 1)
    a_label = per_class or max(FEWEST, round(TOKENS / _SHORT / labels))
    return min(available, a_label * labels)


def draw(rows: Iterable[LabelledRow], a_label: int, seed: int) -> list[LabelledRow]:
    """At most `a_label` rows of each label, drawn by the seed; fewer are a part of more."""
    by_label: dict[str, list[LabelledRow]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    drawn: list[LabelledRow] = []
    for label in sorted(by_label):
        random.Random(f"{seed} {label}").shuffle(by_label[label])
        drawn += by_label[label][:a_label]
    return drawn


def spoken(label: str) -> str:
    """A label as people would say it: `card_arrival` is card arrival."""
    return " ".join(re.split(r"[\W_]+", label)).strip()


def names_tell(right: float, labels: int) -> bool:
    """Whether labels' names say what they mean: the share of rows nearest to their own label's name, beyond chance."""
    chance = 1 / labels
    return (right - chance) / (1 - chance) >= TELLING


def uses_r_drop(method: str, rows: int) -> bool:
    """Whether reading each row twice is worth its time where nobody asked: with every weight on few rows."""
    return method == "full" and rows <= FEW_ROWS


def judges(rows: int, labels: int) -> bool:
    """Whether so many development rows are enough to tell settings apart."""
    return rows >= max(LEAST_JUDGES, 2 * labels)


def hold_out(labels: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """Indices of rows to learn from and of a fifth to judge by, of every label that has two rows or more."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        by_label[label].append(index)
    held: set[int] = set()
    for label, found in sorted(by_label.items()):
        count = max(1, round(HELD * len(found))) if len(found) > 1 else 0
        held |= set(random.Random(f"{seed} hold {label}").sample(found, count))
    return [index for index in range(len(labels)) if index not in held], sorted(held)


def held_back(groups: Sequence[str], dev: int, labels: int, seed: int) -> tuple[list[int], list[int]]:
    """Indices of training rows that short runs learn from, and of those that judge them beside so many development
    rows: none where these are enough. `groups` names what each row is of, for each of which some are held back."""
    return (list(range(len(groups))), []) if judges(dev, labels) else hold_out(groups, seed)


def counts_of(rows: Iterable[LabelledRow]) -> dict[str, int]:
    return dict(Counter(row.label for row in rows))
