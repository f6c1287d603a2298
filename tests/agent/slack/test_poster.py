import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from slack_parts import QUICK, TEAM, new_store, place
from slack_proxy import Hole, Proxy
from workspace_case import Workspace, text_of

from agent.ledger.messages import Pending
from agent.slack.gateway import Gateway, Limits, web_client
from agent.slack.model import Message, Rendered
from agent.slack.poster import Poster
from agent.slack.schedule import Lane, Pace, Past, choose
from agent.slack.search import file_name
from agent.slack.store import SlackStore

PACE = Pace(first_pause=0.05, longest_pause=0.2, progress_every=0.0, progress_a_minute=10_000)
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "in blocks"}}


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace


@dataclass
class Sending:
    """A poster at work on a store, through a proxy."""

    store: SlackStore
    poster: Poster
    proxy: Proxy
    ada: Any

    async def sent(self, *messages: Message) -> None:
        self.store.want(messages)
        await asyncio.wait_for(self.poster.idle(), 20)

    async def shown(self, channel: str = "general") -> list[dict]:
        return await asyncio.to_thread(self.ada.history, channel)


def sending(workspace, tmp_path, work, *, pace: Pace = PACE, limits: Limits = QUICK, timeout: float = 5):
    async def run():
        ada = await asyncio.to_thread(workspace.person, "ada")
        async with Proxy(workspace.server.url) as proxy:
            client = web_client(workspace.server.bot_token, proxy.api_url, timeout=timeout)
            store = new_store(tmp_path)
            gateway = Gateway(lambda team: client, limits, chance=random.Random(1))
            poster = Poster(gateway, store, pace)
            await poster.start()
            try:
                return await work(Sending(store, poster, proxy, ada))
            finally:
                await poster.close()

    return asyncio.run(run())


def message(key: str, text: str = "hello", rank: str = "reply", **more: Any) -> Message:
    where = more.pop("place", place())
    blocks = more.pop("blocks", ())
    return Message(key=key, place=where, body=Rendered(text=text, blocks=blocks), rank=rank, **more)


def texts(messages: list[dict]) -> list[str]:
    return [each["text"] for each in messages]


# --- posting and updating ----------------------------------------------------------------------------------------


def test_a_message_stands_once_with_its_key_and_no_preview(workspace, tmp_path):
    async def work(at):
        await at.sent(message("a", "first", blocks=(SECTION,)))
        await at.sent(message("a", "first", blocks=(SECTION,)))
        return await at.shown(), at.proxy.given("chat.postMessage")

    shown, given = sending(workspace, tmp_path, work)
    assert texts(shown) == ["first"] and "in blocks" in text_of(shown[0])
    assert given == [
        {
            "channel": "C00GENERAL",
            "metadata": {"event_type": "odyssey_message", "event_payload": {"key": "a"}},
            "unfurl_links": False,
            "unfurl_media": False,
            "text": "first",
            "blocks": [SECTION],
        }
    ]


def test_a_new_body_updates_in_place_and_only_the_newest_is_sent(workspace, tmp_path):
    async def work(at):
        await at.sent(message("job:j1", "0 %", "progress"))
        for percent in range(1, 100):
            at.store.want([message("job:j1", f"{percent} %", "progress")])
        await at.sent(message("job:j1", "done", "final"))
        return await at.shown(), at.proxy.count()

    shown, count = sending(workspace, tmp_path, work)
    assert texts(shown) == ["done"]
    assert count["chat.postMessage"] == 1 and count["chat.update"] < 60


def test_first_posts_of_a_place_keep_their_order(workspace, tmp_path):
    async def work(at):
        ranks = ("progress", "reply", "card", "final")
        await at.sent(*(message(f"k{n}", str(n), ranks[n % 4]) for n in range(30)))
        return await at.shown()

    assert texts(sending(workspace, tmp_path, work)) == [str(n) for n in range(30)]


def test_a_message_for_one_person_is_seen_by_them_only(workspace, tmp_path):
    async def work(at):
        await at.sent(message("e", "for your eyes", ephemeral_for="U000000ADA"))
        seen = await asyncio.to_thread(at.ada.wait_for, lambda m: m.get("ephemeral"))
        return seen, await at.shown()

    seen, shown = sending(workspace, tmp_path, work)
    assert seen["text"] == "for your eyes" and shown == []


def test_where_odyssey_is_not_a_member_the_person_gets_the_words_directly(workspace, tmp_path):
    async def work(at):
        made = await asyncio.to_thread(at.ada.act, "channels", name="quiet")
        where = place(made["channel"]["id"])
        await at.sent(message("e", "for your eyes", ephemeral_for="U000000ADA", place=where))
        return await at.shown("dm")

    assert texts(sending(workspace, tmp_path, work)) == ["for your eyes"]


