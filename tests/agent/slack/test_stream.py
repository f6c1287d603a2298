import asyncio
import random
import re
import threading
from dataclasses import dataclass, replace
from typing import Any

import pytest
from slack_parts import QUICK, Scripted, delivery, new_store, place, plainly
from slack_proxy import Hole, Proxy
from workspace_case import FAST, Workspace, text_of

from agent.slack import sanitize
from agent.slack.gateway import Gateway, web_client
from agent.slack.poster import Poster
from agent.slack.schedule import Pace
from agent.slack.store import SlackStore
from agent.slack.stream import Streams, StreamSettings, stable
from agent.slack.turns import Turns

PACE = Pace(first_pause=0.05, longest_pause=0.2, progress_every=0.0, progress_a_minute=10_000)
SETTINGS = StreamSettings(quiet=0.05, beat=0.02, draft_beat=0.02, refresh=0.2)
LIFE = 1.0  # seconds of a stream in the workspace
STORY = "".join(f"Sentence {number} of the long story.\n" for number in range(1000))


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace", limits=replace(FAST, stream_life_s=LIFE)) as workspace:
        yield workspace


@dataclass
class Answering:
    """Turns, streams and poster at work; `say` accepts what a person said in a thread and gives the thread's root."""

    store: SlackStore
    poster: Poster
    turns: Turns
    streams: Streams
    proxy: Proxy
    ada: Any
    said: int = 0

    async def say(self, channel: str = "general", **more: Any) -> dict:
        root = await asyncio.to_thread(self.ada.say, channel, "question")
        self.said += 1
        where = more.pop("place", None) or place(root["channel"], root["ts"])
        name = f"T000LOCAL:{root['channel']}:{root['ts']}"
        self.store.accept([delivery(self.said, place=where, message=name, **more)])
        self.turns.wake()
        return root

    async def answered(self, count: int = 1) -> None:
        while len(self.store.waiting()) or self.turns.running():
            await asyncio.sleep(0.01)
        await self.streams.idle()
        await asyncio.wait_for(self.poster.idle(), 20)

    async def thread(self, root: dict) -> list[dict]:
        return (await asyncio.to_thread(self.ada.thread, root))[1:]


def answering(workspace, tmp_path, answer, work, settings: StreamSettings = SETTINGS, clean=lambda text: text):
    async def run():
        ada = await asyncio.to_thread(workspace.person, "ada")
        async with Proxy(workspace.server.url) as proxy:
            client = web_client(workspace.server.bot_token, proxy.api_url, timeout=5)
            store = new_store(tmp_path)
            gateway = Gateway(lambda team: client, QUICK, chance=random.Random(1))
            poster = Poster(gateway, store, PACE)
            streams = Streams(gateway, store, settings, clean)
            turns = Turns(store, Scripted(answer), plainly, telling=streams)
            await poster.start()
            turns.start()
            try:
                return await asyncio.wait_for(work(Answering(store, poster, turns, streams, proxy, ada)), 60)
            finally:
                await asyncio.to_thread(turns.close, 1.0)
                await poster.close()

    return asyncio.run(run())


def words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def slowly(text: str, seconds: float):
    """An answer told word by word over so long."""

    def answer(_question, tell, stop, **_):
        pieces = words(text)
        for piece in pieces:
            if stop.wait(seconds / len(pieces)):
                return "Stopped there."
            tell(piece)
        return text

    return answer


def test_an_answer_streams_and_ends_as_one_message_with_its_key(workspace, tmp_path):
    text = STORY[:1500]

    async def work(at):
        root = await at.say()
        await at.answered()
        return await at.thread(root), at.proxy, at.store.outbox.get("reply:Ev1:0"), at.ada.seen

    (shown,), proxy, row, seen = answering(workspace, tmp_path, slowly(text, 0.5), work)
    count = proxy.count()
    assert count["chat.startStream"] == 1 and count["chat.appendStream"] >= 3 and count["chat.postMessage"] == 0
    assert text in text_of(shown) and "streaming" not in shown
    assert row.ts == shown["ts"] and row.state == "posted" and not row.stream
    assert proxy.given("chat.update")[-1]["metadata"]["event_payload"] == {"key": "reply:Ev1:0"}
    streamed = [frame["message"]["text"] for frame in seen if frame["type"] == "stream"]
    assert streamed and all(text.startswith(part) for part in streamed)


