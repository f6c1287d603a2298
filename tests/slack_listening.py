"""Listeners on parts that only note what they were asked, and a way to say something to them as Slack does."""

import asyncio
import logging
from collections import defaultdict
from typing import Any

from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_payloads import BOT, TEAM
from slack_sdk.web.async_client import AsyncWebClient

from agent.slack.acceptance import Acceptance
from agent.slack.app import OneWorkspace, build_app
from agent.slack.door import Door
from agent.slack.gateway import Outcome, Posted, Refused
from agent.slack.interactions import Interactions
from agent.slack.listeners import Listeners
from agent.slack.model import Delivery, Place
from tools.registry import TOOLS

log = logging.getLogger(__name__)


class Noting:
    """Every part the listeners ask, noting what it was asked."""

    def __init__(self, *, fails: Exception | None = None, inside: bool = True, refuses: str = "") -> None:
        self.accepted: list[Delivery] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.votes: list[tuple[str, str, bool]] = []
        self.stopped: list[Place] = []
        self.forgotten: list[tuple[str, tuple[str, ...] | None]] = []
        self._fails = fails
        self._inside = inside
        self._refuses = refuses

    async def accept(self, delivery: Delivery) -> bool:
        await asyncio.sleep(0)
        if self._fails is not None:
            raise self._fails
        self.accepted.append(delivery)
        return True

    def entered(self, thread: str, place: str, root: str | None) -> bool:
        return self._inside

    async def call(self, team: str, method: str, *, patience: float | None = None, **arguments: Any) -> Outcome:
        self.calls.append((method, arguments))
        if method == self._refuses:
            return Refused(error="expired_trigger_id")
        return Posted(data={"ok": True, "channel": {"id": "D0OPENED"}})

    async def learn(self, *texts: str) -> None: ...

    def vote(self, turn: str, actor: str, good: bool) -> None:
        self.votes.append((turn, actor, good))

    def stop(self, place: Place) -> bool:
        self.stopped.append(place)
        return True

    def forget(self, team: str, bots: tuple[str, ...] | None) -> None:
        self.forgotten.append((team, bots))

    def home(self, actor: str) -> dict[str, Any]:
        return {"type": "home", "blocks": [], "external_id": actor}


def listeners_on(noting: Noting, door: Door) -> Listeners:
    acceptance = Acceptance(noting, noting, door, noting.learn)
    return Listeners(
        acceptance=acceptance,
        door=door,
        interactions=Interactions(acceptance, noting.vote, door, TOOLS),
        home=noting.home,
        stop=noting.stop,
        forget=noting.forget,
    )


class Ears:
    """Notes what is registered on it, in a Bolt app's place."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Any]] = defaultdict(list)

    def __getattr__(self, name: str) -> Any:
        def register(what: Any) -> Any:
            self.heard[name].append(what)
            return lambda listener: listener

        return register


def listening_to() -> tuple[Listeners, Ears]:
    noting, ears = Noting(), Ears()
    listeners = listeners_on(noting, Door(noting))
    listeners.register(ears)  # type: ignore[arg-type]
    return listeners, ears


def told(noting: Noting, *payloads: Any) -> list[BoltResponse]:
    """What the real Bolt app answers to these payloads, one after the other, once all it began has ended."""

    async def tell() -> list[BoltResponse]:
        door = Door(noting)
        identity = {"team_id": TEAM, "user_id": BOT, "bot_id": "B0ODYSSEY"}
        app = build_app(listeners_on(noting, door), OneWorkspace("xoxb-1", identity), AsyncWebClient())
        answers = [await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload)) for payload in payloads]
        await door.idle()
        return answers

    return asyncio.run(tell())
