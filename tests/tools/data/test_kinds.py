from pathlib import Path
from typing import Any

import pytest

from tools.contract import DataKind
from tools.data.formats import Table
from tools.data.kinds import infer, normalise
from tools.errors import UserFault

FILE = Path("rows.jsonl")


def table(*rows: dict[str, Any]) -> Table:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Table(FILE, columns, rows, tuple(range(1, len(rows) + 1)))


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("text label", DataKind.LABELLED),
        ("text category", DataKind.LABELLED),
        ("Utterance Intent", DataKind.LABELLED),
        ("id question class", DataKind.LABELLED),
        ("prompt completion", DataKind.TASK),
        ("prompt completion category", DataKind.TASK),
        ("instruction response", DataKind.TASK),
        ("input output", DataKind.TASK),
        ("question answer", DataKind.FACTS),
        ("prompt chosen rejected", DataKind.PREFERENCE),
        ("prompt must must_not", DataKind.CHECKLIST),
        ("prompt must category", DataKind.CHECKLIST),
        ("text", DataKind.CORPUS),
        ("text url", DataKind.CORPUS),
    ],
)
def test_the_kind_is_read_off_the_columns(columns: str, kind: DataKind) -> None:
    assert infer(table(dict.fromkeys(columns.split(), "x")), {}) is kind


def test_named_columns_win(tmp_path: Path) -> None:
    rows = table({"a": "hello", "b": "greeting", "text": "other"})
    mapped = {"text": "a", "label": "b"}
    assert infer(rows, mapped) is DataKind.LABELLED
    assert normalise(rows, DataKind.LABELLED, mapped) == [{"text": "hello", "label": "greeting"}]


def test_unknown_columns_are_named() -> None:
    with pytest.raises(UserFault, match=r"has the columns a, b, from which its kind cannot be told"):
        infer(table({"a": "1", "b": "2"}), {})
    with pytest.raises(UserFault, match=r"has no column z; it has a, b"):
        normalise(table({"a": "1", "b": "2"}), DataKind.CORPUS, {"text": "z"})
    with pytest.raises(UserFault, match=r"no column for completion, which task data needs; it has prompt, b"):
        normalise(table({"prompt": "1", "b": "2"}), DataKind.TASK, {})


def test_values_are_brought_into_form() -> None:
    rows = table({"Text": "  hi ", "category": 3, "other": "dropped"}, {"Text": "ho", "category": "b"})
    assert normalise(rows, DataKind.LABELLED, {}) == [{"text": "hi", "label": "3"}, {"text": "ho", "label": "b"}]


def test_a_checklist_keeps_its_category_and_may_forbid_nothing() -> None:
    rows = table({"prompt": "a", "must": ["b"], "category": "safety"}, {"prompt": "c", "must": [], "must_not": ["d"]})
    assert normalise(rows, DataKind.CHECKLIST, {}) == [
        {"prompt": "a", "must": ["b"], "must_not": [], "category": "safety"},
        {"prompt": "c", "must": [], "must_not": ["d"]},
    ]


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        (DataKind.LABELLED, {"text": "a", "label": ""}, "Row 1 of rows.jsonl has no label"),
        (DataKind.LABELLED, {"text": "a", "label": None}, "Row 1 of rows.jsonl has no label"),
        (DataKind.LABELLED, {"text": " ", "label": "b"}, "Row 1 of rows.jsonl has no text"),
        (DataKind.LABELLED, {"text": {"x": 1}, "label": "b"}, "text is an object"),
        (DataKind.TASK, {"prompt": 5, "completion": "b"}, "prompt is a number"),
        (DataKind.CORPUS, {"text": "\ud800"}, "half of a character"),
        (DataKind.CHECKLIST, {"prompt": "a", "must": "b"}, "must has to be a list of phrases"),
        (DataKind.CHECKLIST, {"prompt": "a", "must": ["b"], "must_not": [1]}, "must_not has to be a list"),
    ],
)
def test_a_bad_value_is_said_with_its_row(kind: DataKind, row: dict[str, Any], said: str) -> None:
    with pytest.raises(UserFault, match=said):
        normalise(table(row), kind, {})
