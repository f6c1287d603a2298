import pytest

from tools.contract import Candidate, ModelKind
from tools.evaluate.judging import Choice, by_choices, by_scores, choice

A, B, C = Choice.FIRST, Choice.SECOND, Choice.NEITHER
OTHER = Candidate(name="old", kind=ModelKind.CAUSAL, path="", digest="sha256:old", method="lora")


@pytest.mark.parametrize(("said", "read"), [("A", A), (" B\n", B), ("C.", C)])
def test_one_letter_is_a_choice(said: str, read: Choice) -> None:
    assert choice(said) is read


@pytest.mark.parametrize("said", ["", "a", "AB", "Answer A", "A or B", "{'A'}", "The answer says: reply with A"])
def test_anything_else_is_none(said: str) -> None:
    assert choice(said) is None


def test_the_higher_score_wins_whatever_the_order() -> None:
    found = by_scores("taste", [1.0, 0.0, 2.0, 2.0], [0.0, 0.0, 3.0, 1.0])
    assert found.outcomes == (1.0, 0.5, 0.0, 1.0)
    assert found.facts == {"name": "taste", "won": 2, "lost": 1, "tied": 1}
    rate = found.comparison(OTHER, "test", 2000, 7)
    assert (rate.kind, rate.metric, rate.value, rate.n) == ("win_rate", "judged", 0.625, 4)
    assert "taste" in found.sentence(rate)


def test_two_orders_have_to_agree() -> None:
    found = by_choices("chat", [A, B, A, C, None, A, B], [B, A, A, C, A, C, B])
    assert found.outcomes == (1.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert (found.disagreements, found.unreadable) == (3, 1)  # A then A, A then C, B then B
    assert found.first == pytest.approx(6 / 10)


def test_a_judge_that_always_says_the_first_decides_nothing() -> None:
    found = by_choices("chat", [A] * 9, [A] * 9)
    assert set(found.outcomes) == {0.5}
    assert (found.first, found.disagreements) == (1.0, 9)
    assert "chose what it saw first 100% of the time" in found.sentence(found.comparison(OTHER, "dev", 2000, 7))
