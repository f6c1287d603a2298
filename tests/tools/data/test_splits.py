from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.contract import DataKind
from tools.data.checks import Row, key
from tools.data.splits import Sizes, divide, quotas
from tools.errors import UserFault

SIZES = Sizes(dev=0.1, test=0.2)


def tasks(count: int) -> list[Row]:
    return [{"prompt": f"question {i}", "completion": str(i)} for i in range(count)]


def labelled(counts: dict[str, int]) -> list[Row]:
    return [{"text": f"{label} {i}", "label": label} for label, count in counts.items() for i in range(count)]


def test_shares_and_numbers() -> None:
    parts = divide(tasks(100), DataKind.TASK, SIZES, seed=1)
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 70, "dev": 10, "test": 20}
    parts = divide(tasks(100), DataKind.TASK, Sizes(dev=5, test=30), seed=1)
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 65, "dev": 5, "test": 30}


def test_every_row_stands_in_exactly_one_split() -> None:
    parts = divide(tasks(57), DataKind.TASK, SIZES, seed=3)
    found = [row["prompt"] for rows in parts.values() for row in rows]
    assert sorted(found) == sorted(row["prompt"] for row in tasks(57))


def test_the_seed_decides() -> None:
    assert divide(tasks(50), DataKind.TASK, SIZES, 1) == divide(tasks(50), DataKind.TASK, SIZES, 1)
    assert divide(tasks(50), DataKind.TASK, SIZES, 1) != divide(tasks(50), DataKind.TASK, SIZES, 2)


def test_splits_a_kind_has() -> None:
    pairs = [{"prompt": str(i // 2), "chosen": str(i), "rejected": "r"} for i in range(100)]
    found = divide(pairs, DataKind.PREFERENCE, SIZES, 1)
    assert {name: len(rows) for name, rows in found.items()} == {"train": 70, "dev": 30}
    prompts = [{key(row, DataKind.PREFERENCE) for row in rows} for rows in found.values()]
    assert not prompts[0] & prompts[1]
    corpus = [{"text": str(i)} for i in range(200)]
    assert {n: len(rows) for n, rows in divide(corpus, DataKind.CORPUS, SIZES, 1).items()} == {"train": 194, "dev": 6}
    facts = [{"question": str(i), "answer": "a"} for i in range(9)]
    assert divide(facts, DataKind.FACTS, SIZES, 1) == {"test": facts}


def test_too_few_rows() -> None:
    with pytest.raises(UserFault, match="2 different rows are too few for 1 test and 1 development rows"):
        divide(tasks(2), DataKind.TASK, SIZES, 1)


def test_equally_frequent_labels_stand_equally_often_in_every_split() -> None:
    rows = labelled({f"label {i}": 40 for i in range(77)})
    parts = divide(rows, DataKind.LABELLED, Sizes(dev=154, test=308), seed=7)
    for name, each in (("test", 4), ("dev", 2), ("train", 34)):
        assert set(Counter(row["label"] for row in parts[name]).values()) == {each}


@settings(max_examples=60, deadline=None)
@given(
    counts=st.dictionaries(st.sampled_from("abcdefghij"), st.integers(3, 60), min_size=2),
    dev=st.floats(0, 0.3),
    test=st.floats(0, 0.3),
    seed=st.integers(0, 5),
)
def test_labelled_splits_hold_every_label(counts: dict[str, int], dev: float, test: float, seed: int) -> None:
    rows, sizes = labelled(counts), Sizes(dev, test)
    held, tested = sizes.rows(DataKind.LABELLED, len(rows))
    parts = divide(rows, DataKind.LABELLED, sizes, seed)
    assert sorted(r["text"] for part in parts.values() for r in part) == sorted(r["text"] for r in rows)
    assert {row["label"] for row in parts["train"]} == set(counts)
    for name, wanted in (("dev", held), ("test", tested)):
        part = parts.get(name, [])
        assert len(part) == wanted
        if wanted >= len(counts):
            assert {row["label"] for row in part} == set(counts)


@pytest.mark.parametrize(
    ("counts", "wanted", "spare", "given"),
    [
        ({"a": 50, "b": 30, "c": 20}, 10, 1, {"a": 5, "b": 3, "c": 2}),
        ({"a": 97, "b": 3}, 10, 1, {"a": 9, "b": 1}),
        ({"a": 3, "b": 3}, 6, 1, {"a": 2, "b": 2}),
        ({"a": 98, "b": 1, "c": 1}, 3, 0, {"a": 1, "b": 1, "c": 1}),
        ({"a": 60, "b": 40}, 1, 1, {"a": 1, "b": 0}),
        ({"a": 60, "b": 40}, 0, 1, {"a": 0, "b": 0}),
    ],
)
def test_quotas(counts: dict[str, int], wanted: int, spare: int, given: dict[str, int]) -> None:
    assert quotas(counts, wanted, spare) == given
