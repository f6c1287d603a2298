"""One door for every call of Slack's Web API: its limits kept, its pauses honoured, each outcome typed.

Slack limits each method per workspace (tiers, requests a minute) and `chat.postMessage` also per channel (about one
a second). A bucket a limit holds what may be sent at once; a 429 pauses its own bucket only.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from tools.contract import Frozen

log = logging.getLogger(__name__)


class Posted(Frozen):
    """Slack did it. `data` is its answer."""

    data: dict[str, Any]

    @property
    def ts(self) -> str | None:
        """Slack's name for the message."""
        ts = self.data.get("ts") or self.data.get("message_ts")
        return str(ts) if ts else None


class Lost(Frozen):
    """Nobody knows whether Slack did it: no answer, or one that does not say."""

    why: str


class Refused(Frozen):
    """Slack did not do it, and says why (its error code)."""

    error: str


class Limited(Frozen):
    """Slack did not do it: too much was asked. Again after so many seconds."""

    seconds: float


Outcome = Posted | Lost | Refused | Limited


class Limits(Frozen):
    """Requests a minute and how many of them may come at once. Tiers as Slack documents them."""

    tiers: Mapping[int, int] = {1: 1, 2: 20, 3: 50, 4: 100}
    burst: float = 0.5  # share of a minute's requests that may come at once; at least one
    post_a_second: float = 1.0  # chat.postMessage and its like, a channel
    posts_a_minute: int = 300  # chat.postMessage in all channels of a workspace ("several hundred")
    post_burst: int = 3  # of them at once: Slack allows short bursts
    retries: int = 3  # of calls that may be repeated without harm
    pause: float = 0.5  # seconds before the first of them, doubled each time, with jitter
    patience: float = 90.0  # seconds that a call waits for its turn before it is given up as `Limited`


# Methods that Odyssey calls, with their tiers (docs.slack.dev, each method's page). 0: no tier of its own.
TIERS: Mapping[str, int] = {
    "chat.postMessage": 0,  # a limit a channel, and several hundred a minute a workspace
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "chat.delete": 3,
    "chat.startStream": 2,
    "chat.appendStream": 4,
    "chat.stopStream": 2,
    "assistant.threads.setStatus": 4,
    "assistant.threads.setSuggestedPrompts": 4,
    "agents.sessions.setStatus": 3,
    "conversations.history": 3,
    "conversations.replies": 3,
    "conversations.open": 3,
    "conversations.info": 3,
    "files.getUploadURLExternal": 4,
    "files.completeUploadExternal": 4,
    "files.upload_v2": 4,
    "files.info": 4,
    "reactions.add": 3,
    "users.info": 4,
    "views.open": 4,
    "views.push": 4,
    "views.update": 4,
    "views.publish": 4,
    "auth.test": 4,
}
_A_CHANNEL = frozenset({"chat.postMessage", "chat.postEphemeral", "files.upload_v2"})
_READING = frozenset(
    {"conversations.history", "conversations.replies", "conversations.info", "files.info", "users.info"}
)
_NOT_TWICE = frozenset(
    {"chat.postMessage", "chat.postEphemeral", "chat.startStream", "chat.appendStream", "files.upload_v2"}
)
_NOBODY_KNOWS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)


@dataclass
class Bucket:
    """So many requests at once, refilled at a rate; `paused_until` is what a 429 asked for."""

    a_second: float
    capacity: float
    tokens: float = field(init=False)
    at: float = 0.0
    paused_until: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.capacity

    def ready_in(self, now: float) -> float:
        """Seconds until one may be sent; 0 if now."""
        self._refill(now)
        missing = max(0.0, 1.0 - self.tokens) / self.a_second
        return max(missing, self.paused_until - now, 0.0)

    def take(self, now: float) -> None:
        self._refill(now)
        self.tokens -= 1.0

    def pause(self, now: float, seconds: float) -> None:
        """Nothing for so long, and one by one afterwards."""
        self.paused_until = max(self.paused_until, now + seconds)
        self.tokens = min(self.tokens, 1.0)

    def _refill(self, now: float) -> None:
        self.tokens = min(self.capacity, self.tokens + max(0.0, now - self.at) * self.a_second)
        self.at = now


