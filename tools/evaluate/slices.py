"""How a model does on parts of the data: by language, length, label, and any field that has a few values."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.errors import UserFault
from tools.evaluate import bootstrap
from tools.evaluate.bootstrap import Interval
from tools.evaluate.overlap import language

Row = Mapping[str, Any]
SMALLEST = 5  # items of a slice that can be called the worst
_VALUES = 200  # values a field may have to be a slice
_BOUNDS = (50, 200)  # characters of what the model reads
_TEXT = ("prompt", "text", "question", "messages", "completion", "must", "must_not")


@dataclass(frozen=True)
class Slice:
    field: str
    value: str
    found: Interval
    difference: Interval | None = None  # to the other model, on the same items

    @property
    def name(self) -> str:
        return f"{self.field}={self.value}"


def read(row: Row) -> str:
    """What the model reads of a row."""
    if "messages" in row:
        return "\n".join(str(turn["content"]) for turn in row["messages"][:-1])
    return str(next((row[name] for name in _TEXT if name in row), ""))


def length(row: Row) -> str:
    size, (short, long) = len(read(row)), _BOUNDS
    return f"up to {short} characters" if size <= short else f"up to {long}" if size <= long else f"over {long}"


_COMPUTED: dict[str, Callable[[Row], str]] = {"language": lambda row: language(read(row)), "length": length}


def fields_of(rows: Sequence[Row], asked: Sequence[str]) -> tuple[str, ...]:
    """The fields asked for, else all that cut the rows into a few parts. Raises `UserFault` for an unknown one."""
    present = dict.fromkeys(name for row in rows for name in row)
    for name in asked:
        if name not in present and name not in _COMPUTED:
            known = ", ".join([*_COMPUTED, *present])
            raise UserFault(f"slices={name}: the rows have no field {name}; there are {known}.")
    if asked:
        return tuple(asked)
    few = [name for name in present if name not in _TEXT and 2 <= len({_value(name, row) for row in rows}) <= _VALUES]
    return (*[name for name in _COMPUTED if len({_COMPUTED[name](row) for row in rows}) > 1], *few)


def cut(
    rows: Sequence[Row],
    fields: Sequence[str],
    values: Sequence[float],
    baseline: Sequence[float] | None = None,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 7,
) -> list[Slice]:
    """Every slice with its interval, in the order of `parts`."""
    found: list[Slice] = []
    for field, value, chosen in parts(rows, fields):
        own = [values[index] for index in chosen]
        other = [baseline[index] for index in chosen] if baseline is not None else None
        change = bootstrap.difference(own, other, resamples, seed) if other is not None else None
        found.append(Slice(field, value, bootstrap.mean(own, resamples, seed), change))
    return found


def parts(rows: Sequence[Row], fields: Sequence[str]) -> Iterator[tuple[str, str, list[int]]]:
    """Field, value and the indices of its rows, the commonest values of a field first (at most 200 of them)."""
    for field in fields:
        labels = [_value(field, row) for row in rows]
        for value, _ in Counter(labels).most_common(_VALUES):
            yield field, value, [index for index, label in enumerate(labels) if label == value]


def worst(found: Sequence[Slice], whole: Interval, count: int = 3) -> list[Slice]:
    """Slices whose interval lies wholly below the mean of all items, the lowest first."""
    low = [part for part in found if part.found.n >= SMALLEST and part.found.high < whole.value]
    return sorted(low, key=lambda part: part.found.value)[:count]


def markdown(found: Sequence[Slice], metric: str, baseline: str = "") -> str:
    head = ["field", "value", "items", metric, "95 % interval", *([f"against {baseline}"] if baseline else [])]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for part in found:
        own, change = part.found, part.difference
        cells = [part.field, part.value, str(own.n), f"{own.value:.3f}", f"{own.low:.3f} to {own.high:.3f}"]
        if baseline and change is not None:
            cells.append(f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})")
        lines.append("| " + " | ".join(cell_of(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def cell_of(text: str) -> str:
    """Text as it may stand in a cell of a Markdown table: on one line, its bars and tags as signs."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("`", "&#96;"), ("[", "&#91;")):
        text = text.replace(sign, safe)
    return " ".join(text.split())


def _value(field: str, row: Row) -> str:
    if field in _COMPUTED and field not in row:
        return _COMPUTED[field](row)
    value = row.get(field)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
