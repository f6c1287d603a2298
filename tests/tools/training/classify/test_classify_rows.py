from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.contract import DataKind, Dataset, Split
from tools.errors import UserFault
from tools.training.classify_rows import (
    FEWEST,
    LabelledRow,
    draw,
    labels_of,
    names_tell,
    passes,
    planned_rows,
    read_rows,
    rows_a_label,
    spoken,
    uses_r_drop,
)


def a_split(path: Path, text: str) -> Dataset:
    path.write_text(text, encoding="utf-8")
    split = Split(path=str(path), digest="sha256:0", rows=1)
    return Dataset(name="mine", kind=DataKind.LABELLED, digest="sha256:0", splits={"train": split})


def test_reads_rows_with_line_separators_inside_a_text(tmp_path: Path) -> None:
    data = a_split(tmp_path / "train.jsonl", '{"text": "one\u2028two", "label": "a"}\n\n{"text": "三", "label": 4}\n')
    assert read_rows(data, "train") == [LabelledRow("one\u2028two", "a"), LabelledRow("三", "4")]


@pytest.mark.parametrize("line", ['{"text": "no label"}', "[1, 2]", "7"])
def test_a_bad_row_is_named(tmp_path: Path, line: str) -> None:
    data = a_split(tmp_path / "train.jsonl", '{"text": "fine", "label": "a"}\n' + line + "\n")
    with pytest.raises(UserFault, match=r"train\.jsonl, row 2 has no text or no label"):
        read_rows(data, "train")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    data = a_split(tmp_path / "train.jsonl", "")
    with pytest.raises(UserFault, match="has no split dev"):
        read_rows(data, "dev")
    with pytest.raises(UserFault, match="is empty"):
        read_rows(data, "train")
    (tmp_path / "train.jsonl").unlink()
    with pytest.raises(UserFault, match="is gone"):
        read_rows(data, "train")
    with pytest.raises(UserFault, match="of kind task"):
        read_rows(data.model_copy(update={"kind": DataKind.TASK}), "train")
    with pytest.raises(UserFault, match="one label only"):
        labels_of([LabelledRow("x", "a")], "mine")


def test_rows_a_label_by_hand() -> None:
    even = {str(label): 130 for label in range(77)}
    assert rows_a_label(even, 15.0, tokens=48_000) == 3200 // 77
    assert rows_a_label(even, 250.0, tokens=48_000) == FEWEST  # long texts: never fewer
    assert rows_a_label({"a": 20, "b": 5_000}, 16.0, tokens=16_000) == 980  # b takes what a leaves
    assert rows_a_label({"a": 3, "b": 12}, 16.0) == 12  # everything there is


@given(st.lists(st.integers(1, 3000), min_size=2, max_size=40), st.integers(3, 256))
def test_a_pass_stays_within_the_tokens_unless_labels_would_starve(counts: list[int], length: int) -> None:
    by_label = {str(index): count for index, count in enumerate(counts)}
    most = rows_a_label(by_label, length, tokens=20_000)
    assert most >= FEWEST
    if most > FEWEST:
        assert sum(min(count, most) for count in counts) <= round(20_000 / length)


def test_draws_are_nested_and_depend_on_the_seed() -> None:
    rows = [LabelledRow(f"{label} {number}", label) for label in "ab" for number in range(30)]
    rows += [LabelledRow("rare", "c")]
    few, many = draw(rows, 5, seed=1), draw(rows, 20, seed=1)
    assert Counter(row.label for row in few) == {"a": 5, "b": 5, "c": 1}
    assert set(few) < set(many)
    assert draw(rows, 5, seed=1) == few
    assert draw(rows, 5, seed=2) != few


def test_few_rows_get_more_passes() -> None:
    assert passes(3000, 16) == 3.0
    assert passes(770, 16) == pytest.approx(250 * 16 / 770)
    assert passes(40, 16) == 10.0


def test_a_plan_knows_about_how_many_rows_there_will_be() -> None:
    train = Split(path="/nowhere", digest="sha256:0", rows=9000)
    labels = tuple(f"intent {number}" for number in range(77))
    data = Dataset(name="d", kind=DataKind.LABELLED, digest="sha256:0", splits={"train": train}, labels=labels)
    assert planned_rows(data, 10) == 770
    assert planned_rows(data, None) == 39 * 77
    assert planned_rows(data, 1000) == 9000
    assert planned_rows(data.model_copy(update={"labels": ("a", "b")}), None) == 3000


def test_names_of_labels_are_worth_learning_where_they_tell_more_than_chance() -> None:
    assert spoken("card_arrival") == "card arrival"
    assert spoken("Refund/not-showing.up") == "Refund not showing up"
    assert spoken("退款") == "退款"
    assert names_tell(0.4, labels=77)
    assert not names_tell(0.6, labels=2)
    assert not names_tell(1 / 77, labels=77)


def test_rows_are_read_twice_only_where_they_are_few_and_every_weight_learns() -> None:
    assert uses_r_drop("full", 770)
    assert not uses_r_drop("full", 8000)
    assert not uses_r_drop("lora", 770)
