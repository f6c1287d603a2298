"""A thread that works whenever there is something to do."""

import logging
import threading
from collections.abc import Callable

from agent.errors import new_reference

log = logging.getLogger(__name__)


class Worker:
    """Calls `work` until it says that nothing is left, then sleeps until it is woken or `idle` seconds are over.

    What `work` raises is logged under a reference and tried again after `idle` seconds: a full disk or a locked
    database must not end the thread that everybody waits for.
    """

    def __init__(self, name: str, work: Callable[[], bool], idle: float) -> None:
        """`work` does one portion and returns whether there may be more."""
        self._work = work
        self._idle = idle
        self._news = threading.Condition()
        self._woken = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the portion at hand."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self._thread.join()

    def wake(self) -> None:
        """Say that there is something to do."""
        with self._news:
            self._woken = True
            self._news.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            with self._news:
                self._woken = False
            if self._portion():
                continue
            with self._news:
                if not self._woken and not self._stopping:
                    self._news.wait(self._idle)

    def _portion(self) -> bool:
        try:
            return self._work()
        except Exception:  # the boundary of the thread: it has to go on
            log.exception("%s: %s failed and tries again", new_reference(), self._thread.name)
            return False