def web_client(
    token: str, base_url: str, *, timeout: float = 30, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """A client that never repeats a call by itself: the gateway decides that. Made in the loop's thread.

    `base_url` ends with a slash. `session` is shared by many clients, and closed by whoever made it.
    """
    return AsyncWebClient(token=token, base_url=base_url, timeout=int(timeout), session=session, retry_handlers=[])


class Gateway:
    """Calls the Web API for every workspace. Belongs to one event loop."""

    def __init__(
        self,
        client: Callable[[str], AsyncWebClient],
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        """`client` gives a workspace's client; it must have no retry handlers (`web_client`)."""
        self._client = client
        self._limits = limits or Limits()
        self._clock = clock or asyncio.get_event_loop().time
        self._sleep = sleep
        self._chance = chance or random.Random()
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def ready_in(self, team: str, method: str, channel: str = "") -> float:
        """Seconds until a call would be sent at once; 0 if now."""
        now = self._clock()
        return max(bucket.ready_in(now) for bucket in self._of(team, method, channel))

    async def call(self, team: str, method: str, *, patience: float | None = None, **arguments: Any) -> Outcome:
        """Call a method with Slack's own argument names, waiting for its turn for up to `patience` seconds.

        What may be repeated without harm is, after connection errors and 5xx; else such a call is `Lost`.
        """
        limit = self._limits.patience if patience is None else patience
        deadline = self._clock() + limit
        buckets = self._of(team, method, str(arguments.get("channel") or arguments.get("channel_id") or ""))
        tries = 0
        while True:
            wait = max(bucket.ready_in(self._clock()) for bucket in buckets)
            if wait > 0:
                if self._clock() + wait > deadline:
                    return Limited(seconds=wait)
                await self._sleep(wait)
                continue
            for bucket in buckets:
                bucket.take(self._clock())
            outcome, sent = await self._try(self._client(team), method, arguments)
            if isinstance(outcome, Limited):
                log.info("Slack asks for %.0f s of silence on %s", outcome.seconds, method)
                buckets[-1].pause(self._clock(), outcome.seconds)
            elif isinstance(outcome, Lost) and tries < self._limits.retries and (not sent or method not in _NOT_TWICE):
                tries += 1
                await self._sleep(self._limits.pause * 2 ** (tries - 1) * self._chance.uniform(0.5, 1.5))
            else:
                return outcome

    async def _try(self, client: AsyncWebClient, method: str, arguments: Mapping[str, Any]) -> tuple[Outcome, bool]:
        """One request: what came of it, and whether Slack may have seen it."""
        try:
            if method == "files.upload_v2":
                response = await client.files_upload_v2(**arguments)
            else:
                response = await client.api_call(method, **_shape(method, arguments))
        except SlackApiError as error:
            return _of_answer(error), True
        except (aiohttp.ClientConnectorError, ConnectionRefusedError) as error:
            return Lost(why=type(error).__name__), False
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
            return Lost(why=type(error).__name__), True
        data = response.data
        return Posted(data=data if isinstance(data, dict) else {}), True

    def _of(self, team: str, method: str, channel: str) -> list[Bucket]:
        """The buckets a call takes from, the narrowest last: a 429 pauses that one."""
        limits, tier = self._limits, TIERS.get(method, 3)
        a_minute = limits.tiers[tier] if tier else limits.posts_a_minute
        buckets = [self._bucket((team, method), a_minute / 60, max(1.0, a_minute * limits.burst))]
        if channel and method in _A_CHANNEL:
            buckets.append(self._bucket((team, "posts", channel), limits.post_a_second, limits.post_burst))
        return buckets

    def _bucket(self, key: tuple[str, ...], a_second: float, capacity: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(a_second, capacity, at=self._clock())
        return bucket


def _shape(method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Reading methods take their arguments in the address, writing ones a JSON body."""
    if method in _READING:
        return {"http_verb": "GET", "params": dict(arguments)}
    return {"json": dict(arguments)}


def _of_answer(error: SlackApiError) -> Outcome:
    """What an answer says that is not "ok"."""
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    headers = getattr(response, "headers", None) or {}
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return Limited(seconds=_seconds(headers.get("Retry-After")))
    if status >= 500 or not code or code in _NOBODY_KNOWS:
        return Lost(why=code or f"status {status}")
    return Refused(error=code)


def _seconds(value: str | None) -> float:
    """`Retry-After`; a second where it is missing or no number."""
    try:
        return min(3600.0, max(0.0, float(value or 1)))
    except ValueError:
        return 1.0
