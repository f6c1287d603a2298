import math

import pytest

from tools.evaluate import metrics


@pytest.mark.parametrize(
    ("answer", "wanted", "score"),
    [("a b", " a  b\n", 1.0), ("A b", "a b", 0.0), ("", "", 1.0), ("a", "", 0.0)],
)
def test_exact_match_forgives_spacing_only(answer: str, wanted: str, score: float) -> None:
    assert metrics.exact_match(answer, wanted) == score


def test_token_f1_is_the_harmonic_mean_over_words() -> None:
    assert metrics.token_f1("queue=billing priority=low", "queue=billing priority=high") == pytest.approx(3 / 4)
    assert metrics.token_f1("The cat sat", "the cat") == pytest.approx(2 * (2 / 3) / (5 / 3))
    assert metrics.token_f1("", "x") == 0.0
    assert metrics.token_f1("", "") == 1.0


def test_a_checklist_counts_the_points_met() -> None:
    must, must_not = ["thank you|thanks", "we will"], ["calm down"]
    assert metrics.checklist("Thanks! We  will call.", must, must_not) == 1.0
    assert metrics.checklist("Thanks. Calm down.", must, must_not) == pytest.approx(1 / 3)
    assert metrics.checklist("anything", [], []) == 1.0


def test_a_fact_has_to_stand_as_words_of_its_own() -> None:
    assert metrics.contains("It is Tulip42.", "tulip42") == 1.0
    assert metrics.contains("It is tulip421.", "tulip42") == 0.0
    assert metrics.contains("", "tulip42") == 0.0


def test_perplexity_weighs_tokens_not_items() -> None:
    assert metrics.perplexity([(2 * math.log(4), 2), (0.0, 2)]) == pytest.approx(2.0)
    assert metrics.perplexity([(1e9, 1)]) < math.inf


def test_percentiles_are_linear_between_ranks() -> None:
    assert metrics.percentile([4, 1, 3, 2], 0.5) == 2.5
    assert metrics.percentile([1, 2, 3, 4, 5], 0.95) == pytest.approx(4.8)
    with pytest.raises(ValueError, match="no values"):
        metrics.percentile([], 0.5)
