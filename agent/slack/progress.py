"""Running jobs as cards show them: the steps gone through so far, and a clock that does not tick all the time."""

from collections import deque

from agent.lifecycle.project import JobPhase
from agent.status import JobView

_MOST = 12  # steps kept of an attempt
_NAMED = 60  # attempts remembered


class Steps:
    """Which steps each running attempt has gone through, as far as this process saw."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], deque[str]] = {}

    def before(self, view: JobView) -> tuple[str, ...]:
        """The steps before the one the view shows, in order; notes that one, too."""
        key = (view.id, view.attempt)
        seen = self._seen.pop(key, None) or deque[str](maxlen=_MOST)
        self._seen[key] = seen  # the one asked for last is let go last
        if len(self._seen) > _NAMED:
            del self._seen[next(iter(self._seen))]
        if view.step and view.step not in seen:
            seen.append(view.step)
        return tuple(step for step in seen if step != view.step)

    def forget(self, view: JobView) -> None:
        """It has ended."""
        self._seen.pop((view.id, view.attempt), None)


def steady(view: JobView) -> JobView:
    """The view with its time in coarser steps the longer it runs; a service's time is left out, for it never ends.

    A card is sent again whenever it differs, and a clock that moves is nothing new.
    """
    if view.phase == JobPhase.SERVING:
        return view.model_copy(update={"seconds": None})
    if view.phase != JobPhase.ACTIVE or view.seconds is None:
        return view
    grain = 5 if view.seconds < 60 else 15 if view.seconds < 600 else 60
    return view.model_copy(update={"seconds": float(view.seconds // grain * grain)})
