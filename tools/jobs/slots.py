"""CPU slots: a job computes only while its own process holds one, whatever becomes of its supervisor."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tools.errors import Cancelled
from tools.jobs.folder import take_lock

PAUSE = 0.05  # seconds between two looks at taken slots


def take_slot(folder: Path, count: int, cancelled: Callable[[], bool]) -> IO[str]:
    """Wait for one of `count` slots and hold it as long as the handle stays open.

    Children the job forks hold it too: they compute as well. Raises `Cancelled` if the job is asked to stop first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(count):
            if (handle := take_lock(folder / f"cpu-{number}")) is not None:
                return handle
        if cancelled():
            raise Cancelled("The job was asked to stop while it waited for a processor.")
        time.sleep(PAUSE)
