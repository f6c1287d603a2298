"""Files nobody should train on: each is answered by the data tool, in a sentence with the row or field and the mend."""

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tools.contract import JobContext
from tools.data.run import run
from tools.data.spec import DataParameters
from tools.errors import UserFault

Make = Callable[..., JobContext]

TASKS = [{"prompt": f"Question {i}", "completion": str(i)} for i in range(30)]
LABELS = [{"text": f"{i} words about a {label}", "label": label} for i in range(12) for label in ("card", "loan")]
USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
TALKS = [{"messages": [{**USER, "content": f"q{i}"}, ASSISTANT]} for i in range(30)]
TAGGED = [{"tokens": ["Ada", str(i)], "tags": ["B-PER", "O"]} for i in range(30)]
PAIRS = [{"prompt": f"p{i}", "chosen": "x", "rejected": "y"} for i in range(30)]
THUMBS = [{"prompt": f"p{i}", "completion": "c", "label": i % 2 == 0} for i in range(30)]


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def columns(**values: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(values), buffer)
    return buffer.getvalue()


def twins() -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array(["a"])] * 2, names=["text", "text"]), buffer)
    return buffer.getvalue()


def of(*customers: Any) -> list[dict[str, Any]]:
    """The tasks, of these customers in turn."""
    return [{**row, "who": customers[i % len(customers)]} for i, row in enumerate(TASKS)]


