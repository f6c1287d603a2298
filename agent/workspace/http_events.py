"""Signed HTTP: events, interactions and commands POSTed to the app's address, as Slack does without Socket Mode.

Each carries X-Slack-Signature and X-Slack-Request-Timestamp. An event that gets no HTTP 200 within three seconds is
sent again at once, after 1 minute and after 5 minutes, with X-Slack-Retry-Num and X-Slack-Retry-Reason; an answer with
`X-Slack-No-Retry: 1` ends that. Events not delivered when the workspace stops go out after its next start. Interactions
and commands are sent once, as forms. At the start the address must answer a url_verification.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from agent.workspace import strict_json
from agent.workspace.errors import Unanswered
from agent.workspace.limits import Limits
from agent.workspace.store import Doc, Store
from agent.workspace.weather import Weather

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(secret.encode(), b":".join([b"v0", timestamp.encode(), body]), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


@dataclass(frozen=True)
class Address:
    """Where the app listens and how requests to it are signed."""

    url: str
    secret: str


class HttpEvents:
    """The courier over HTTP. `changed` hears when the app answers and when it stops answering."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        weather: Weather,
        address: Address,
        changed: Callable[[bool], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._limits = limits
        self._weather = weather
        self._address = address
        self._changed = changed
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=limits.ack_s, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._answering = False

    @property
    def connected(self) -> bool:
        """Whether the app answered the last time."""
        return self._answering

    @property
    def pending(self) -> int:
        """Events on their way."""
        return len(self._tasks)

    def start(self) -> None:
        """Verify the address, then send what was accepted before a restart."""
        self._spawn(self._verify())
        for body in self._store.every("pending"):
            self._spawn(self._deliver(body["payload"], body["key"]))

    async def close(self) -> None:
        """Stop delivering; events not acknowledged stay in the store."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def send(self, callback: Doc) -> None:
        if len(self._tasks) >= self._limits.pending_events:
            return  # as Slack, which drops events of an app that does not take them
        key = f"{callback['event_time']:012d}:{next(self._numbers):09d}:{secrets.token_hex(8)}"
        self._store.put("pending", key, {"key": key, "payload": callback})
        self._spawn(self._deliver(callback, key))

    async def ask(self, kind: str, payload: Doc) -> Doc | None:
        command = {name: str(each) for name, each in payload.items()}
        form = {"payload": json.dumps(payload)} if kind == "interactive" else command
        answer = await self._post(urlencode(form).encode(), FORM)
        if answer is None or answer.status_code != 200:
            raise Unanswered("timeout" if answer is None else f"HTTP {answer.status_code}")
        if not answer.content:
            return None
        if not answer.headers.get("content-type", "").startswith(JSON):
            return {"text": answer.text}
        try:
            said = strict_json.read(answer.content)
        except ValueError:
            raise Unanswered("its answer is no JSON") from None
        return said if isinstance(said, dict) else None

    async def _verify(self) -> None:
        challenge = secrets.token_urlsafe(24)
        body = json.dumps({"type": "url_verification", "challenge": challenge, "token": ""}).encode()
        for delay in (0.0, *self._limits.retry_delays_s):
            await asyncio.sleep(delay)
            answer = await self._post(body, JSON)
            if answer is not None and answer.status_code == 200 and challenge in answer.text:
                return
        self._note(answering=False)

    async def _deliver(self, callback: Doc, key: str) -> None:
        body = json.dumps(callback).encode()
        reason = ""
        for attempt, delay in enumerate((0.0, *self._limits.retry_delays_s)):
            await asyncio.sleep(delay + self._weather.delay())
            retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
            for _ in range(self._weather.copies()):
                answer = await self._post(body, JSON, retry)
            if answer is not None and answer.status_code == 200 and not self._weather.loses_ack():
                break
            if answer is not None and answer.headers.get("X-Slack-No-Retry") == "1":
                break
            reason = "http_timeout" if answer is None else "http_error"
        self._store.drop("pending", key)

    async def _post(self, body: bytes, kind: str, retry: dict[str, str] | None = None) -> httpx.Response | None:
        """The app's answer; None where there was none in time."""
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (local workspace)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._address.secret, timestamp, body),
            **(retry or {}),
        }
        try:
            answer = await self._client.post(self._address.url, content=body, headers=headers)
        except httpx.HTTPError:
            self._note(answering=False)
            return None
        self._note(answering=True)
        return answer

    def _note(self, *, answering: bool) -> None:
        if answering != self._answering:
            self._answering = answering
            self._changed(answering)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
