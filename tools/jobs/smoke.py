"""What a job will take, measured by its own first steps: its smoke run, of which nothing is thrown away."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tools.contract import JobEvent, Part

_LEAST_SECONDS = 3.0  # of steps before they say anything
_LEAST_STEPS = 3
_LEAST_SHARE = 0.01  # of a phase's steps: a cold cache and the first compilation count less
_LEAST_TOTAL = 8  # steps of a phase worth extrapolating
_TRUST = 10.0  # a plan may be wrong by this factor, and is corrected by what was measured


class Smoke:
    """Adds to a job's progress how long the whole attempt will take at the pace of the phase it is in.

    The first progress of a phase starts its clock, so that loading a model counts as spent and not as pace. What
    follows the phase is taken from the plan, corrected by how wrong it was about this one; an estimate is made anew in
    every phase, and each is a little short where the plan names no parts.
    """

    def __init__(self, began: datetime, peak: Callable[[], int], parts: Sequence[Part] = (), ending: float = 0) -> None:
        """`peak`: bytes resident at most so far, of the whole process; `parts` of the work as planned, in order.

        `ending`: seconds that saving, measuring and drawing take after the last phase that counts its steps.
        """
        self._ending = ending
        self._parts = tuple(parts)
        self._began = began
        self._peak = peak
        self._phase = ""
        self._first: tuple[int, datetime] = (0, began)
        self._reached: dict[int, datetime] = {}  # parts done in phases of their own, by place
        self._seconds: float | None = None

    def saw(self, event: JobEvent) -> JobEvent:
        """The event, with the estimate once there is one."""
        if event.kind != "progress":
            return event
        if (place := self._part_of(event.step)) is not None:
            self._seconds = self._as_planned(event, place)
        elif event.step != self._phase or event.done < self._first[0]:
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
        pace = since / done
        left = pace * max(0, event.total - event.done) + self._later(event.step, pace * event.total) + self._ending
        return round(spent + left, 1)

    def _part_of(self, phase: str) -> int | None:
        """The part that is done in many phases, of which each says its name and what is done: "trying settings: …"."""
        head, colon, _ = phase.partition(":")
        return next((place for place, part in enumerate(self._parts) if colon and part.step == head), None)

    def _as_planned(self, event: JobEvent, place: int) -> float:
        """One of its phases says nothing of how many come; what is planned for it counts from where it was reached."""
        reached = self._reached.setdefault(place, event.at)
        spent, now = (reached - self._began).total_seconds(), (event.at - self._began).total_seconds()
        later = sum(part.seconds for part in self._parts[place + 1 :])
        return round(max(spent + self._parts[place].seconds, now) + later + self._ending, 1)

    def _later(self, phase: str, seconds: float) -> float:
        """Seconds of the parts after the one that takes so many."""
        names = [part.step for part in self._parts]
        if phase not in names:
            return 0.0
        place = names.index(phase)
        planned = self._parts[place].seconds
        wrong = min(max(seconds / planned, 1 / _TRUST), _TRUST) if planned > 0 else 1.0
        return wrong * sum(part.seconds for part in self._parts[place + 1 :])
