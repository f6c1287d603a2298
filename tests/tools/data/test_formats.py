import json
from pathlib import Path

import pytest

from tools.contract import Split
from tools.data.formats import read, rows_of
from tools.errors import UserFault


def test_jsonl_and_csv_give_the_same_rows(tmp_path: Path) -> None:
    rows = [{"text": 'He said "hi, you"', "label": "a"}, {"text": "two\nlines", "label": "b"}]
    jsonl, commas = tmp_path / "a.jsonl", tmp_path / "a.csv"
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    commas.write_text('text,label\n"He said ""hi, you""",a\n"two\nlines",b\n')
    assert list(read(jsonl).rows) == list(read(commas).rows) == rows
    assert read(commas).columns == ("text", "label")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbftext,label\nhi,a\n",
        b"text;label\r\nhi;a\r\n",
        b"text\tlabel\nhi\ta",
        b"text,label\n\nhi,a\n\n",
    ],
    ids=["byte order mark", "semicolons", "tabs", "blank lines"],
)
def test_what_spreadsheets_write(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert read(path).rows == ({"text": "hi", "label": "a"},)


def test_a_column_without_a_name_is_one_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",text,label\n0,hi,a\n")
    assert read(path).rows == ({"": "0", "text": "hi", "label": "a"},)


def test_line_separators_of_unicode_stand_inside_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a\u2028b\x85c"}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read(path).rows == ({"text": "a\u2028b\x85c"},)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"a": 1}\n\n{oops\n', r"Row 3 of .*a\.jsonl is not JSON \(.* column 2\)"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', "Row 2 of .* not a JSON object"),
        ("a.jsonl", b'{"a": ' + b"1" * 5000 + b"}\n", r"Row 1 of .* \(a number with too many digits\)"),
        ("a.jsonl", b'{"a": ' + b"[" * 100_000 + b"\n", r"Row 1 of .* \(nested too deeply\)"),
        ("a.json", b'[{"a": 1}]', "begins with a list"),
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b" \n\n", "is empty"),
        ("a.csv", b"text,label\n", "has a header but no rows"),
        ("a.csv", b"text,label\nhi\n", "Row 2 of .* does not have 2 cells"),
        ("a.csv", b"text,label\nhi,a,b\n", "Row 2 of .* does not have 2 cells"),
        ("a.csv", b'text,label\nhi,a\n"hi,b\n', "Row 3 of .* is not CSV"),
        ("a.csv", b"text,text\nhi,a\n", "two columns of one name"),
        ("a.csv", b"text,label\ncaf\xe9,b\n", "Row 2 of .* is not UTF-8; convert the file"),
        ("a.jsonl", b"PK\x03\x04\x00\x00", "is no text file"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_row(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserFault, match=said):
        read(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match=f"There is no file {tmp_path}/none.jsonl"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(UserFault, match="is a folder"):
        read(tmp_path)


def test_a_registered_split_that_is_gone_or_changed(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    split = Split(path=str(path), digest="sha256:0", rows=1)
    with pytest.raises(UserFault, match="is gone; register the data again"):
        rows_of(split)
    path.write_text('{"a": 1}\n')
    assert rows_of(split) == [{"a": 1}]
    path.write_text('{"a": 1\n')
    with pytest.raises(UserFault, match="was changed"):
        rows_of(split)
