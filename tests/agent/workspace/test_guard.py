"""Who may speak to the workspace at all, what it says of itself, and what faults do in tests."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from agent.workspace.identity import credentials_of
from agent.workspace.server import LocalWorkspace

Play = Callable[..., None]
GENERAL = "C00GENERAL"


FOREIGN: list[dict[str, str]] = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1:1"},
    {"Host": "127.0.0.1.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
]


def test_foreign_hosts_and_origins_are_refused(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        said = {"person": "U000000ADA", "channel": GENERAL, "text": "forged"}
        for headers in FOREIGN:
            for path in ("/health", "/people/state", "/"):
                assert (await stage.http.get(path, headers=headers)).status_code == 403, headers
            assert (await stage.http.post("/people/say", json=said, headers=headers)).status_code == 403
            if "Origin" in headers:
                url = f"{stage.workspace.url}/people/live?person=U000000ADA"
                async with aiohttp.ClientSession() as session:
                    with pytest.raises(aiohttp.WSServerHandshakeError):
                        await session.ws_connect(url, headers=headers)

    play(scenario)


def test_its_own_page_is_served_and_loads_nothing_from_elsewhere(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        port = stage.workspace.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            own = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
            answer = await stage.http.get("/health", headers=own)
            assert answer.json()["is_slack"] is False
            assert "not Slack" in answer.json()["notice"]
            assert answer.headers["content-security-policy"].startswith("default-src 'self'; img-src 'self' data:")
        assert "not Slack" in (await stage.get("state"))["notice"]

    play(scenario)


def test_permalinks_lead_to_the_page(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("root")
        link = await stage.client.chat_getPermalink(channel=GENERAL, message_ts=root["ts"])
        assert link["permalink"].startswith(stage.workspace.url)
        answer = await stage.http.get(link["permalink"])
        assert answer.headers["location"] == f"/#//{GENERAL}/{root['ts']}"

    play(scenario)


def test_credentials_are_made_once_and_are_their_owners(tmp_path: Path) -> None:
    first = credentials_of(tmp_path)
    assert credentials_of(tmp_path) == first
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    assert credentials_of(tmp_path / "other").bot_token != first.bot_token


def test_there_are_no_faults_outside_of_tests(tmp_path: Path) -> None:
    async def main() -> None:
        async with LocalWorkspace(tmp_path) as workspace, httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{workspace.url}/faults/calls")).status_code == 404
            assert (await http.post(f"{workspace.url}/faults/cut", json={})).status_code in (404, 405)

    asyncio.run(main())


def test_methods_fail_on_purpose_and_every_call_is_on_record(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async def fail(**fault: Any) -> None:
            assert (await stage.http.post("/faults/method", json={"method": "chat.postMessage", **fault})).json()["ok"]

        post = stage.client.chat_postMessage
        await fail(kind="ratelimited", retry_after=7, times=2)
        for _ in range(2):
            assert await stage.refusal(post(channel=GENERAL, text="x")) == "ratelimited"
        await fail(kind="error", status=503)
        assert await stage.refusal(post(channel=GENERAL, text="x")) == "internal_error"
        await fail(kind="lost")
        stage.client.retry_handlers.clear()  # the SDK's own would post it a second time
        with pytest.raises(aiohttp.ClientError):
            await post(channel=GENERAL, text="done, but who knows")
        history = (await stage.get("history", channel=GENERAL))["messages"]
        assert [each["text"] for each in history] == ["done, but who knows"]
        await post(channel=GENERAL, text="fair again")
        calls = (await stage.http.get("/faults/calls", params={"method": "chat.postMessage"})).json()["calls"]
        assert [each["status"] for each in calls] == [429, 429, 503, 200, 200]
        assert calls[-1]["arguments"]["text"] == "fair again"

    play(scenario)
