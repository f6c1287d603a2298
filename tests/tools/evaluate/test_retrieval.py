import numpy as np
import pytest

from tools.evaluate.retrieval import ranks, values

NONE: frozenset[int] = frozenset()


def test_the_rank_counts_what_scores_at_least_as_much() -> None:
    scores = np.array([[0.9, 0.2, 0.1], [0.5, 0.2, 0.4], [0.3, 0.3, 0.3]])
    assert ranks(scores, [0, 1, 2], [NONE, NONE, NONE]).tolist() == [1, 3, 3]


def test_other_right_texts_are_set_aside() -> None:
    scores = np.array([[0.9, 0.8, 0.7]])
    assert ranks(scores, [2], [NONE]).tolist() == [3]
    assert ranks(scores, [2], [frozenset({0})]).tolist() == [2]
    assert ranks(scores, [2], [frozenset({0, 1})]).tolist() == [1]


def test_scores_of_ranks_are_those_computed_by_hand() -> None:
    found = np.array([1, 2, 5, 6, 11])
    assert values(found, "recall@1") == [1, 0, 0, 0, 0]
    assert values(found, "recall@5") == [1, 1, 1, 0, 0]
    assert values(found, "mrr") == pytest.approx([1, 1 / 2, 1 / 5, 1 / 6, 1 / 11])
    assert values(found, "ndcg@10") == pytest.approx([1, 0.63093, 0.38685, 0.35621, 0], abs=1e-5)
