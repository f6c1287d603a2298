"""Which delivery is taken next: in order within a conversation, conversations side by side, presses before the rest."""

import threading
import time
from collections import deque
from collections.abc import Callable

from agent.slack.model import Delivery
from agent.slack.store import Waiting

_RUSH = 5  # deliveries …
_RUSH_SECONDS = 0.1  # … within so long are a rush
_PATIENCE = 0.25  # seconds that one turn waits for the end of a rush


def is_press(delivery: Delivery) -> bool:
    """A button or a modal: somebody waits for what the click does, and there are workers for it alone."""
    return delivery.way in ("button", "modal")


class Rush:
    """Many deliveries at once: then turns begin one by one, so that the next are acknowledged without delay.

    Threads share one interpreter: each turn that computes costs every acknowledgement some milliseconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._arrivals: deque[float] = deque(maxlen=_RUSH)
        self._door = threading.Lock()

    def arrived(self, count: int) -> None:
        """So many deliveries were accepted just now."""
        self._arrivals.extend([self._clock()] * min(count, _RUSH))

    def over_in(self) -> float:
        """Seconds until the rush is over if nothing more arrives; 0 if there is none."""
        if len(self._arrivals) < _RUSH:
            return 0.0
        return max(0.0, self._arrivals[0] + _RUSH_SECONDS - self._clock())

    def wait(self) -> None:
        """Return at once in quiet times; in a rush one caller after the other, each after a while at most."""
        if self.over_in() <= 0:
            return
        with self._door:
            end = self._clock() + _PATIENCE
            while (left := min(self.over_in(), end - self._clock())) > 0:
                time.sleep(left)


class Lanes:
    """A lane a conversation. A conversation that is being answered gives nothing out until it is released."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lanes: dict[str, deque[Waiting]] = {}
        self._taken: set[str] = set()
        self._presses: deque[str] = deque()
        self._others: deque[str] = deque()
        self._closed = False

    def put(self, item: Waiting) -> None:
        """Append a delivery to its conversation's lane."""
        thread = item.delivery.thread
        with self._changed:
            lane = self._lanes.setdefault(thread, deque())
            lane.append(item)
            if len(lane) == 1 and thread not in self._taken:
                self._offer(thread)

    def take(self, *, presses_only: bool) -> Waiting | None:
        """The next delivery, waiting for one; None once closed."""
        with self._changed:
            while not self._closed:
                if self._presses:
                    return self._give(self._presses.popleft())
                if self._others and not presses_only:
                    return self._give(self._others.popleft())
                self._changed.wait()
            return None

    def release(self, thread: str) -> None:
        """The conversation's delivery is answered: its next one may be taken."""
        with self._changed:
            self._taken.discard(thread)
            if self._lanes.get(thread):
                self._offer(thread)
            else:
                self._lanes.pop(thread, None)

    def close(self) -> None:
        """Give nothing out any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        """Deliveries that wait in all lanes."""
        with self._changed:
            return sum(len(lane) for lane in self._lanes.values())

    def _give(self, thread: str) -> Waiting:
        self._taken.add(thread)
        return self._lanes[thread].popleft()

    def _offer(self, thread: str) -> None:
        ready = self._presses if is_press(self._lanes[thread][0].delivery) else self._others
        ready.append(thread)
        self._changed.notify_all()
