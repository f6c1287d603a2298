import pytest

from tools.evaluate import paired
from tools.evaluate.paired import Verdict


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.05, Verdict.BETTER),
        (-0.02, 0.05, Verdict.NO_WORSE),
        (-0.03, -0.01, Verdict.NO_WORSE),
        (-0.20, -0.01, Verdict.WORSE),
        (-0.20, 0.10, Verdict.UNCLEAR),
    ],
)
def test_a_verdict_goes_by_the_whole_interval(low: float, high: float, said: Verdict) -> None:
    assert paired.verdict(low, high, margin=0.03) is said


def test_mcnemar_by_hand() -> None:
    assert paired.mcnemar(0, 0) == 1.0
    assert paired.mcnemar(6, 0) == pytest.approx(2 / 64)
    assert paired.mcnemar(1, 7) == pytest.approx(2 * 9 / 256)
    assert paired.mcnemar(4, 4) == 1.0


def test_right_and_wrong_are_counted_exactly_and_scores_are_resampled() -> None:
    assert paired.p_value([1.0] * 6 + [0.0], [0.0] * 7) == pytest.approx(2 / 64)
    assert paired.p_value([0.9, 0.8, 0.7, 0.9] * 5, [0.1, 0.2, 0.1, 0.3] * 5) < 0.001
    assert paired.p_value([0.5, 0.4] * 10, [0.4, 0.5] * 10) == 1.0


def test_holm_by_hand() -> None:
    assert paired.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert paired.holm([0.9, 0.8]) == [1.0, 1.0]
    assert paired.holm([]) == []
