"""The search alone: its runs are arithmetic, its clock is a number."""

from tools.training.settings_search import Search

WHOLE = 100.0  # seconds of a whole training


class Clock:
    def __init__(self, seconds: float) -> None:
        self.left = seconds


def search(minutes: float, losses: dict[str, float]) -> tuple[Search[str], Clock]:
    clock = Clock(60 * minutes)

    def run(setting: str, share: float) -> float:
        clock.left -= WHOLE * share
        return losses[setting]

    return Search(run, lambda: clock.left), clock


LOSSES = {letter: abs(index - 5) + 1.0 for index, letter in enumerate("abcdefgh")}


def test_the_best_is_found_within_the_time() -> None:
    for minutes in (2, 5, 10, 60):
        found, clock = search(minutes, LOSSES)
        assert found.best(list(LOSSES)) == "f"
        assert clock.left >= 0


def test_more_time_makes_longer_runs_and_none_is_longer_than_the_training() -> None:
    shares = []
    for minutes in (3, 6, 60):
        found, _ = search(minutes, LOSSES)
        found.best(list(LOSSES))
        shares.append(max(one.share for one in found.tried))
    assert shares == sorted(shares)
    assert shares[0] < shares[-1] == 1.0


def test_too_little_time_still_gives_a_setting() -> None:
    found, _ = search(0.01, LOSSES)
    assert found.best(list(LOSSES)) == "a"
    assert len(found.tried) == 1


def test_what_diverges_is_not_chosen() -> None:
    found, _ = search(60, {"wild": float("inf"), "tame": 2.0})
    assert found.best(["wild", "tame"]) == "tame"