# --- in doubt ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["503 before", "503 after", "cut before", "cut after", "no answer", "429"])
@pytest.mark.parametrize("in_thread", [False, True])
def test_whatever_happens_on_the_way_it_stands_once(workspace, tmp_path, fault, in_thread):
    async def work(at):
        root = await asyncio.to_thread(at.ada.say, "general", "root")
        where = place(thread_ts=root["ts"] if in_thread else None)
        at.proxy.holes.append(Hole("chat.postMessage", fault, when=lambda given: given["text"] == "second"))
        await at.sent(*(message(name, name, place=where) for name in ("first", "second", "third")))
        return await asyncio.to_thread(at.ada.thread, root) if in_thread else await at.shown()

    shown = sending(workspace, tmp_path, work, timeout=1)
    assert texts(shown) == ["root", "first", "second", "third"]


def test_a_message_that_was_being_sent_when_the_process_ended_is_looked_for(workspace, tmp_path):
    """All three moments: before the request, after its effect, after a longer conversation went on."""

    async def before(at):
        await at.sent(message("stands", "stands"))
        lines = ({"channel": "C00GENERAL", "text": str(number)} for number in range(250))
        await asyncio.gather(*(at.poster._gateway.call(TEAM, "chat.postMessage", **line) for line in lines))

    sending(workspace, tmp_path, before)
    store = new_store(tmp_path)
    store.want([message("never", "never")])
    row, never = store.outbox.get("stands"), store.outbox.get("never")
    store.outbox.sending("never", never.digest)
    with store.outbox._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE messages SET state = 'sending', ts = NULL WHERE key = 'stands'")

    async def after(at):
        await asyncio.wait_for(at.poster.idle(), 20)
        return Counter(texts(await at.shown())), at.store.outbox.get("stands"), at.proxy.count()

    shown, found, count = sending(workspace, tmp_path, after)
    assert shown["stands"] == shown["never"] == 1
    assert found.ts == row.ts and found.state == "posted"
    assert count["conversations.history"] >= 2 and count["chat.postMessage"] == 1


def test_a_message_found_with_an_old_body_gets_the_new_one(workspace, tmp_path):
    async def work(at):
        at.proxy.holes.append(Hole("chat.postMessage", "cut after"))
        at.proxy.holes.append(Hole("conversations.history", "503 before", times=5))
        at.store.want([message("a", "old")])
        while not at.proxy.count()["conversations.history"]:
            await asyncio.sleep(0.005)
        await at.sent(message("a", "new"))
        return await at.shown(), at.proxy.count()["chat.postMessage"]

    shown, posts = sending(workspace, tmp_path, work)
    assert texts(shown) == ["new"] and posts == 1


def test_a_lost_message_does_not_hold_up_the_others_for_ever(workspace, tmp_path):
    async def work(at):
        at.proxy.holes.append(Hole("chat.postMessage", "503 before", 10_000, lambda given: given["text"] == "broken"))
        at.store.want([message("broken", "broken"), message("next", "next")])
        await asyncio.to_thread(at.ada.wait_for, lambda m: m["text"] == "next")
        at.proxy.holes.clear()
        await asyncio.wait_for(at.poster.idle(), 20)
        return await at.shown()

    assert texts(sending(workspace, tmp_path, work)) == ["next", "broken"]


# --- refusals ----------------------------------------------------------------------------------------------------


def test_a_refused_message_is_logged_and_the_others_go_on(workspace, tmp_path, caplog):
    async def work(at):
        await at.sent(message("lost", place=place("C404")), message("next", "next"))
        return await at.shown(), at.store.outbox.get("lost")

    shown, row = sending(workspace, tmp_path, work)
    assert texts(shown) == ["next"] and row.state == "failed"
    assert "channel_not_found" in caplog.text and "E-" in caplog.text


def test_where_blocks_are_refused_the_words_are_shown(workspace, tmp_path):
    async def work(at):
        await at.sent(message("a", "the words", blocks=({"type": "nonsense"},)))
        await at.sent(message("a", "other words", blocks=({"type": "nonsense"},)))
        return await at.shown(), at.proxy.count()

    shown, count = sending(workspace, tmp_path, work)
    assert texts(shown) == ["other words"] and count["chat.postMessage"] == 2 and count["chat.update"] == 2


def test_a_message_that_a_person_deleted_is_not_put_back_by_progress(workspace, tmp_path):
    async def work(at):
        await at.sent(message("job:j1", "1 %", "progress"))
        row = at.store.outbox.get("job:j1")
        await at.poster._gateway.call(TEAM, "chat.delete", channel="C00GENERAL", ts=row.ts)
        await at.sent(message("job:j1", "2 %", "progress"))
        calls = len(at.proxy.calls)
        await at.sent(message("job:j1", "3 %", "progress"))
        return await at.shown(), len(at.proxy.calls) - calls

    shown, calls = sending(workspace, tmp_path, work)
    assert shown == [] and calls == 0