def test_a_turn_longer_than_a_stream_arrives_whole(workspace, tmp_path):
    text = STORY[:3000]

    async def work(at):
        root = await at.say()
        await at.answered()
        return await at.thread(root), at.proxy.count()

    settings = SETTINGS.model_copy(update={"life": 0.5})
    (shown,), count = answering(workspace, tmp_path, slowly(text, 2.0), work, settings)
    assert text in text_of(shown) and "streaming" not in shown
    assert count["chat.startStream"] == 1 and count["chat.update"] >= 2 and count["chat.postMessage"] == 0


def test_a_stream_that_slack_closes_goes_on_by_updates(workspace, tmp_path):
    text = STORY[:3000]

    async def work(at):
        root = await at.say()
        await at.answered()
        return await at.thread(root), at.proxy.count()

    (shown,), count = answering(workspace, tmp_path, slowly(text, 2.0), work)  # its own life is longer than Slack's
    assert text in text_of(shown) and "streaming" not in shown
    assert count["chat.update"] >= 2 and count["chat.postMessage"] == 0


def test_thirty_thousand_characters_arrive_whole(workspace, tmp_path):
    text = STORY[:30_000]

    async def work(at):
        root = await at.say()
        await at.answered()
        return await at.thread(root), at.proxy

    shown, proxy = answering(workspace, tmp_path, slowly(text, 1.0), work)
    parts = [[b["text"] for b in message["blocks"] if b["type"] == "markdown"] for message in shown]
    assert "".join(part for message in parts for part in message) == text
    assert len(shown) == 3 and proxy.count()["chat.startStream"] == 1


@pytest.mark.parametrize("where", ["dm", "refused"])
def test_where_nothing_can_be_streamed_drafts_are_updated(workspace, tmp_path, where):
    text = STORY[:2000]

    async def work(at):
        if where == "refused":
            at.proxy.holes.append(Hole("chat.startStream", "429"))
            root = await at.say()
        else:
            dm = await asyncio.to_thread(at.ada.channel, "dm")
            root = await at.say("dm", place=place(dm))
        await at.answered()
        shown = await at.thread(root) if where == "refused" else (await asyncio.to_thread(at.ada.history, "dm"))[1:]
        return shown, at.proxy.count()

    (shown,), count = answering(workspace, tmp_path, slowly(text, 0.5), work)
    assert text in text_of(shown)
    assert count["chat.postMessage"] == 1 and count["chat.update"] >= 2 and count["chat.appendStream"] == 0


@pytest.mark.parametrize("fault", ["503 before", "503 after", "cut after"])
def test_a_stream_whose_opening_is_lost_is_adopted_or_posted(workspace, tmp_path, fault):
    text = STORY[:1000]

    async def work(at):
        at.proxy.holes.append(Hole("chat.startStream", fault))
        root = await at.say()
        await at.answered()
        return await at.thread(root), at.proxy.count()

    (shown,), count = answering(workspace, tmp_path, slowly(text, 0.3), work)
    assert text in text_of(shown) and "streaming" not in shown
    assert count["chat.startStream"] == 1 and count["chat.postMessage"] == (1 if fault == "503 before" else 0)


def test_after_a_crash_in_a_stream_its_message_gets_the_answer(workspace, tmp_path):
    """The process ends while it streams; the next one answers again, in the message that stands."""
    held = threading.Event()
    text = STORY[:500]

    def never(_question, tell, **_):
        tell(text[:200])
        held.wait(30)
        return "not this one"

    async def crash(at):
        root = await at.say()
        while at.proxy.count()["chat.startStream"] < 1:
            await asyncio.sleep(0.01)
        while (row := at.store.outbox.get("reply:Ev1:0")) is None or row.ts is None:
            await asyncio.sleep(0.01)
        at.store.done = lambda *_, **__: True  # what the dying process would have written is not written
        held.set()
        return root

    root = answering(workspace, tmp_path, never, crash)
    store = new_store(tmp_path)
    with store.outbox._engine.begin() as connection:  # as a kill leaves it: streaming, its name known or not yet
        connection.exec_driver_sql("UPDATE messages SET state = 'streaming', ts = NULL, body = '', digest = ''")

    async def again(at):
        await at.answered()
        return await at.thread(root), at.proxy.count()

    (shown,), count = answering(workspace, tmp_path, slowly(text, 0.2), again)
    assert text in text_of(shown) and "streaming" not in shown
    assert count["chat.postMessage"] == count["chat.startStream"] == 0


