"""How the threads of jobs wait for each other: awake for a moment, asleep where the processors are shared."""

import os

import pytest

from tools.jobs.environment import job_environment, waiting


@pytest.mark.parametrize(
    ("threads", "own", "found"),
    [
        (1, {}, "2000"),
        (10_000, {}, "0"),
        (10_000, {"GOMP_SPINCOUNT": "7"}, "7"),
        (1, {"GOMP_SPINCOUNT": "7"}, "7"),
    ],
)
def test_threads_sleep_at_once_where_jobs_share_processors(threads: int, own: dict[str, str], found: str) -> None:
    assert (os.cpu_count() or 1) < 10_000
    assert job_environment(waiting(threads, own), own)["GOMP_SPINCOUNT"] == found
