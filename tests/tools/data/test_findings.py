"""What is looked for in well-formed rows: near duplicates, leaks, personal data; and what becomes of it."""

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import DataKind, JobContext
from tools.data import near, personal
from tools.data.overlaps import look_for_overlaps
from tools.data.run import run
from tools.data.spec import DataParameters
from tools.errors import UserFault

Make = Callable[..., JobContext]

LONG = "the parcel that I ordered on the second of May has not arrived at my new address in the old town yet"


def test_almost_the_same_is_found_and_other_texts_are_not() -> None:
    texts = ["My card has not arrived yet, where is it?", "my card has not  arrived yet where is it?", "Reset my PIN"]
    assert near.near_duplicates(texts) == [(0, 1)]
    assert near.near_duplicates(["", "", "a", "短", "很短"]) == [(0, 1)]


def test_a_passage_of_thirteen_words_is_a_copy() -> None:
    assert near.copied([f"Hello. {LONG}"], ["nothing", f"well, {LONG}!", "the parcel that I ordered"]) == ([1], [0])


def test_leaking_training_rows_are_told_or_dropped() -> None:
    rows = [{"prompt": text, "completion": "a"} for text in ("Where is my card by now?", "Open an account for me")]
    test = [{"prompt": "where is my card by now", "completion": "a"}]
    kept, found = look_for_overlaps({"train": rows, "test": test}, DataKind.TASK, drop=False)
    assert (len(kept["train"]), found.near, found.leaked, found.dropped) == (2, 1, ("where is my card by now",), 0)
    kept, found = look_for_overlaps({"train": rows, "test": test}, DataKind.TASK, drop=True)
    assert kept["train"] == rows[1:] and kept["test"] == test and found.dropped == 1


def test_training_rows_that_a_test_row_was_copied_from_are_dropped_too() -> None:
    quoting = {"prompt": f"They wrote to us last week, and I quote the whole of it here: {LONG}", "completion": "a"}
    rows = [quoting, {"prompt": "Open an account for me", "completion": "b"}]
    test = [{"prompt": LONG, "completion": "a"}]
    kept, found = look_for_overlaps({"train": rows, "test": test}, DataKind.TASK, drop=True)
    assert (kept["train"], found.near, found.leaked, found.dropped) == (rows[1:], 0, (LONG[:100],), 1)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to ada.l+x@mail.example.org please", "write to <email> please"),
        ("pay DE89 3704 0044 0532 0130 00 today", "pay <iban> today"),
        ("card 4111 1111 1111 1111, thanks", "card <card_number>, thanks"),
        ("from 192.168.0.17 at noon", "from <ip_address> at noon"),
        ("call +49 30 901820 now", "call <telephone> now"),
        ("打 13812345678 给我", "打 <telephone> 给我"),
        ("身份证 11010519491231002X", "身份证 <identity_number>"),
        ("order 4111 1111 1111 1112", "order 4111 1111 1111 1112"),
        ("version 1.2.3.999 of 2024-05-06, 12:30", "version 1.2.3.999 of 2024-05-06, 12:30"),
    ],
)
def test_personal_data_has_its_form(text: str, masked: str) -> None:
    assert personal.masked_text(text) == masked
    assert bool(personal.find([{"text": text}])) is (masked != text)


def test_labels_are_no_free_text() -> None:
    row = {"text": "a@b.example", "label": "a@b.example", "messages": [{"role": "user", "content": "a@b.example"}]}
    assert personal.mask(row) == {**row, "text": "<email>", "messages": [{"role": "user", "content": "<email>"}]}


