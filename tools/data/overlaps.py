"""Near duplicates within and across the splits: what is held out must not stand in what is learnt from."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.contract import DataKind
from tools.data.checks import Row, asked

MOST = 50_000  # rows that are compared; a corpus beyond it is compared in its first rows
_SHOWN = 100  # characters of a text


@dataclass(frozen=True)
class Overlaps:
    """`near` pairs of near duplicates in all; `leaked` held-out texts that nearly stand in train, before any was
    dropped; `dropped` training rows taken out because of them."""

    near: int = 0
    leaked: tuple[str, ...] = ()
    dropped: int = 0


def look_for_overlaps(
    parts: Mapping[str, list[Row]], kind: DataKind, *, drop: bool
) -> tuple[dict[str, list[Row]], Overlaps]:
    """The splits, without leaking training rows where `drop` says so, and what was found."""
    from tools.data import near  # here: numpy is a tenth of a second that faults do not wait for

    places = [(name, index) for name, rows in parts.items() for index in range(len(rows))][:MOST]
    texts = [asked(parts[name][index], kind) for name, index in places]
    pairs = [(places[a], places[b]) for a, b in near.near_duplicates(texts)]
    across = [(a, b) for a, b in pairs if (a[0] == "train") != (b[0] == "train")]
    learnt = {a if a[0] == "train" else b for a, b in across}
    held_out = {b if a[0] == "train" else a for a, b in across}
    test = [(name, index) for name, index in places if name != "train"]
    copies, copied_from = near.copied(
        [asked(row, kind) for row in parts.get("train", ())], [asked(parts[n][i], kind) for n, i in test]
    )
    held_out |= {test[place] for place in copies}
    learnt |= {("train", place) for place in copied_from}
    leaked = tuple(asked(parts[name][index], kind)[:_SHOWN] for name, index in sorted(held_out))
    if not drop or not learnt:
        return dict(parts), Overlaps(len(pairs), leaked)
    kept = [row for index, row in enumerate(parts["train"]) if ("train", index) not in learnt]
    return {**parts, "train": kept}, Overlaps(len(pairs), leaked, len(parts["train"]) - len(kept))
