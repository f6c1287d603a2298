"""Reading what people have: JSONL, CSV and Parquet, with the row number in every complaint."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tools.contract import Dataset, Split
from tools.errors import UserFault

_LONGEST_CELL = 10_000_000  # characters; csv refuses more than 131,072 by default
_DELIMITERS = ",;\t"
_DELIMITED = (".csv", ".tsv")
_COLUMNAR = (".parquet", ".pq")


@dataclass(frozen=True)
class Table:
    """Rows of a file. `lines` are their numbers in the file, starting at 1; a CSV's header is line 1."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    lines: tuple[int, ...]


def read(path: Path) -> Table:
    """Read a JSONL, CSV or Parquet file. Raises `UserFault` naming the file, the row and what to do."""
    if path.is_dir():
        raise UserFault(f"{path} is a folder; give the path of one JSONL, CSV or Parquet file.")
    if not path.is_file():
        raise UserFault(f"There is no file {path}; give the path of a JSONL, CSV or Parquet file.")
    if path.suffix.lower() in _COLUMNAR:
        table = _parquet(path)
    else:
        text = _text(path)
        if not text.strip():
            raise UserFault(f"{path} is empty; give a file with rows.")
        table = _csv(path, text) if path.suffix.lower() in _DELIMITED else _jsonl(path, text)
    if not table.rows:
        raise UserFault(f"{path} has a header but no rows; add some and register it again.")
    return table


def _parquet(path: Path) -> Table:
    from pyarrow import ArrowException, parquet  # here: a tenth of a second that text does not wait for

    try:
        _refuse_twins(path, parquet.read_schema(path).names)
        found = parquet.read_table(path)
        rows = tuple(found.to_pylist())
    except (ArrowException, OSError, ValueError) as error:
        raise UserFault(f"{path} is no whole Parquet file ({error}); write it again.") from error
    return Table(path, tuple(found.column_names), rows, tuple(range(1, len(rows) + 1)))


def _text(path: Path) -> str:
    """The file's text; a byte order mark is left out."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserFault(f"{path} cannot be read ({error.strerror}); check who may read it.") from error
    if b"\0" in content[:8192]:
        raise UserFault(f"{path} is no text file; give JSONL or CSV in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise UserFault(
            f"Row {row} of {path} is not UTF-8; convert the file, for example with"
            f" `iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}`."
        ) from error


def _refuse_twins(path: Path, columns: Sequence[str]) -> None:
    if len(set(columns)) < len(columns):
        raise UserFault(f"{path} has two columns of one name in its header ({', '.join(columns)}); rename one.")


def _jsonl(path: Path, text: str) -> Table:
    begin = text.lstrip()[:1]
    first = text.lstrip().partition("\n")[0].strip()
    if begin == "[" or first == "{":
        what, program = ("a list", ".[]") if begin == "[" else ("an object over several lines", ".")
        lines_of = f"{path.stem}{'-lines' if path.suffix == '.jsonl' else ''}.jsonl"
        raise UserFault(
            f"{path} begins with {what}; write one JSON object a line, for example with"
            f" `jq -c '{program}' {path.name} > {lines_of}`."
        )
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand inside a string
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            mend = "mend or remove it" if rows or begin == "{" else "a file of cells has a name that ends in .csv"
            raise UserFault(f"Row {number} of {path} is not JSON ({_why(error)}); {mend}.") from error
        if not isinstance(row, dict):
            raise UserFault(f"Row {number} of {path} is not a JSON object with named fields; mend or remove it.")
        rows.append(row)
        lines.append(number)
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Table(path, columns, tuple(rows), tuple(lines))


class _Twice(ValueError):
    """A field that stands twice in an object, of which JSON readers keep the last without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"the field {next(name for name in names if names.count(name) > 1)} stands in it twice")
    return found


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, _Twice):
        return str(error)
    return "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"


def _csv(path: Path, text: str) -> Table:
    csv.field_size_limit(_LONGEST_CELL)
    header = text[: text.find("\n")] if "\n" in text else text
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=header.count), strict=True)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    try:
        columns = tuple(reader.fieldnames or ())
        if text.lstrip().startswith("{"):
            raise UserFault(f"{path} holds JSON, not cells; give it a name that ends in .jsonl.")
        _refuse_twins(path, columns)
        for row in reader:
            if None in row or None in row.values():
                raise UserFault(
                    f"Row {reader.line_num} of {path} does not have {len(columns)} cells as the header has;"
                    " put quotes around text with commas in it."
                )
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        number = reader.reader.line_num  # of the row that could not be read; the other counts those that could
        raise UserFault(f"Row {number} of {path} is not CSV ({error}); mend or remove it.") from error
    return Table(path, columns, tuple(rows), tuple(lines))


def rows_of(split: Split) -> list[dict[str, Any]]:
    """Rows of a registered split. Raises `UserFault` where the file is gone or was tampered with."""
    path = Path(split.path)
    if not path.is_file():
        raise UserFault(f"{path} of a registered data set is gone; register the data again.")
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except ValueError as error:
        raise UserFault(f"{path} of a registered data set was changed ({error}); register the data again.") from error


Read = TypeVar("Read")


def read_split(data: Dataset, split: str, row: Callable[[Any, str], Read], limit: int | None = None) -> list[Read]:
    """The first `limit` rows of a split, each as `row(values, where)` makes of it: "where" is the file and the row.

    Raises `UserFault` where there are none to be read.
    """
    part = data.splits.get(split)
    if part is None:
        known = ", ".join(data.splits) or "none"
        raise UserFault(f"{data.name} has no split {split} (it has {known}); register it with one.")
    rows = [row(values, f"{part.path}, row {number}") for number, values in enumerate(rows_of(part), 1)]
    if not rows:
        raise UserFault(f"The split {split} of {data.name} is empty; register it with more rows.")
    return rows[:limit]
