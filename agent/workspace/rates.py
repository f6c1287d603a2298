"""How often a method may be called: buckets that refill steadily and allow a burst, as Slack's tiers do."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from agent.workspace.errors import RateLimited
from agent.workspace.limits import Limits


@dataclass
class Bucket:
    """`level` calls are free at second `at`."""

    level: float
    at: float


class Rates:
    """`now` is monotonic seconds."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._buckets: dict[Hashable, Bucket] = {}

    def method(self, name: str, tier: int) -> None:
        """One call of a method of tier 1 to 4. RateLimited."""
        each_minute = (self._limits.tier_1, self._limits.tier_2, self._limits.tier_3, self._limits.tier_4)[tier - 1]
        self._take(name, burst=each_minute, per_second=each_minute / 60)

    def post(self, channel: str) -> None:
        """One message in a channel. RateLimited."""
        self._take(("post", channel), burst=self._limits.post_burst, per_second=self._limits.post_per_second)
        self._take("post", burst=self._limits.post_per_minute, per_second=self._limits.post_per_minute / 60)

    def _take(self, key: Hashable, *, burst: int, per_second: float) -> None:
        now = self._now()
        bucket = self._buckets.setdefault(key, Bucket(burst, now))
        bucket.level = min(burst, bucket.level + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.level < 1:
            raise RateLimited(max(1, math.ceil((1 - bucket.level) / per_second)))
        bucket.level -= 1
