"""The search alone: its runs are arithmetic, its clock is a number."""

from pathlib import Path

import pytest

from tools.errors import Cancelled
from tools.finetune.settings import for_encoder
from tools.finetune.spec import FinetuneParameters
from tools.training.settings_search import Search, Trials

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


def test_a_run_that_would_not_end_in_time_is_not_begun() -> None:
    found, clock = search(0.75, LOSSES)  # four and a half runs of ten seconds
    assert found.best(list(LOSSES)) == "d"
    assert (len(found.tried), clock.left) == (4, pytest.approx(5.0))


def test_what_diverges_is_not_chosen() -> None:
    found, _ = search(60, {"wild": float("inf"), "tame": 2.0})
    assert found.best(["wild", "tame"]) == "tame"


def test_whole_trainings_are_not_done_twice() -> None:
    found, _ = search(10_000, LOSSES)
    found.best(list(LOSSES))
    whole = [one.setting for one in found.tried if one.share == 1.0]
    assert len(whole) == len(set(whole)) > 0


class Runs:
    """Short runs that take their share of a minute or two, and are cancelled when so many are done."""

    def __init__(self, most: int = 1000) -> None:
        self.now, self.done, self._most = 0.0, 0, most

    def __call__(self, setting: FinetuneParameters, share: float) -> float:
        if self.done == self._most:
            raise Cancelled("stopped")
        self.done += 1
        self.now += (60 + 7.3 * self.done % 31) * share
        return float("inf") if setting.lr == 3e-3 else abs((setting.lr or 0) - 4e-4) / (setting.epochs or 1)

    def search(self, file: Path) -> Search[FinetuneParameters]:
        trials = Trials(file, self, seconds=300, clock=lambda: self.now)
        return Search(trials.run, trials.left)


SETTINGS = for_encoder(FinetuneParameters(data="any", search=5), rows=5000)


def test_what_came_to_an_end_before_a_stop_is_not_run_again_and_changes_nothing(tmp_path: Path) -> None:
    whole, runs = Runs(), Runs(most=10)
    unbroken = whole.search(tmp_path / "whole.json")
    best = unbroken.best(SETTINGS)
    with pytest.raises(Cancelled):
        runs.search(tmp_path / "tried.json").best(SETTINGS)
    again = Runs()
    again.done = 10  # as long as those of the unbroken search
    resumed = again.search(tmp_path / "tried.json")
    assert resumed.best(SETTINGS) == best
    assert resumed.tried == unbroken.tried
    assert again.done == whole.done > 10
    assert any(one.loss == float("inf") for one in resumed.tried)


def test_a_broken_file_of_runs_is_no_hindrance(tmp_path: Path) -> None:
    file = tmp_path / "tried.json"
    file.write_text("{")
    runs = Runs()
    assert runs.search(file).best(SETTINGS[:1]) == SETTINGS[0]
    assert runs.done == 1
