"""Which messages are sent next: pure decisions on what waits and what was sent before."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.ledger.messages import Pending
from agent.slack.model import Place
from tools.contract import Frozen

RANKS: Mapping[str, int] = {"reply": 0, "final": 1, "card": 2, "progress": 3}


class Pace(Frozen):
    """How often a message is touched. Slack allows about 50 chat.update a minute a workspace; progress leaves some."""

    progress_every: float = 3.0  # seconds between two updates of one message in progress
    progress_a_minute: int = 40  # updates of all messages in progress of a workspace
    first_pause: float = 2.0  # seconds before a message that was lost on its way is looked for
    longest_pause: float = 60.0  # seconds between two tries of one that is lost on its way
    patience: int = 3  # lost tries in a row after which a message no longer holds up those behind it


@dataclass
class Past:
    """What was sent when, in seconds of one clock."""

    updated: dict[str, float] = field(default_factory=dict)
    progress: dict[str, deque[float]] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)

    def sent(self, item: Pending, team: str, now: float) -> None:
        """Note that a message was posted or updated."""
        self.not_before.pop(item.key, None)
        if item.rank != "progress":
            self.updated.pop(item.key, None)  # a final state: nothing follows
            return
        self.updated[item.key] = now
        if item.posted:
            self.progress.setdefault(team, deque()).append(now)

    def lost(self, item: Pending, now: float, pace: Pace) -> None:
        """Note that a message got no answer: it may still be on its way, and each next try waits longer."""
        self.not_before[item.key] = now + min(pace.longest_pause, pace.first_pause * 2.0 ** min(item.tries, 10))


@dataclass(frozen=True)
class Lane:
    """What is sent one after the other: first posts of a channel, updates of a workspace."""

    team: str
    method: str
    channel: str = ""


@dataclass(frozen=True)
class Choice:
    """A message to be sent now, with the lane it occupies."""

    item: Pending
    lane: Lane


def choose(
    waiting: Iterable[Pending],
    busy: Collection[Lane],
    past: Past,
    now: float,
    pace: Pace,
    ready_in: Callable[[Lane], float],
) -> tuple[list[Choice], float | None]:
    """What to send in each free lane, and in how many seconds to choose again if nothing else happens (None: never).

    `ready_in` says in how many seconds the limits let a call of a lane through.
    """
    lanes: dict[Lane, list[Pending]] = {}
    for item in _without_held_up(waiting, pace):
        lanes.setdefault(_lane(item), []).append(item)
    chosen: list[Choice] = []
    waits: list[float] = []
    for lane, items in lanes.items():
        if lane in busy:
            continue
        due = {item.key: _due_in(item, lane.team, past, now, pace) for item in items}
        now_due = [item for item in items if due[item.key] <= 0]
        if not now_due:
            waits.append(min(due.values()))
        elif (wait := ready_in(lane)) > 0:
            waits.append(wait)
        else:
            chosen.append(Choice(min(now_due, key=lambda item: _order(item, past)), lane))
    return chosen, min(waits, default=None)


def _without_held_up(waiting: Iterable[Pending], pace: Pace) -> Sequence[Pending]:
    """Changes, and of each place the first message that is not posted yet; its rank is the best behind it."""
    changes, heads = [], dict[str, Pending]()
    for item in waiting:
        if item.posted or item.tries >= pace.patience:
            changes.append(item)
            continue
        head = heads.setdefault(item.place, item)
        if RANKS[item.rank] < RANKS[head.rank]:
            heads[item.place] = Pending(head.seq, head.key, head.place, item.rank, head.posted, head.tries)
    return [*changes, *heads.values()]


def _lane(item: Pending) -> Lane:
    place = Place.of(item.place)
    team, channel = (place.team, place.channel) if place else ("", "")
    return Lane(team, "chat.update") if item.posted else Lane(team, "chat.postMessage", channel)


def _due_in(item: Pending, team: str, past: Past, now: float, pace: Pace) -> float:
    """Seconds until a message may be sent as far as its own pace goes; 0 or less if now."""
    wait = past.not_before.get(item.key, now) - now
    if item.rank != "progress" or not item.posted:
        return wait
    sent = past.progress.setdefault(team, deque())
    while sent and sent[0] <= now - 60:
        sent.popleft()
    if len(sent) >= pace.progress_a_minute:
        wait = max(wait, sent[-pace.progress_a_minute] + 60 - now)
    return max(wait, past.updated.get(item.key, now - pace.progress_every) + pace.progress_every - now)


def _order(item: Pending, past: Past) -> tuple[int, float, int]:
    """By rank; of those in progress the one whose last update is longest ago; then as they were wanted."""
    since = past.updated.get(item.key, 0.0) if item.rank == "progress" else 0.0
    return RANKS[item.rank], since, item.seq
