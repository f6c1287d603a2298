"""What a job's first steps say of the whole of it."""

from datetime import UTC, datetime, timedelta

from tools.contract import JobEvent
from tools.jobs.smoke import Smoke

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


def at(seconds: float, done: int, total: int = 100, step: str = "training") -> JobEvent:
    when = BEGAN + timedelta(seconds=seconds)
    return JobEvent(at=when, attempt=1, kind="progress", step=step, done=done, total=total)


def expected(*events: JobEvent) -> list[float | None]:
    smoke = Smoke(BEGAN, lambda: 900_000_000)
    return [smoke.saw(event).expected_seconds for event in events]


def test_the_pace_of_the_first_steps_is_that_of_all_and_loading_counts_once() -> None:
    assert expected(at(10, 0), at(15, 5)) == [None, 110.0]


def test_a_step_or_two_say_nothing_yet() -> None:
    assert expected(at(1, 0), at(60, 2)) == [None, None]
    assert expected(at(1, 0), at(2, 50)) == [None, None]


def test_few_steps_in_all_are_not_extrapolated() -> None:
    assert expected(at(0, 0, 4), at(40, 3, 4)) == [None, None]


def test_every_phase_has_a_pace_of_its_own_and_keeps_the_estimate_until_it_is_known() -> None:
    told = expected(at(0, 0), at(10, 10), at(100, 0, step="measuring"), at(110, 50, step="measuring"))
    assert told == [None, 100.0, 100.0, 120.0]


def test_memory_is_what_the_process_held_at_most() -> None:
    smoke = Smoke(BEGAN, lambda: 900_000_000)
    smoke.saw(at(0, 0))
    assert smoke.saw(at(10, 10)).expected_memory == 900_000_000


def test_a_line_of_the_log_is_left_alone() -> None:
    line = JobEvent(at=BEGAN, attempt=1, kind="log", text="hello")
    assert Smoke(BEGAN, lambda: 1).saw(line) == line