# --- pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [None, "503 before", "503 after"])
def test_a_picture_is_uploaded_once_with_its_alt_text(workspace, tmp_path, fault):
    picture = tmp_path / "curve.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))

    async def work(at):
        if fault:
            at.proxy.holes.append(Hole("files.completeUploadExternal", fault))
        await at.sent(message("curve:j1", "Loss falls from 4 to 1.", "final", upload=picture))
        return await at.shown()

    (shown,) = sending(workspace, tmp_path, work)
    (file,) = shown["files"]
    assert file["name"] == file_name("curve:j1") and file["alt_txt"] == "Loss falls from 4 to 1."


def test_a_picture_that_is_gone_fails_alone(workspace, tmp_path):
    async def work(at):
        await at.sent(message("curve:j1", upload=tmp_path / "none.png"), message("next", "next"))
        return await at.shown()

    assert texts(sending(workspace, tmp_path, work)) == ["next"]


# --- what is chosen: pure ----------------------------------------------------------------------------------------


def pending(seq: int, rank: str, *, posted: bool = True, channel: str = "C1", thread: str = "1", tries: int = 0):
    return Pending(seq, f"k{seq}", place(channel, thread).key, rank, posted, tries)


def keys(waiting, past: Past | None = None, now: float = 1000.0, pace: Pace | None = None, busy=(), wait: float = 0.0):
    chosen, again = choose(waiting, busy, past or Past(), now, pace or Pace(), lambda lane: wait)
    return [choice.item.key for choice in chosen], again


def test_ranks_decide_where_there_is_a_choice():
    ranks = ["progress", "card", "final", "reply"]
    assert keys([pending(n, rank) for n, rank in enumerate(ranks)]) == (["k3"], None)
    firsts = [pending(n, rank, posted=False, thread=str(n)) for n, rank in enumerate(ranks)]
    assert keys(firsts)[0] == ["k3"]


def test_a_reply_behind_a_card_in_its_place_lifts_the_card():
    waiting = [
        pending(1, "card", posted=False, thread="1"),
        pending(2, "final", posted=False, thread="2"),
        pending(3, "reply", posted=False, thread="1"),
    ]
    assert keys(waiting)[0] == ["k1"]


def test_channels_and_workspaces_do_not_wait_for_each_other():
    waiting = [
        pending(1, "reply", posted=False),
        pending(2, "reply", posted=False, channel="C2"),
        pending(3, "progress"),
    ]
    assert sorted(keys(waiting)[0]) == ["k1", "k2", "k3"]
    assert sorted(keys(waiting, busy={Lane(TEAM, "chat.postMessage", "C1")})[0]) == ["k2", "k3"]


def test_progress_is_shared_fairly_and_final_states_are_never_starved():
    """Two minutes of 60 jobs that change all the time, one of which ends each second."""
    pace, past, now = Pace(), Past(), 0.0
    updates: Counter[str] = Counter()
    progress_times, finals_waited = [], []
    finals: dict[str, float] = {}
    step = 60 / 50  # the tier's rate: a call every 1.2 seconds
    while now < 120:
        if int(now) % 10 == 0:
            finals.setdefault(f"k{1000 + int(now)}", now)
        waiting = [pending(n, "progress") for n in range(60)]
        waiting += [pending(int(key[1:]), "final") for key in finals]
        chosen, _ = choose(waiting, (), past, now, pace, lambda lane: 0.0)
        for choice in chosen:
            past.sent(choice.item, TEAM, now)
            if choice.item.rank == "final":
                finals_waited.append(now - finals.pop(choice.item.key))
            else:
                updates[choice.item.key] += 1
                progress_times.append(now)
        now += step
    assert max(finals_waited) < 2 * step
    assert max(updates.values()) - min(updates[f"k{n}"] for n in range(60)) <= 1
    for start in range(60):
        assert sum(start <= at < start + 60 for at in progress_times) <= 40


def test_one_message_in_progress_changes_at_most_every_three_seconds():
    past = Past()
    item = pending(1, "progress")
    past.sent(item, TEAM, 1000.0)
    assert keys([item], past, 1001.0) == ([], 2.0)
    assert keys([item], past, 1003.0) == (["k1"], None)


def test_what_is_lost_waits_longer_each_time():
    past, pace = Past(), Pace()
    for tries, wait in ((0, 2.0), (1, 4.0), (3, 16.0), (12, 60.0)):
        item = pending(1, "reply", tries=tries)
        past.lost(item, 1000.0, pace)
        assert keys([item], past, 1000.0) == ([], wait)


def test_limits_are_waited_for():
    assert keys([pending(1, "reply")], wait=0.7) == ([], 0.7)


def test_it_closes_though_news_comes_in_the_same_moment(tmp_path):
    async def run() -> None:
        for ticks in range(6):  # the news is seen some turns of the loop after it came
            poster = Poster(Gateway(lambda team: None, QUICK), new_store(tmp_path / str(ticks)), PACE)
            await poster.start()
            await asyncio.wait_for(poster.idle(), 20)
            while not poster._news.is_set():
                poster._news.set()
                for _ in range(ticks):
                    await asyncio.sleep(0)
            await asyncio.wait_for(poster.close(), 20)

    asyncio.run(run())
