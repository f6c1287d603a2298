import asyncio
import random

import pytest
from slack_parts import QUICK, TEAM
from slack_proxy import Hole, Proxy
from workspace_case import Workspace

from agent.slack.gateway import TIERS, Bucket, Gateway, Limited, Limits, Lost, Posted, Refused, web_client
from agent.slack.manifest import METHODS

LINE = {"channel": "C00GENERAL", "text": "hello"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with Workspace(tmp_path_factory.mktemp("workspace")) as workspace:
        yield workspace


def through(workspace, work, limits: Limits = QUICK, **more):
    """Run `work(gateway, proxy)` with a gateway whose calls pass a proxy."""

    async def run():
        async with Proxy(workspace.server.url) as proxy:
            client = web_client(workspace.server.bot_token, proxy.api_url, timeout=2)
            gateway = Gateway(lambda team: client, limits, chance=random.Random(1), **more)
            return await work(gateway, proxy)

    return asyncio.run(run())


def test_the_outcomes_have_types(workspace):
    async def work(gateway, proxy):
        posted = await gateway.call(TEAM, "chat.postMessage", **LINE)
        refused = await gateway.call(TEAM, "chat.postMessage", channel="C404", text="x")
        read = await gateway.call(TEAM, "conversations.history", channel="C00GENERAL", limit=1)
        return posted, refused, read

    posted, refused, read = through(workspace, work)
    assert isinstance(posted, Posted) and posted.ts
    assert refused == Refused(error="channel_not_found")
    assert isinstance(read, Posted) and read.data["messages"][0]["ts"] == posted.ts


@pytest.mark.parametrize("fault", ["503 before", "503 after", "cut before", "cut after"])
def test_a_post_without_an_answer_is_lost_and_never_repeated(workspace, fault):
    async def work(gateway, proxy):
        proxy.holes.append(Hole("chat.postMessage", fault))
        return await gateway.call(TEAM, "chat.postMessage", **LINE), proxy.count()["chat.postMessage"]

    outcome, calls = through(workspace, work)
    assert isinstance(outcome, Lost) and calls == 1


@pytest.mark.parametrize("fault", ["503 before", "503 after", "cut before", "cut after"])
def test_what_can_be_repeated_is(workspace, fault):
    async def work(gateway, proxy):
        posted = await gateway.call(TEAM, "chat.postMessage", **LINE)
        proxy.holes.append(Hole("chat.update", fault, times=2))
        changed = await gateway.call(TEAM, "chat.update", channel="C00GENERAL", ts=posted.ts, text="changed")
        return changed, proxy.count()["chat.update"]

    outcome, calls = through(workspace, work)
    assert isinstance(outcome, Posted) and calls == 3


def test_nobody_at_the_other_end_is_lost_in_the_end_and_harmless_for_a_post(workspace):
    async def work():
        client = web_client("xoxb", "http://127.0.0.1:9/api/")
        return await Gateway(lambda team: client, QUICK).call(TEAM, "chat.postMessage", **LINE)

    assert isinstance(asyncio.run(work()), Lost)


def test_too_many_requests_pause_that_method_and_channel_only(workspace):
    async def work(gateway, proxy):
        proxy.holes.append(Hole("chat.postMessage", "429"))
        posting = asyncio.create_task(gateway.call(TEAM, "chat.postMessage", **LINE))
        while not proxy.calls:
            await asyncio.sleep(0.005)
        while gateway.ready_in(TEAM, "chat.postMessage", "C00GENERAL") == 0:
            await asyncio.sleep(0.005)
        other = await gateway.call(TEAM, "chat.postMessage", channel="C00SUPPORT", text="hello", patience=0)
        at_once = await gateway.call(TEAM, "chat.postMessage", **LINE, patience=0)
        done_early = posting.done()
        posted = await posting
        return other, at_once, done_early, posted, [at for at, _, to in proxy.calls if to["channel"] == "C00GENERAL"]

    other, at_once, done_early, posted, times = through(workspace, work)
    assert isinstance(other, Posted) and isinstance(posted, Posted)
    assert isinstance(at_once, Limited) and 0 < at_once.seconds <= 1
    assert not done_early
    assert times[1] - times[0] >= 0.95


def test_channels_are_posted_to_at_their_own_pace(workspace):
    slow = Limits(post_a_second=20, post_burst=2)

    async def work(gateway, proxy):
        calls = [
            gateway.call(TEAM, "chat.postMessage", channel=channel, text=str(n))
            for n in range(4)
            for channel in ("C00GENERAL", "C00SUPPORT")
        ]
        assert all(isinstance(outcome, Posted) for outcome in await asyncio.gather(*calls))
        return [at for at, _, given in proxy.calls if given["channel"] == "C00GENERAL"]

    times = through(workspace, work, slow)
    assert times[-1] - times[0] >= 2 / 20 - 0.01


def test_a_bucket_refills_steadily_and_holds_its_burst():
    bucket = Bucket(a_second=2.0, capacity=3.0, at=10.0)
    for _ in range(3):
        assert bucket.ready_in(10.0) == 0
        bucket.take(10.0)
    assert bucket.ready_in(10.0) == pytest.approx(0.5)
    assert bucket.ready_in(10.5) == 0
    bucket.pause(11.0, 30)
    assert bucket.ready_in(12.0) == 29
    bucket.take(41.0)
    assert bucket.ready_in(100.0) == 0


def test_every_method_that_is_called_has_a_tier():
    elsewhere = {"apps.connections.open", "oauth.v2.access"}  # Bolt's own
    assert set(METHODS) - elsewhere <= set(TIERS)
