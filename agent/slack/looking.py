"""Looks at the boards whenever something was applied, and by the clock while something moves."""

import logging
import threading
from collections.abc import Callable

from agent.errors import new_reference

log = logging.getLogger(__name__)
AFTER_A_FAULT = 5.0  # seconds


class Looking:
    """A thread of its own for `refresh`, which blocks and gives the seconds until the next look."""

    def __init__(self, refresh: Callable[[], float]) -> None:
        self._refresh = refresh
        self._news = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="slack-boards", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look now. From any thread."""
        self._news.set()

    def close(self, timeout: float = 5.0) -> None:
        self._closed = True
        self._news.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closed:
            try:
                pause = self._refresh()
            except Exception:  # the boundary of a look: the next one must come
                log.exception("%s: the boards could not be looked at", new_reference())
                pause = AFTER_A_FAULT
            self._news.wait(pause)
            self._news.clear()