# what is wrong, the file's name, its content, further parameters, what is named, what of the mend is said
Case = tuple[str, str, bytes, dict[str, Any], str, str]
MALFORMED: list[Case] = [
    # the file as a whole
    ("empty", "a.jsonl", b"", {}, "a.jsonl is empty", "give a file with rows"),
    ("white space alone", "a.csv", b" \n\t\n", {}, "a.csv is empty", "give a file with rows"),
    ("a byte order mark alone", "a.csv", b"\xef\xbb\xbf", {}, "a.csv is empty", "give a file with rows"),
    ("a header alone", "a.csv", b"text,label\n", {}, "no rows", "add some"),
    ("a zip", "a.xlsx", b"PK\x03\x04\x14\x00\x00", {}, "a.xlsx is no text file", "JSONL or CSV in UTF-8"),
    ("packed", "a.jsonl", gzip.compress(lines(*TASKS), mtime=0), {}, "a.jsonl is no text file", "JSONL or CSV"),
    ("a picture", "a.csv", b"\x89PNG\r\n\x1a\n\x00\x00", {}, "a.csv is no text file", "JSONL or CSV"),
    ("UTF-16", "a.csv", "text,label\nhi,a\n".encode("utf-16"), {}, "a.csv is no text file", "UTF-8"),
    ("Latin-1", "a.csv", b"text,label\nhi,a\ncaf\xe9,b\n", {}, "Row 3", "iconv"),
    ("a list", "a.json", json.dumps(TASKS).encode(), {}, "begins with a list", "one JSON object a line"),
    ("a list over lines", "a.jsonl", json.dumps(TASKS, indent=1).encode(), {}, "begins with a list", "a-lines.jsonl"),
    ("an object over lines", "a.jsonl", json.dumps(TASKS[0], indent=1).encode(), {}, "over several lines", "jq -c '.'"),
    ("cells called JSONL", "a.jsonl", b"text,label\nhi,a\n", {}, "Row 1", "ends in .csv"),
    ("JSONL called cells", "a.csv", lines(*LABELS), {}, "a.csv holds JSON", "ends in .jsonl"),
    ("a wrong test file", "a.jsonl", lines(*TASKS), {"test_path": "none.jsonl"}, "no file", "give the path"),
    ("the file as its test", "a.jsonl", lines(*TASKS), {"test_path": "a.jsonl"}, "30 texts", "remove them from one"),
    # rows that are no JSON
    ("cut off", "a.jsonl", lines(*TASKS) + b'{"prompt": "a", "comp', {}, "Row 31", "mend or remove"),
    ("a comma too many", "a.jsonl", lines(TASKS[0]) + b'{"prompt": "a"},\n', {}, "Row 2", "mend or remove"),
    ("two in a line", "a.jsonl", lines(TASKS[0]) + b'{"prompt": "a"}{"prompt": "b"}\n', {}, "Row 2", "mend or remove"),
    ("quotes of Python", "a.jsonl", b"{'prompt': 'a', 'completion': 'b'}\n", {}, "Row 1", "mend or remove"),
    ("no object", "a.jsonl", lines(TASKS[0], 3), {}, "Row 2", "mend or remove"),
    ("null", "a.jsonl", lines(TASKS[0], None), {}, "Row 2", "mend or remove"),
    ("an inner list", "a.jsonl", lines(TASKS[0], ["a", "b"]), {}, "Row 2", "mend or remove"),
    ("a field twice", "a.jsonl", lines(TASKS[0]) + b'{"prompt": "a", "prompt": "b"}', {}, "field prompt", "mend"),
    ("too deep", "a.jsonl", lines(TASKS[0]) + b'{"prompt": ' + b"[" * 99_999, {}, "Row 2", "mend or remove"),
    ("endless digits", "a.jsonl", b'{"prompt": ' + b"9" * 9999 + b"}", {}, "Row 1", "mend or remove"),
    # cells
    ("a cell too few", "a.csv", b"text,label\nhi,a\nho\n", {}, "Row 3", "quotes around text"),
    ("a comma in a text", "a.csv", b"text,label\nhi, you,a\n", {}, "Row 2", "quotes around text"),
    ("an open quote", "a.csv", b'text,label\nhi,a\n"ho,b\n', {}, "Row 3", "mend or remove"),
    ("text behind a quote", "a.csv", b'text,label\n"hi" you,a\n', {}, "Row 2", "mend or remove"),
    ("twin columns", "a.csv", b"text,text,label\nhi,ho,a\n", {}, "two columns of one name", "rename one"),
    ("no header", "a.csv", b"hello there,greet\nbye now,part\n", {}, "hello there", "say which column is what"),
    ("a strange delimiter", "a.csv", b"text|label\nhi|a\n", {}, "text|label", "say which column is what"),
    ("an empty cell", "a.csv", b"text,label\nhi,a\n  ,b\n", {}, "Row 3 of", "has no text; fill it in"),
    # Parquet
    ("no Parquet", "a.parquet", lines(*TASKS), {}, "a.parquet is no whole Parquet file", "write it again"),
    ("cut Parquet", "a.parquet", columns(text=["a"])[:-9], {}, "is no whole Parquet file", "write it again"),
    ("Parquet without rows", "a.parquet", columns(text=pyarrow.array([], pyarrow.string())), {}, "no rows", "add some"),
    ("Parquet twins", "a.parquet", twins(), {}, "two columns of one name", "rename one"),
    ("a null", "a.parquet", columns(text=["a", None], label=["x", "y"]), {}, "Row 2 of", "has no text; fill it in"),
    ("bytes", "a.parquet", columns(text=[b"a"], label=["x"]), {}, "text is no text", "mend or remove"),
    ("NaN", "a.parquet", columns(text=["a"], label=[float("nan")]), {}, "has no label", "fill it in"),
    ("a time", "a.parquet", columns(text=["a"], label=[datetime(2026, 1, 2, tzinfo=UTC)]), {},
     "label is no text", "mend"),
    # columns
    ("strange columns", "a.jsonl", lines({"a": "1", "b": "2"}), {}, "the columns a, b", "say which column is what"),
    ("no columns", "a.jsonl", b"{}\n", {}, "the columns none", "say which column is what"),
    ("a column that is not there", "a.jsonl", lines(*LABELS), {"text_column": "body"}, "no column body", "text, label"),
    ("one column twice", "a.jsonl", lines(*TASKS), {"prompt_column": "prompt", "completion_column": "prompt"},
     "prompt_column and completion_column", "say which"),
    ("another kind", "a.jsonl", lines(*LABELS), {"kind": "preference"},
     "prompt and chosen and rejected", "text, label"),
    ("no group column", "a.jsonl", lines(*TASKS), {"group_column": "who"}, "no column who", "prompt, completion"),
    ("a row of no group", "a.jsonl", lines(*of("x", "y", "z", None)), {"group_column": "who"}, "Row 4", "fill it in"),
    # rows of tasks and labels
    ("no completion", "a.jsonl", lines(*TASKS, {"prompt": "p"}), {}, "Row 31", "no completion; fill it in"),
    ("a number asked", "a.jsonl", lines({"prompt": 5, "completion": "b"}), {}, "prompt is a number", "mend or remove"),
    ("an object wanted", "a.jsonl", lines({"prompt": "p", "completion": {"a": 1}}), {},
     "completion is an object", "mend"),
    ("half a character", "a.jsonl", lines({"prompt": "\ud83d", "completion": "b"}), {}, "lone surrogate", "mend"),
    ("several labels", "a.jsonl", lines(*LABELS, {"text": "t", "label": ["card", "loan"]}), {}, "Row 25", "mend"),
    ("no label", "a.jsonl", lines(*LABELS, {"text": "t", "label": ""}), {}, "Row 25", "no label; fill it in"),
    ("one label", "a.jsonl", lines(*LABELS[::2]), {}, "only one label, card", "at least two"),
    ("a rare label", "a.jsonl", lines(*LABELS, {"text": "t", "label": "rare"}), {}, "(rare)", "add rows or remove"),
    ("labels of their own", "a.jsonl", lines(*[{**row, "label": f"l{i}"} for i, row in enumerate(LABELS)]), {},
     "24 labels have fewer", "add rows"),
    # dialogues
    ("no turns", "a.jsonl", lines(*TALKS, {"messages": []}), {}, "Row 31", '"role": "user"'),
    ("turns as a text", "a.jsonl", lines({"messages": "[]"}), {}, "Row 1", '"role": "user"'),
    ("no answer", "a.jsonl", lines(*TALKS, {"messages": [USER]}), {}, "Row 31", "add one or remove the last turn"),
    ("two questions", "a.jsonl", lines({"messages": [USER, USER, ASSISTANT]}), {}, "turn 2", "mend the order"),
    ("a robot", "a.jsonl", lines({"messages": [USER, {"role": "robot", "content": "x"}]}), {},
     "turn 2", "use system, user"),
    ("a silent turn", "a.jsonl", lines({"messages": [USER, {"role": "assistant"}]}), {},
     "turn 2", "fill in its content"),
    ("a bare turn", "a.jsonl", lines({"messages": ["hello"]}), {}, "turn 1", "role and content"),
    # tagged words
    ("a tag too few", "a.jsonl", lines({"tokens": ["a", "b"], "tags": ["O"]}), {},
     "2 tokens and 1 tags", "give every token"),
    ("numbers for tags", "a.jsonl", lines({"tokens": ["a"], "ner_tags": [0]}), {}, "Row 1", "a list of names such as"),
    ("no BIO", "a.jsonl", lines({"tokens": ["a"], "tags": ["PER"]}), {}, "tag 1", "use O, B-NAME and I-NAME"),
    ("I without B", "a.jsonl", lines({"tokens": ["a"], "tags": ["I-PER"]}), {}, "tag 1", "begins with B-PER"),
    ("words as a text", "a.csv", b"tokens,tags\n\"['a']\",\"['O']\"\n", {}, "Row 2", "a list of words such as"),
    ("no entity at all", "a.jsonl", lines(*[{**row, "tags": ["O", "O"]} for row in TAGGED]), {}, "Every tag", "B-NAME"),
    # what people prefer
    ("no preference", "a.jsonl", lines(*PAIRS, {**PAIRS[0], "rejected": "x"}), {}, "Row 31", "mend or remove"),
    ("nothing rejected", "a.jsonl", lines({**PAIRS[0], "rejected": None}), {}, "Row 1", "no rejected; fill it in"),
    ("turns preferred", "a.jsonl", lines({**PAIRS[0], "chosen": [ASSISTANT]}), {},
     "chosen is a list", "mend or remove"),
    ("no thumb", "a.jsonl", lines(*THUMBS, {**THUMBS[0], "label": "maybe"}), {}, "Row 31", "true or false"),
    ("thumbs up alone", "a.jsonl", lines(*THUMBS[::2]), {},
     "Every label is a thumb up", "add answers with a thumb down"),
    ("nothing to check", "a.jsonl", lines({"prompt": "p", "must": []}), {}, "Row 1", "name some"),
    ("a text to check", "a.jsonl", lines({"prompt": "p", "must": "thanks"}), {}, "Row 1", "a list of phrases such as"),
    # the splits
    ("one row many times", "a.jsonl", lines(*TASKS[:1] * 30), {}, "1 different rows", "bring more rows"),
    ("more test rows than rows", "a.jsonl", lines(*TASKS), {"test_rows": 400}, "400 test", "smaller splits"),
    ("a limit too low", "a.jsonl", lines(*TASKS), {"limit": 2}, "2 different rows", "bring more rows"),
    ("one group", "a.jsonl", lines(*of("x")), {"group_column": "who"}, "30 rows are of 1 groups", "bring more"),
    ("two groups", "a.jsonl", lines(*of("x", "y")), {"group_column": "who"}, "30 rows are of 2 groups", "bring more"),
    ("one prompt", "a.jsonl", lines(*[{**PAIRS[0], "rejected": str(i)} for i in range(30)]), {},
     "1 different prompts", "bring"),
    ("a split checklist", "a.jsonl", lines({"prompt": "p", "must": ["x"]}), {"test_path": "a.jsonl"},
     "checklist", "leave"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "content", "params", "named", "mend"),
    [case[1:] for case in MALFORMED],
    ids=[case[0] for case in MALFORMED],
)
def test_it_is_answered_before_anything_is_kept(
    tool_job: Make, tmp_path: Path, file: str, content: bytes, params: dict[str, Any], named: str, mend: str
) -> None:
    (tmp_path / file).write_bytes(content)
    given = {name: str(tmp_path / value) if name == "test_path" else value for name, value in params.items()}
    context = tool_job()
    with pytest.raises(UserFault) as refused:
        run(DataParameters.model_validate({"path": str(tmp_path / file), **given}), context)
    said = str(refused.value)
    assert named in said and mend in said, said
    assert "\n" not in said and "Traceback" not in said and len(said) < 700
    assert not list(context.folder.iterdir())


@pytest.mark.parametrize("rows", [TASKS, LABELS, TALKS, TAGGED, PAIRS, THUMBS], ids=lambda rows: "-".join(rows[0]))
def test_what_is_well_formed_is_taken(tool_job: Make, tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(*rows))
    data = run(DataParameters(path=str(tmp_path / "a.jsonl")), tool_job()).dataset
    assert data is not None and data.rows == len(rows)