@pytest.mark.parametrize("text", ["1" * 100_000, "a" * 100_000, "+1 " * 30_000, "a@" * 50_000, "DE12 " * 20_000])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    personal.masked_text(text)
    near.near_duplicates([text, text + "x"])
    assert time.process_time() - began < 20  # a pattern that backtracks takes hours


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_what_was_found_stands_in_card_and_facts_and_masked_texts_are_kept(tool_job: Make, tmp_path: Path) -> None:
    rows = [
        {"text": f"mail number {n} goes to p{n}@firm.example", "label": "ab"[n % 2], "who": f"c{n % 7}"}
        for n in range(70)
    ]
    path = written(tmp_path / "mails.jsonl", rows)
    context = tool_job()
    result = run(DataParameters(path=str(path), mask=True, group_column="who"), context)
    assert result.dataset.facts["personal"] == {"email": 70}
    groups = {
        name: {json.loads(line)["group"] for line in Path(split.path).read_text().splitlines()}
        for name, split in result.dataset.splits.items()
    }
    assert not groups["train"] & groups["test"] and not groups["train"] & groups["dev"]
    assert "firm.example" not in Path(result.dataset.splits["train"].path).read_text()
    card = (context.folder / "card.md").read_text()
    assert "personal data by its form, rows of each sort: email in 70, masked" in result.summary
    assert "![Lengths and labels](data.png)" in card and (context.folder / "data.png").is_file()
    assert "email 70, masked" in card and result.dataset.splits["test"].digest in card
    assert {"card", "mails"} <= {artefact.name for artefact in result.artefacts}


