"""Dividing rows into train, dev and test so that no text stands in two of them."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tools.contract import DataKind
from tools.data.checks import LEAST_A_CLASS, Row, check_labels, grouped
from tools.errors import UserFault

_WHOLE = frozenset({DataKind.CHECKLIST, DataKind.FACTS})  # never trained on: all rows are test rows
_WITHOUT_TEST = frozenset(
    {DataKind.CORPUS, DataKind.PREFERENCE, DataKind.THUMBS}
)  # judged by other data; what is held out is dev
_CORPUS_DEV = 0.03  # of a corpus, enough for its perplexity


@dataclass(frozen=True)
class Sizes:
    """Rows wanted: a share below 1, else a number."""

    dev: float
    test: float

    def rows(self, kind: DataKind, total: int) -> tuple[int, int]:
        """Rows for dev and test out of `total`. A share that is asked for gives at least one row."""
        if kind in _WITHOUT_TEST:
            share = min(self.dev, _CORPUS_DEV) if kind is DataKind.CORPUS and self.dev < 1 else self.dev
            return _rows(share, total) + (0 if kind is DataKind.CORPUS else _rows(self.test, total)), 0
        return _rows(self.dev, total), _rows(self.test, total)


def _rows(wanted: float, total: int) -> int:
    if wanted >= 1:
        return int(wanted)
    return max(1, round(wanted * total)) if wanted else 0


def is_divided(kind: DataKind) -> bool:
    return kind not in _WHOLE


def divide(rows: Sequence[Row], kind: DataKind, sizes: Sizes, seed: int) -> dict[str, list[Row]]:
    """Splits by name; rows shown the same stay together, and every label stands in each split in its own share."""
    if kind in _WHOLE:
        return {"test": list(rows)}
    dev, test = sizes.rows(kind, len(rows))
    if test + dev >= len(rows):
        raise UserFault(
            f"{len(rows)} different rows are too few for {test} test and {dev} development rows beside training;"
            " ask for smaller splits or bring more rows."
        )
    chance = random.Random(seed)
    if kind is DataKind.LABELLED and "group" not in rows[0]:
        parts = _stratified(rows, dev, test, chance)
    else:
        groups = grouped(rows, kind)
        parts = _cut(groups, dev, test, chance)
        if not parts["train"]:
            what = "groups" if "group" in rows[0] else "different prompts"
            raise UserFault(
                f"The {len(rows)} rows are of {len(groups)} {what}, which stay in one split each, so that none is left"
                " for training; bring more of them, or ask for smaller splits."
            )
    return {name: part for name, part in parts.items() if part}


def _cut(groups: list[list[Row]], dev: int, test: int, chance: random.Random) -> dict[str, list[Row]]:
    chance.shuffle(groups)
    parts: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    wanted = {"test": test, "dev": dev}
    for group in groups:
        name = next((name for name, count in wanted.items() if len(parts[name]) < count), "train")
        parts[name] += group
    return parts


def _stratified(rows: Sequence[Row], dev: int, test: int, chance: random.Random) -> dict[str, list[Row]]:
    check_labels(rows, LEAST_A_CLASS if dev and test else 2)
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row["label"]].append(row)
    for label in sorted(by_label):
        chance.shuffle(by_label[label])
    counts = {label: len(found) for label, found in by_label.items()}
    tested = quotas(counts, test, spare=2 if dev else 1)
    held = quotas({label: counts[label] - tested[label] for label in counts}, dev, spare=1)
    parts: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    for label in sorted(by_label):
        found, first, second = by_label[label], tested[label], tested[label] + held[label]
        parts["test"] += found[:first]
        parts["dev"] += found[first:second]
        parts["train"] += found[second:]
    for part in parts.values():
        chance.shuffle(part)
    return parts


def quotas(counts: dict[str, int], wanted: int, spare: int) -> dict[str, int]:
    """How many of the `wanted` rows each label gives: its share, by largest remainders.

    Every label gives at least one where `wanted` allows it, and keeps at least `spare`. Adds up to `wanted` unless
    the labels keep too much.
    """
    total = sum(counts.values())
    exact = {label: wanted * count / total for label, count in sorted(counts.items())}
    least = 1 if wanted >= len(counts) else 0
    most = {label: max(0, counts[label] - spare) for label in exact}
    given = {label: min(most[label], max(least, int(share))) for label, share in exact.items()}
    while (missing := wanted - sum(given.values())) > 0:
        able = [label for label in exact if given[label] < most[label]]
        if not able:
            break
        for label in sorted(able, key=lambda label: given[label] - exact[label])[:missing]:
            given[label] += 1
    while (surplus := sum(given.values()) - wanted) > 0:
        able = [label for label in exact if given[label] > least]
        for label in sorted(able, key=lambda label: exact[label] - given[label])[:surplus]:
            given[label] -= 1
    return given
