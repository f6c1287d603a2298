"""Pairs of a question and the text that answers it. Pure, no torch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.contract import DataKind, Dataset
from tools.data.formats import read_split
from tools.errors import UserFault
from tools.evaluate.metrics import normalise


@dataclass(frozen=True)
class Pair:
    question: str
    text: str


@dataclass(frozen=True)
class Pairs:
    """Pairs with their different texts, in the order in which they first stand."""

    pairs: tuple[Pair, ...]
    texts: tuple[str, ...]
    right: tuple[int, ...]  # of each pair, the index of its text
    also: tuple[frozenset[int], ...]  # of each pair, the other texts that answer the same question

    def __len__(self) -> int:
        return len(self.pairs)


def pairs_of(rows: Sequence[Pair]) -> Pairs:
    """Texts that differ in spacing alone are one."""
    places: dict[str, int] = {}
    texts: list[str] = []
    right: list[int] = []
    answers: defaultdict[str, set[int]] = defaultdict(set)
    for pair in rows:
        key = normalise(pair.text)
        if key not in places:
            places[key] = len(texts)
            texts.append(pair.text)
        right.append(places[key])
        answers[normalise(pair.question)].add(places[key])
    also = tuple(frozenset(answers[normalise(pair.question)] - {own}) for pair, own in zip(rows, right, strict=True))
    return Pairs(tuple(rows), tuple(texts), tuple(right), also)


def read_pairs(data: Dataset, split: str, limit: int | None = None) -> Pairs:
    """Pairs of a split, the first `limit` of them. Raises `UserFault` where there are none to be read."""
    if data.kind is not DataKind.TASK:
        hint = "; if its answers are the texts to find, register it again with kind=task" * (
            data.kind is DataKind.FACTS
        )
        raise UserFault(
            "An encoder takes labelled data (text, label) or a task (a question and the text that answers it), and"
            f" {data.name} is of kind {data.kind}{hint}."
        )
    return pairs_of(read_split(data, split, _pair, limit))


def require_choice(pairs: Pairs, split: str, name: str) -> None:
    """Raise `UserFault` where every question has the same text: there is nothing to find."""
    if len(pairs.texts) < 2:
        raise UserFault(
            f"All questions of the split {split} of {name} have the same text; finding one takes at least two."
        )


def _pair(row: Any, where: str) -> Pair:
    try:
        return Pair(question=str(row["prompt"]), text=str(row["completion"]))
    except (KeyError, TypeError) as error:
        raise UserFault(f"{where} has no prompt or no completion ({error}); register the data again.") from error