def test_parquet_is_read(tool_job: Make, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    talks = [[{"role": "user", "content": f"hello {n}"}, {"role": "assistant", "content": "hi"}] for n in range(30)]
    parquet.write_table(pyarrow.table({"messages": talks}), tmp_path / "talks.parquet")
    dataset = run(DataParameters(path=str(tmp_path / "talks.parquet")), tool_job()).dataset
    assert (dataset.kind, dataset.rows, set(dataset.splits)) == (DataKind.CONVERSATION, 30, {"train", "dev", "test"})


def test_tagged_words_and_thumbs_are_registered(tool_job: Make, tmp_path: Path) -> None:
    tagged = [{"words": ["Ada", "lives", f"at{n}"], "ner_tags": ["B-PER", "O", "O"]} for n in range(30)]
    first = run(DataParameters(path=str(written(tmp_path / "names.jsonl", tagged))), tool_job()).dataset
    assert first.kind is DataKind.TAGGED and "test" in first.splits
    rated = [{"prompt": f"p{n}", "completion": "c", "label": n % 2 == 0} for n in range(30)]
    second = run(DataParameters(path=str(written(tmp_path / "thumbs.jsonl", rated))), tool_job()).dataset
    assert second.kind is DataKind.THUMBS and set(second.splits) == {"train", "dev"}


U, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
MALFORMED = [
    ({"messages": []}, "Row 2 .* messages has to be a list of turns"),
    ({"messages": "hello"}, "Row 2 .* messages has to be a list of turns"),
    ({"messages": None}, "Row 2 .* messages has to be a list of turns"),
    ({"messages": [A]}, "Row 2 .*, turn 1 is the assistant's where the user's belongs"),
    ({"messages": [U]}, "Row 2 .* does not end with an answer of the assistant"),
    ({"messages": [U, U, A]}, "Row 2 .*, turn 2 is the user's where the assistant's belongs"),
    ({"messages": [U, A, A]}, "Row 2 .*, turn 3 is the assistant's where the user's belongs"),
    ({"messages": [U, A, {"role": "system", "content": "x"}]}, "Row 2 .*, turn 3 is the system's"),
    ({"messages": [{"role": "system", "content": "x"}]}, "Row 2 .* does not end with an answer"),
    ({"messages": [{"role": "system", "content": "x"}, A]}, "Row 2 .*, turn 2 is the assistant's"),
    (
        {"messages": [U, {"role": "robot", "content": "x"}]},
        "turn 2 has the role 'robot'; use system, user or assistant",
    ),
    ({"messages": [U, {"role": ["a"], "content": "x"}]}, "turn 2 has the role"),
    ({"messages": [U, {"content": "x"}]}, "turn 2 has the role None"),
    ({"messages": [U, {"role": "assistant", "content": " "}]}, "turn 2 says nothing"),
    ({"messages": [U, {"role": "assistant", "content": 3}]}, "turn 2 says nothing"),
    ({"messages": [U, {"role": "assistant"}]}, "turn 2 says nothing"),
    ({"messages": [U, "hello"]}, "turn 2 is no object with role and content"),
    ({"tokens": [], "tags": []}, "Row 2 .* tokens has to be a list of words"),
    ({"tokens": "Ada", "tags": ["O"]}, "Row 2 .* tokens has to be a list of words"),
    ({"tokens": ["Ada", 3], "tags": ["O", "O"]}, "Row 2 .* tokens has to be a list of words"),
    ({"tokens": ["Ada", " "], "tags": ["O", "O"]}, "Row 2 .* tokens has to be a list of words"),
    ({"tokens": ["Ada"], "tags": "O"}, "Row 2 .* tags has to be a list of names"),
    ({"tokens": ["Ada"], "tags": [1]}, "Row 2 .* tags has to be a list of names"),
    ({"tokens": ["Ada", "x"], "tags": ["O"]}, "Row 2 .* has 2 tokens and 1 tags"),
    ({"tokens": ["Ada"], "tags": ["O", "O"]}, "Row 2 .* has 1 tokens and 2 tags"),
    ({"tokens": ["Ada"], "tags": ["PER"]}, "tag 1 is 'PER'; use O, B-NAME and I-NAME"),
    ({"tokens": ["Ada"], "tags": ["B-"]}, "tag 1 is 'B-'"),
    ({"tokens": ["Ada"], "tags": ["I-PER"]}, "tag 1: I-PER follows O; an entity begins with B-PER"),
    ({"tokens": ["Ada", "x"], "tags": ["B-PER", "I-LOC"]}, "tag 2: I-LOC follows B-PER"),
    ({"prompt": "p", "completion": "c", "label": "maybe"}, "Row 2 .* label is 'maybe'; a thumb is true or false"),
    ({"prompt": "p", "completion": "c", "label": 7}, "label is 7"),
    ({"prompt": "p", "completion": "c", "label": None}, "label is None"),
    ({"prompt": "", "completion": "c", "label": True}, "Row 2 .* has no prompt"),
    ({"prompt": "p", "completion": ["c"], "label": True}, "Row 2 .* completion is a list"),
    ({"prompt": "p", "chosen": "x", "rejected": "x"}, "Row 2 .* chosen and rejected are the same"),
    ({"prompt": "p", "chosen": "x", "rejected": None}, "Row 2 .* has no rejected"),
]
GOOD = {
    "messages": {"messages": [U, A]},
    "tokens": {"tokens": ["Ada"], "tags": ["B-PER"]},
    "label": {"prompt": "other", "completion": "c", "label": True},
    "chosen": {"prompt": "other", "chosen": "x", "rejected": "y"},
}


@pytest.mark.parametrize(("row", "said"), MALFORMED)
def test_a_malformed_row_is_named_with_its_fault(tool_job: Make, tmp_path: Path, row: dict, said: str) -> None:
    good = next(good for field, good in GOOD.items() if field in row)
    context = tool_job()
    with pytest.raises(UserFault, match=said):
        run(DataParameters(path=str(written(tmp_path / "rows.jsonl", [good, row]))), context)
    assert not (context.folder / "data").exists()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", b'{"text": "x"}\n'])
def test_a_broken_parquet_file_is_refused(tool_job: Make, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(UserFault, match="is no whole Parquet file"):
        run(DataParameters(path=str(tmp_path / "rows.parquet")), tool_job())


def test_an_unknown_group_is_refused(tool_job: Make, tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", [{"prompt": "a", "completion": "b"}])
    with pytest.raises(UserFault, match="has no column who to group by; it has prompt, completion"):
        run(DataParameters(path=str(path), group_column="who"), tool_job())


def test_real_questions_have_near_duplicates(shared_data: Path) -> None:
    with (shared_data / "banking77" / "train.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    pairs = near.near_duplicates(texts)
    assert 50 < len(pairs) < 500
    assert all(first < second for first, second in pairs)
