"""The real app in a local workspace, for the tests: an owner, Bolt and everything between, on a loop of their own."""

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from slack_parts import Scripted
from starlette.applications import Starlette

from agent.bootstrap import build_owner
from agent.home import HomeLock
from agent.ledger.database import open_database
from agent.owner import Owner
from agent.serve import settings_of
from agent.settings import Settings, SlackSettings, load, load_slack
from agent.slack.gateway import Limits
from agent.slack.model import Assistant
from agent.slack.serve import Serving, listening, serving
from agent.slack.service import Paces
from agent.slack.stream import StreamSettings
from agent.workspace.server import LocalWorkspace

PATIENCE = 30.0
QUICK = Paces(
    limits=Limits(
        tiers={tier: a_minute * 1000 for tier, a_minute in Limits().tiers.items()}, post_a_second=1000, post_burst=1000
    ),
    stream=StreamSettings(quiet=0.05, beat=0.05, draft_beat=0.1),
)


class App:
    """The app of a home. `open`, `close` and `open` again is a restart of the process."""

    def __init__(
        self, home: Path, slack: SlackSettings, assistant: Assistant | None = None, paces: Paces = QUICK
    ) -> None:
        """Without an `assistant`, the home's real owner."""
        self.settings: Settings = load(home=home, warm=False)
        self._slack = slack
        self._given = assistant
        self._paces = paces
        self._stack = ExitStack()
        self._loop = asyncio.new_event_loop()
        self.owner: Owner | None = None
        self.serving: Serving

    @classmethod
    def of(cls, home: Path, workspace: LocalWorkspace, assistant: Any = None, **more: Any) -> "App":
        """The app of a local workspace."""
        return cls(home, settings_of(workspace).model_copy(update=more), assistant)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        self._stack = ExitStack()
        try:
            assistant = self._given or self._stack.enter_context(self._owned())
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever, name="slack-app", daemon=True)
            thread.start()
            self._stack.callback(self._loop.close)
            self._stack.callback(thread.join, PATIENCE)
            self._stack.callback(lambda: self._loop.call_soon_threadsafe(self._loop.stop))
            self._stack.callback(lambda: self.run(_the_rest_cancelled()))
            engine = open_database(self.settings.home / "odyssey.db")
            self._stack.callback(engine.dispose)
            block = serving(assistant, engine, self.settings.home, self._slack, self._paces)
            self.serving = self.run(block.__aenter__())
            self._stack.callback(lambda: self.run(block.__aexit__(None, None, None)))
            if self.owner is not None:
                self.owner.on_change(self.serving.service.changed)
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        self._stack.close()

    def run(self, work: Any) -> Any:
        """Run something in the app's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def call(self, function: Callable[[], None]) -> None:
        """Call something in the app's loop."""

        async def work() -> None:
            function()

        self.run(work())

    @contextmanager
    def _owned(self) -> Iterator[Owner]:
        lock = HomeLock(self.settings.home)
        assert lock.acquire()
        self.owner = build_owner(self.settings)
        self.owner.start()
        try:
            yield self.owner
        finally:
            self.owner.stop()
            self.owner = None
            lock.release()


async def _the_rest_cancelled() -> None:
    """As `asyncio.run` does at its end."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


class Office(Scripted):
    """A scripted assistant with all that boards ask for and no project."""

    def __init__(self, answer: Any = lambda text, **_: f"You said {text}.") -> None:
        super().__init__(answer)
        self.votes: list[tuple[str, str, bool]] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def projects(self, actor: str) -> tuple[Any, ...]:
        return ()

    def all_projects(self) -> tuple[Any, ...]:
        return ()

    def jobs(self, project_id: str) -> tuple[Any, ...]:
        return ()

    def asked_in(self, seq: int) -> str | None:
        return None

    def curve(self, job: str) -> None:
        return None

    def vote(self, turn: str, actor: str, good: bool, reason: str = "") -> None:
        self.votes.append((turn, actor, good))


def signed(payload: Any, secret: str, now: float) -> tuple[bytes, dict[str, str]]:
    """A request's body and headers as Slack makes them: JSON for events, bytes as they are."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    stamp = str(int(now))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    kind = "application/json" if body[:1] == b"{" else "application/x-www-form-urlencoded"
    return body, {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "Content-Type": kind}


@contextmanager
def serve_on_thread(app: Starlette) -> Iterator[str]:
    """An ASGI application on loopback; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-in", daemon=True)
    thread.start()
    block = listening(app, "127.0.0.1", 0)
    port = asyncio.run_coroutine_threadsafe(block.__aenter__(), loop).result(PATIENCE)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(block.__aexit__(None, None, None), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


def http_settings(workspace: LocalWorkspace, **more: Any) -> SlackSettings:
    """HTTP mode for a local workspace, on a free port."""
    given = {
        "mode": "http",
        "http_port": 0,
        "bot_token": workspace.bot_token,
        "signing_secret": workspace.signing_secret,
        "api_url": workspace.api_url,
    }
    return load_slack(**{name: value for name, value in (given | more).items() if value is not None})
