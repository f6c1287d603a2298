"""How good tagged sequences are: an entity counts where its words and its kind are both right.

Counted as conlleval and seqeval do (Tjong Kim Sang and De Meulder 2003; Nakayama 2018); the tests compare with seqeval.
Tables are [rows, kinds, 3]: entities given rightly, given, wanted, so that any rows and kinds can be added up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.evaluate import bootstrap
from tools.evaluate.bootstrap import Interval

OUTSIDE = "O"  # the tag of a word that belongs to no entity
Entity = tuple[str, int, int]  # kind, first word, the word after its last
Table = NDArray[np.int64]


def entities(tags: Sequence[str]) -> list[Entity]:
    """Entities of a row in the BIO scheme. One that begins with I-, as a model may give it, counts from there."""
    found: list[Entity] = []
    kind, begin = "", 0
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            found.append((kind, begin, place))
            kind = ""
        if not kind and tag != OUTSIDE:
            kind, begin = name, place
    return found


def shown(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """Entities as people read them: "PER: Ada Lovelace; LOC: London"."""
    found = [f"{kind}: {' '.join(tokens[begin:end])}" for kind, begin, end in entities(tags)]
    return "; ".join(found) or "none"


@dataclass(frozen=True)
class Counts:
    """Entities by row and kind."""

    kinds: tuple[str, ...]
    table: Table

    @property
    def rows(self) -> Table:
        """[rows, 3]: all kinds together."""
        return np.asarray(self.table.sum(axis=1))

    def of(self, kind: str) -> Table:
        """[rows, 3] of one kind; zeros for one that is neither wanted nor given."""
        if kind not in self.kinds:
            return np.zeros((len(self.table), 3), dtype=np.int64)
        return np.asarray(self.table[:, self.kinds.index(kind)])


def count(wanted: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> Counts:
    """Count rows of tags; the kinds are those wanted or given, by name."""
    pairs = [(set(entities(a)), set(entities(b))) for a, b in zip(wanted, given, strict=True)]
    kinds = tuple(sorted({kind for pair in pairs for side in pair for kind, *_ in side}))
    place = {kind: index for index, kind in enumerate(kinds)}
    table = np.zeros((len(pairs), len(kinds), 3), dtype=np.int64)
    for row, (right, said) in enumerate(pairs):
        for column, found in enumerate((right & said, said, right)):
            for kind, *_ in found:
                table[row, place[kind], column] += 1
    return Counts(kinds, table)


def f1(sums: NDArray[Any]) -> NDArray[Any]:
    """F1 of [..., 3] sums; 0 where nothing is wanted and nothing given."""
    return np.asarray(2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1))


def precision(sums: NDArray[Any]) -> NDArray[Any]:
    """Share of the given entities that are right; 0 where none is given."""
    return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))


def recall(sums: NDArray[Any]) -> NDArray[Any]:
    """Share of the wanted entities that are found; 0 where none is wanted."""
    return np.asarray(sums[..., 0] / np.maximum(sums[..., 2], 1))


def row_f1(rows: Table) -> list[float]:
    """F1 of each row alone; 1 where it has no entity and none is given."""
    return [float(score) if any(row) else 1.0 for row, score in zip(rows, f1(rows), strict=True)]


def interval(rows: Table, resamples: int = bootstrap.RESAMPLES, seed: int = 7) -> Interval:
    """F1 of [rows, 3] with its interval: rows are drawn, and F1 is that of all their entities together."""
    return _interval(float(f1(rows.sum(axis=0))), f1(_sums(rows, resamples, seed)), len(rows))


def difference(own: Table, other: Table, resamples: int = bootstrap.RESAMPLES, seed: int = 7) -> Interval:
    """F1 of own minus other, [rows, 3] each, on the same rows, which are drawn as pairs."""
    value = float(f1(own.sum(axis=0)) - f1(other.sum(axis=0)))
    return _interval(value, f1(_sums(own, resamples, seed)) - f1(_sums(other, resamples, seed)), len(own))


def p_value(own: Table, other: Table, resamples: int = bootstrap.RESAMPLES, seed: int = 7) -> float:
    """Two-sided: share of resamples as far from the difference as that is from 0 (Efron and Tibshirani, chapter 16)."""
    value = float(f1(own.sum(axis=0)) - f1(other.sum(axis=0)))
    if not value:
        return 1.0
    drawn = f1(_sums(own, resamples, seed)) - f1(_sums(other, resamples, seed))
    return float((1 + (np.abs(drawn - value) >= abs(value) - 1e-12).sum()) / (1 + resamples))


def _interval(value: float, drawn: NDArray[Any], number: int) -> Interval:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, float(low), float(high), number)


def _sums(rows: Table, resamples: int, seed: int) -> NDArray[Any]:
    """Sums of [rows, 3] over resamples drawn with replacement, [resamples, 3]; the same draws for the same seed."""
    return np.stack([np.bincount(drawn, minlength=len(rows)) @ rows for drawn in _draws(len(rows), resamples, seed)])


def _draws(number: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield generator.integers(0, number, number)
