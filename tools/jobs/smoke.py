"""What a job will take, measured by its own first steps: its smoke run, of which nothing is thrown away."""

from collections.abc import Callable
from datetime import datetime

from tools.contract import JobEvent

_LEAST_SECONDS = 3.0  # of steps before they say anything
_LEAST_STEPS = 3
_LEAST_SHARE = 0.01  # of a phase's steps: a cold cache and the first compilation count less
_LEAST_TOTAL = 8  # steps of a phase worth extrapolating


class Smoke:
    """Adds to a job's progress how long the whole attempt will take at the pace of the phase it is in.

    The first progress of a phase starts its clock, so that loading a model counts as spent and not as pace. What
    follows the phase is not known here: an estimate is made anew in every phase, and each is a little short.
    """

    def __init__(self, began: datetime, peak: Callable[[], int]) -> None:
        """`peak`: bytes resident at most so far, of the whole process."""
        self._began = began
        self._peak = peak
        self._phase = ""
        self._first: tuple[int, datetime] = (0, began)
        self._seconds: float | None = None

    def saw(self, event: JobEvent) -> JobEvent:
        """The event, with the estimate once there is one."""
        if event.kind != "progress":
            return event
        if event.step != self._phase or event.done < self._first[0]:
            self._phase, self._first = event.step, (event.done, event.at)
        elif (seconds := self._extrapolated(event)) is not None:
            self._seconds = seconds
        if self._seconds is None:
            return event
        return event.model_copy(update={"expected_seconds": self._seconds, "expected_memory": self._peak()})

    def _extrapolated(self, event: JobEvent) -> float | None:
        done, since = event.done - self._first[0], (event.at - self._first[1]).total_seconds()
        enough = done >= max(_LEAST_STEPS, _LEAST_SHARE * event.total) and since >= _LEAST_SECONDS
        if event.total < _LEAST_TOTAL or not enough:
            return None
        spent = (event.at - self._began).total_seconds()
        return round(spent + since / done * max(0, event.total - event.done), 1)