def test_a_status_and_a_stop_button_while_nothing_is_told(workspace, tmp_path):
    held = threading.Event()

    def answer(text, stop, **_):
        held.wait(20)
        return "done"

    async def work(at):
        root = await at.say()
        status = await asyncio.to_thread(at.ada.wait_frame, lambda f: f["type"] == "status" and f["status"])
        session = await asyncio.to_thread(at.ada.wait_frame, lambda f: f["type"] == "session")
        again = at.proxy.count()["assistant.threads.setStatus"]
        while at.proxy.count()["assistant.threads.setStatus"] == again:
            await asyncio.sleep(0.01)
        held.set()
        await at.answered()
        await asyncio.to_thread(at.ada.wait_frame, lambda f: f["type"] == "session" and f["status"] == "active")
        return status, session, await at.thread(root)

    status, session, shown = answering(workspace, tmp_path, answer, work)
    assert status["status"] == "is thinking…" and status["loading_messages"]
    assert session["status"] == "processing"
    assert [message["text"] for message in shown] == ["done"]


def test_a_quick_answer_needs_no_sign(workspace, tmp_path):
    async def work(at):
        await at.say()
        await at.answered()
        return at.proxy.count()

    settings = SETTINGS.model_copy(update={"quiet": 10.0})
    assert answering(workspace, tmp_path, lambda text, **_: "quick", work, settings) == {"chat.postMessage": 1}


def test_an_answer_for_one_persons_eyes_is_never_streamed(workspace, tmp_path):
    async def work(at):
        root = await at.say(way="command")
        await at.answered()
        return await at.thread(root), at.proxy.count()

    _, count = answering(workspace, tmp_path, slowly(STORY[:300], 0.3), work)
    assert count["chat.startStream"] == 0 and count["chat.postMessage"] == 1


def test_stop_ends_a_stream_with_what_the_turn_says(workspace, tmp_path):
    async def work(at):
        root = await at.say()
        while at.proxy.count()["chat.appendStream"] < 2:
            await asyncio.sleep(0.01)
        assert at.turns.stop(place("C00GENERAL", root["ts"]).key)
        await at.answered()
        return await at.thread(root)

    (shown,) = answering(workspace, tmp_path, slowly(STORY, 20.0), work)
    assert text_of(shown).endswith("Stopped there.") and "streaming" not in shown


def test_what_a_model_tells_is_cleaned_before_it_is_shown(workspace, tmp_path):
    text = "Look, <!channel> and <@U0000GRACE> and [here](https://evil.example/x) are not for you. " * 5

    async def work(at):
        await at.say()
        await at.answered()
        return at.proxy.given("chat.startStream") + at.proxy.given("chat.appendStream")

    given = answering(workspace, tmp_path, slowly(text, 0.5), work, clean=sanitize.markdown)
    shown = "".join(call["markdown_text"] for call in given)
    assert "Look" in shown and "<!channel>" not in shown and "<@U" not in shown and "https://" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("half", ""),
        ("a whole wor", "a whole "),
        ("see <!chan", "see "),
        ("see <!channel> now", "see <!channel> "),
        ("a [link with words](https://x", "a "),
        ("a [link with words](https://x) b", "a [link with words](https://x) "),
        ("run `a b", "run "),
        ("run `a b` now", "run `a b` "),
        ("```\ncode here", ""),
        ("x\n```\ncode here\n```\nafter it", "x\n```\ncode here\n```\nafter "),
        ("a [ b\nnew line ", "a [ b\nnew line "),
    ],
)
def test_only_what_can_no_longer_change_is_shown(text, shown):
    assert stable(text) == shown
