"""Socket Mode with Bolt's own aiohttp client: acks, redelivery, cuts, refreshes, events that wait."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from workspace_case import FAST

from agent.workspace.limits import Limits
from agent.workspace.server import LocalWorkspace

Play = Callable[..., None]
GENERAL, ADA = "C00GENERAL", "U000000ADA"
QUICK = replace(FAST, ack_s=0.3, refresh_warning_s=0.05)


class App:
    """A Bolt app that notes what comes."""

    def __init__(self, workspace: LocalWorkspace, **handler: Any) -> None:
        app = AsyncApp(token=workspace.bot_token, signing_secret=workspace.signing_secret)
        app.client.base_url = workspace.api_url
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        app.event("message")(self._note)
        app.event("app_mention")(self._note)
        app.event("member_joined_channel")(self._note)
        self.handler = AsyncSocketModeHandler(app, workspace.app_token, ping_interval=1, **handler)

    async def _note(self, body: dict[str, Any]) -> None:
        await self.events.put(body)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.events.get(), 15)

    async def texts(self, count: int) -> list[str]:
        return [(await self.next())["event"]["text"] for _ in range(count)]


@asynccontextmanager
async def connected(stage: Any) -> AsyncIterator[App]:
    app = App(stage.workspace)
    await app.handler.connect_async()
    try:
        yield app
    finally:
        await app.handler.close_async()


@asynccontextmanager
async def raw(stage: Any) -> AsyncIterator[Any]:
    """A connection without the SDK: what is sent is seen as it is."""
    opened = await stage.client.apps_connections_open(app_token=stage.workspace.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as socket:
        hello = await socket.receive_json(timeout=10)
        assert (hello["type"], hello["connection_info"]) == ("hello", {"app_id": "A0ODYSSEY"})
        yield socket


async def settled(stage: Any) -> dict[str, Any]:
    """What `/faults/events` says once nothing is on its way."""
    async with asyncio.timeout(20):
        while True:
            now = (await stage.http.get("/faults/events")).json()
            if now["unacknowledged"] == 0:
                return dict(now)
            await asyncio.sleep(0.02)


async def hears(app: App, wanted: set[str]) -> None:
    """Every text came at least once: what was on its way when a connection ended comes again."""
    got: set[str] = set()
    while got != wanted:
        got.add((await app.next())["event"]["text"])


def test_a_mention_comes_twice_with_different_ids(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            said = await stage.say("@odyssey status")
            first, second = await app.next(), await app.next()
            assert {first["event"]["type"], second["event"]["type"]} == {"message", "app_mention"}
            assert first["event"]["ts"] == second["event"]["ts"] == said["ts"]
            assert first["event_id"] != second["event_id"]
            assert first["authorizations"][0]["user_id"] == "U0ODYSSEY"
            await stage.say("in a DM no mention: @odyssey", "D000000ADA")
            assert (await app.next())["event"]["channel_type"] == "im"
            assert (await settled(stage))["connections"] == 1
            assert app.events.empty()

    play(scenario)


def test_the_apps_own_messages_come_back_with_its_bot_id(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with raw(stage) as socket:
            await stage.client.chat_postMessage(channel=GENERAL, text="mine")
            envelope = await socket.receive_json(timeout=10)
            assert envelope["payload"]["event"]["bot_id"] == "B0ODYSSEY"
            assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
            await settled(stage)

    play(scenario)


def test_without_an_ack_an_event_comes_again_and_at_last_no_more(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with raw(stage) as socket:
            await stage.say("is anybody there?")
            tries = [await socket.receive_json(timeout=10) for _ in range(4)]
            assert [each["retry_attempt"] for each in tries] == [0, 1, 2, 3]
            assert [each["retry_reason"] for each in tries] == ["", "timeout", "timeout", "timeout"]
            assert len({each["payload"]["event_id"] for each in tries}) == 1
            await settled(stage)

    play(scenario, limits=replace(QUICK, ack_s=0.1))


def test_events_wait_for_a_connection_even_over_a_restart(play: Play, tmp_path: Path) -> None:
    async def before(stage: Any) -> None:
        for number in range(3):
            await stage.say(f"line {number}")

    async def after(stage: Any) -> None:
        await stage.say("line 3")
        async with connected(stage) as app:
            assert await app.texts(4) == [f"line {number}" for number in range(4)]
            await settled(stage)

    play(before, folder=tmp_path / "kept")
    play(after, folder=tmp_path / "kept")


def test_a_cut_connection_loses_nothing(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            for number in range(30):
                await stage.say(f"line {number}")
                if number % 10 == 5:
                    assert (await stage.http.post("/faults/cut", json={})).json()["ok"]
            await hears(app, {f"line {number}" for number in range(30)})
            await settled(stage)

    play(scenario, limits=replace(QUICK, retry_delays_s=(0.0, 0.5, 2.0, 4.0)))


def test_a_refresh_loses_nothing(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            refreshing = asyncio.create_task(stage.http.post("/faults/refresh", json={}))
            for number in range(20):
                await stage.say(f"line {number}")
            assert (await refreshing).json()["refreshed"] == 1
            await hears(app, {f"line {number}" for number in range(20)})
            await settled(stage)

    play(scenario, limits=QUICK)


def test_a_refresh_warns_and_then_asks(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with raw(stage) as socket:
            reasons = [(await socket.receive_json(timeout=10))["reason"] for _ in range(2)]
            assert reasons == ["warning", "refresh_requested"]

    play(scenario, limits=replace(QUICK, refresh_after_s=0.1))


def test_an_address_works_once_and_ten_connections_are_enough(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        url = (await stage.client.apps_connections_open(app_token=stage.workspace.app_token))["url"]
        async with aiohttp.ClientSession() as session:
            sockets = [await session.ws_connect(url)]
            await sockets[0].receive_json(timeout=10)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
            for _ in range(9):
                again = await stage.client.apps_connections_open(app_token=stage.workspace.app_token)
                sockets.append(await session.ws_connect(again["url"]))
                await sockets[-1].receive_json(timeout=10)
            opening = stage.client.apps_connections_open(app_token=stage.workspace.app_token)
            assert await stage.refusal(opening) == "too_many_websockets"
            for number in range(40):
                await stage.say(str(number))
            heard = Counter[int]()
            for number, socket in enumerate(sockets):
                for _ in range(4):
                    envelope = await socket.receive_json(timeout=10)
                    await socket.send_json({"envelope_id": envelope["envelope_id"]})
                    heard[number] += 1
            assert sorted(heard.values()) == [4] * 10
            await settled(stage)

    play(scenario)


def test_rubbish_on_the_socket_is_ignored(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with raw(stage) as socket:
            for rubbish in ("", "not json", "[1]", '{"envelope_id": 7}', '{"envelope_id": "unknown"}', "null"):
                await socket.send_str(rubbish)
            await socket.send_bytes(b"\xff\x00")
            await stage.say("still there?")
            envelope = await socket.receive_json(timeout=10)
            await socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"], "payload": "odd"}))
            await settled(stage)

    play(scenario)


def deliveries_survive(play: Play, count: int, limits: Limits) -> None:
    """Duplicates, disorder, lost acks: each event still reaches the app at least once."""

    async def scenario(stage: Any) -> None:
        forecast = {"lose_acks": 0.2, "duplicate": 0.3, "shuffle_s": 0.05, "seed": 7}
        assert (await stage.http.post("/faults/weather", json=forecast)).json()["ok"]
        async with connected(stage) as app:
            for number in range(count):
                await stage.say(str(number))
            await settled(stage)
            got = Counter(await app.texts(app.events.qsize()))
            assert set(got) == {str(number) for number in range(count)}
            assert sum(got.values()) > count

    play(scenario, limits=limits)


def test_bad_weather_duplicates_and_loses_no_event(play: Play) -> None:
    deliveries_survive(play, 100, QUICK)


@pytest.mark.slow
def test_bad_weather_for_long(play: Play) -> None:
    deliveries_survive(play, 3000, QUICK)
