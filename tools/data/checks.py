"""What is wrong with rows that are well-formed one by one: repeats, contradictions, test items seen in training."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.contract import DataKind
from tools.errors import UserFault

Row = dict[str, Any]
LEAST_A_CLASS = 3  # rows a label needs to stand in train, dev and test

ASKED: dict[DataKind, str] = {  # what the model is shown: it must not stand in two splits
    DataKind.PREFERENCE: "prompt",
    DataKind.CHECKLIST: "prompt",
    DataKind.FACTS: "question",
    DataKind.LABELLED: "text",
    DataKind.TASK: "prompt",
    DataKind.CORPUS: "text",
    DataKind.THUMBS: "prompt",
}
_WANTED: dict[DataKind, str] = {
    DataKind.LABELLED: "label",
    DataKind.TASK: "completion",
    DataKind.FACTS: "answer",
}
_SHOWN = 60  # characters of a text in a message


@dataclass(frozen=True)
class Unique:
    """Rows without repeats. `conflicting` are texts that came with more than one answer; the first was kept."""

    rows: list[Row]
    repeated: int
    conflicting: list[str]


def asked(row: Row, kind: DataKind) -> str:
    """What the model is shown of a row: it must not stand in two splits."""
    if kind is DataKind.CONVERSATION:
        return "\n".join(turn["content"] for turn in row["messages"][:-1])
    return " ".join(row["tokens"]) if kind is DataKind.TAGGED else str(row[ASKED[kind]])


def key(row: Row, kind: DataKind) -> str:
    """What rows share when the model is shown the same: compatibility forms, case, spacing and final marks aside."""
    text = " ".join(unicodedata.normalize("NFKC", asked(row, kind)).casefold().split())
    return text.rstrip(" .!?。！？") or text


def unique(rows: Sequence[Row], kind: DataKind) -> Unique:
    """The first of each group of equal rows. Several pairs of answers may share a prompt, nothing else repeats."""
    held: dict[str, Row] = {}
    conflicting: dict[str, str] = {}
    for row in rows:
        identity = key(row, kind)
        if kind is DataKind.PREFERENCE:
            identity = f"{identity}\0{row['chosen']}\0{row['rejected']}"
        if kind is DataKind.THUMBS:
            identity = f"{identity}\0{row['completion']}"
        first = held.setdefault(identity, row)
        if kind in _WANTED and first[_WANTED[kind]] != row[_WANTED[kind]]:
            conflicting[identity] = asked(row, kind)
    return Unique(list(held.values()), len(rows) - len(held), list(conflicting.values()))


def grouped(rows: Sequence[Row], kind: DataKind) -> list[list[Row]]:
    """Rows that have to stay in one split together, in the order of their first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row["group"]) if "group" in row else key(row, kind)].append(row)
    return list(groups.values())


def refuse_overlap(parts: Mapping[str, tuple[str, Sequence[Row]]], kind: DataKind) -> None:
    """Raise `UserFault` where a text stands in two of the given files. `parts`: split to (file, rows)."""
    seen: dict[str, str] = {}
    for file, rows in parts.values():
        keys = {key(row, kind): asked(row, kind) for row in rows}
        shared = [text for identity, text in keys.items() if identity in seen]
        if shared:
            other = Counter(seen[identity] for identity in keys if identity in seen).most_common(1)[0][0]
            raise UserFault(
                f"{_count(len(shared))} of {file} also in {other}, for example {_short(shared[0])};"
                " remove them from one of the files, or nothing measured there can be believed."
            )
        seen |= dict.fromkeys(keys, file)


def check_labels(rows: Sequence[Row], needed: int = LEAST_A_CLASS) -> None:
    """Refuse labels with too few rows to be learned and measured."""
    counts = balance(rows)
    if len(counts) < 2:
        raise UserFault(f"There is only one label, {next(iter(counts), 'none')}; classification needs at least two.")
    rare = [label for label, count in counts.items() if count < needed]
    if rare:
        shown = ", ".join(rare[:5]) + (" and others" if len(rare) > 5 else "")
        have = f"{len(rare)} labels have" if len(rare) > 1 else "One label has"
        raise UserFault(
            f"{have} fewer than {needed} different rows ({shown}), too few to stand in every split;"
            " add rows or remove those labels."
        )


def check_signal(rows: Sequence[Row], kind: DataKind) -> None:
    """Refuse rows in which there is nothing to learn: no entity at all, or thumbs of one sort."""
    if kind is DataKind.TAGGED and all(tag == "O" for row in rows for tag in row["tags"]):
        raise UserFault("Every tag of every row is O, so there is no entity to learn; tag them with B-NAME and I-NAME.")
    if kind is DataKind.THUMBS and len({row["label"] for row in rows}) == 1:
        only, other = ("up", "down") if rows[0]["label"] else ("down", "up")
        raise UserFault(f"Every label is a thumb {only}, which shows no preference; add answers with a thumb {other}.")


def unseen_labels(parts: Mapping[str, Sequence[Row]]) -> list[str]:
    """Labels that stand in a held-out split but not in train: every such row will be counted wrong."""
    known = {row["label"] for row in parts.get("train", ())}
    held_out = {row["label"] for name, rows in parts.items() if name != "train" for row in rows}
    if held_out and known and not held_out & known:
        raise UserFault("No label of the held-out rows stands in the training rows; check label_column and the files.")
    return sorted(held_out - known) if known else []


def balance(rows: Sequence[Row]) -> dict[str, int]:
    """Rows a label, the most frequent first."""
    return dict(sorted(Counter(row["label"] for row in rows).items(), key=lambda item: (-item[1], item[0])))


def _count(number: int) -> str:
    return "1 text stands in rows" if number == 1 else f"{number} texts stand in rows"


def _short(text: str) -> str:
    return f'"{text[:_SHOWN]}…"' if len(text) > _SHOWN else f'"{text}"'
