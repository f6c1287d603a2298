"""Which tagged rows a model learns from and is measured on. Pure, no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tools.contract import DataKind, Dataset
from tools.data.formats import read_split
from tools.errors import UserFault
from tools.evaluate.tagging import OUTSIDE


@dataclass(frozen=True)
class TaggedRow:
    """Words and a tag in the BIO scheme for each."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.tokens)


def read_rows(data: Dataset, split: str, limit: int | None = None) -> list[TaggedRow]:
    """Rows of a split, the first `limit` of them. Raises `UserFault` where there are none to be read."""
    if data.kind is not DataKind.TAGGED:
        raise UserFault(
            f"Tagging words needs tagged data (tokens, tags), and {data.name} is of kind {data.kind};"
            " register such data and name it."
        )
    return read_split(data, split, _row, limit)


def _row(row: Any, where: str) -> TaggedRow:
    try:
        found = TaggedRow(tuple(map(str, row["tokens"])), tuple(map(str, row["tags"])))
    except (KeyError, TypeError) as error:
        raise UserFault(f"{where} has no tokens or no tags ({error}); register the data again.") from error
    if not found.tokens or len(found.tokens) != len(found.tags):
        raise UserFault(f"{where} has {len(found.tokens)} tokens and {len(found.tags)} tags; register the data again.")
    return found


def tags_of(rows: Iterable[TaggedRow], name: str) -> tuple[str, ...]:
    """The tags, O first. Raises `UserFault` where no word belongs to an entity: there is nothing to find."""
    found = {tag for row in rows for tag in row.tags} - {OUTSIDE}
    if not found:
        raise UserFault(f"No word of {name} belongs to an entity in its training rows; tag some, such as B-PER.")
    return (OUTSIDE, *sorted(found, key=lambda tag: (tag.partition("-")[2], tag)))


def kinds_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The kinds of entities that tags are about, by name."""
    return tuple(sorted({tag.partition("-")[2] for tag in tags} - {""}))
