"""Entities are counted as seqeval counts them, and intervals are those of rows drawn again."""

import random

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from tools.evaluate import tagging
from tools.evaluate.tagging import count, entities, row_f1, shown

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def drawn(seed: int, rows: int = 60) -> list[list[str]]:
    generator = random.Random(seed)
    return [[generator.choice(TAGS) for _ in range(1 + generator.randrange(9))] for _ in range(rows)]


def test_entities_are_those_of_seqeval_whatever_a_model_says() -> None:
    for tags in drawn(1, 400):
        assert entities(tags) == [(kind, begin, end + 1) for kind, begin, end in get_entities(tags)]


def test_f1_precision_and_recall_are_those_of_seqeval() -> None:
    wanted = drawn(1)
    given = [[tag if random.Random(i).random() < 0.7 else "O" for tag in row] for i, row in enumerate(wanted)]
    sums = count(wanted, given).rows.sum(axis=0)
    assert tagging.f1(sums) == pytest.approx(f1_score(wanted, given))
    assert tagging.precision(sums) == pytest.approx(precision_score(wanted, given))
    assert tagging.recall(sums) == pytest.approx(recall_score(wanted, given))


def test_a_name_counts_whole_and_kinds_apart() -> None:
    wanted = [["B-PER", "I-PER", "O", "B-LOC"], ["O"]]
    found = count(wanted, [["B-PER", "O", "O", "B-LOC"], ["O"]])
    assert found.kinds == ("LOC", "PER")
    assert found.rows.tolist() == [[1, 2, 2], [0, 0, 0]]
    assert tagging.f1(found.of("LOC").sum(axis=0)) == 1.0
    assert tagging.f1(found.of("PER").sum(axis=0)) == 0.0
    assert found.of("ORG").sum() == 0
    assert row_f1(found.rows) == [0.5, 1.0]
    assert shown(["Ada", "Lovelace", "in", "London"], wanted[0]) == "PER: Ada Lovelace; LOC: London"
    assert shown(["nothing"], ["O"]) == "none"


def test_the_interval_holds_the_value_and_narrows_with_rows() -> None:
    rows = count(drawn(1, 40), drawn(2, 40)).rows
    one, many = tagging.interval(rows), tagging.interval(np.tile(rows, (25, 1)))
    assert one.low < one.value < one.high
    assert many.value == pytest.approx(one.value)
    assert many.high - many.low < 0.4 * (one.high - one.low)
    assert (one.n, many.n) == (40, 1000)
    assert tagging.interval(rows) == one


def test_rows_are_drawn_as_pairs() -> None:
    wanted = drawn(1, 80)
    half = [row if index % 2 else ["O"] * len(row) for index, row in enumerate(wanted)]
    right, worse = count(wanted, wanted).rows, count(wanted, half).rows
    same = tagging.difference(right, right)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert tagging.p_value(right, right) == 1.0
    change = tagging.difference(right, worse)
    assert change.value == pytest.approx(tagging.interval(right).value - tagging.interval(worse).value)
    assert 0 < change.low < change.value < change.high
    assert tagging.p_value(right, worse) < 0.01
