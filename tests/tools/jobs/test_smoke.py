"""What a job's first steps say of the whole of it."""

from datetime import UTC, datetime, timedelta

from tools.contract import JobEvent, Part
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


def test_parts_still_to_come_are_as_wrong_as_the_plan_is_about_the_measured_one() -> None:
    parts = (Part(step="learning", seconds=5), Part(step="aligning", seconds=20), Part(step="measuring", seconds=1))
    smoke = Smoke(BEGAN, lambda: 1, parts)
    told = [
        smoke.saw(event).expected_seconds
        for event in (
            at(0, 0, step="learning"),
            at(5, 50, step="learning"),
            at(10, 0, step="aligning"),
            at(15, 25, step="aligning"),
            at(30, 0, step="unheard of"),
        )
    ]
    assert told == [None, 10 + 2 * 21, 10 + 2 * 21, 10 + 20 + 1, 10 + 20 + 1]


def test_a_short_run_of_a_search_says_nothing_of_how_many_come() -> None:
    smoke = Smoke(BEGAN, lambda: 1, (Part(step="trying settings", seconds=60), Part(step="learning", seconds=30)))
    told = [
        smoke.saw(event).expected_seconds
        for event in (
            at(10, 0, 20, step="trying settings: lr 1"),
            at(15, 10, 20, step="trying settings: lr 1"),
            at(75, 10, 20, step="trying settings: lr 3"),
            at(80, 0, step="learning"),
            at(90, 50, step="learning"),
        )
    ]
    assert told == [100.0, 100.0, 105.0, 105.0, 100.0]


def test_the_end_of_a_job_counts_too() -> None:
    smoke = Smoke(BEGAN, lambda: 1, ending=3.0)
    smoke.saw(at(10, 0))
    assert smoke.saw(at(15, 5)).expected_seconds == 113.0


def test_memory_is_what_the_process_held_at_most() -> None:
    smoke = Smoke(BEGAN, lambda: 900_000_000)
    smoke.saw(at(0, 0))
    assert smoke.saw(at(10, 10)).expected_memory == 900_000_000


def test_a_line_of_the_log_is_left_alone() -> None:
    line = JobEvent(at=BEGAN, attempt=1, kind="log", text="hello")
    assert Smoke(BEGAN, lambda: 1).saw(line) == line
