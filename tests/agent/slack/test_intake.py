import asyncio
import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from slack_app import App, Office
from slack_load import LoadSlack
from slack_parts import AT, QUICK, Scripted, delivery, new_store, plainly
from slack_payloads import mention, said
from sqlalchemy.exc import OperationalError

from agent.settings import load_slack
from agent.slack.intake import Intake, NotAccepted
from agent.slack.service import Paces


class Counting:
    """A store that counts its commits and can be made to fail or to wait."""

    def __init__(self, store):
        self._store = store
        self.commits = 0
        self.faults = 0
        self.gate = threading.Event()
        self.gate.set()

    def accept(self, deliveries):
        self.gate.wait()
        if self.faults:
            self.faults -= 1
            raise OperationalError("INSERT", {}, Exception("disk I/O error"))
        self.commits += 1
        return self._store.accept(deliveries)


def test_accepted_means_on_disk(tmp_path):
    intake = Intake(new_store(tmp_path))
    intake.start()
    assert asyncio.run(intake.accept(delivery(1)))
    assert [item.delivery for item in new_store(tmp_path).waiting()] == [delivery(1)]
    intake.close()


def test_a_repeat_and_the_other_event_of_one_message_are_known(tmp_path):
    intake = Intake(new_store(tmp_path))
    intake.start()

    async def accept():
        same_message = delivery(2, message=delivery(1).message)
        first = await intake.accept(delivery(1))
        return [first, await intake.accept(delivery(1)), await intake.accept(same_message)]

    assert asyncio.run(accept()) == [True, False, False]
    intake.close()


def test_repeats_within_one_commit_are_known(tmp_path):
    store = new_store(tmp_path)
    pressed = [delivery(n, message=None) for n in (1, 2, 1)]
    assert store.accept([*pressed, delivery(3), delivery(4, message=delivery(3).message)]) == [
        True, True, False, True, False,
    ]  # fmt: skip


def test_an_id_is_no_message(tmp_path):
    store = new_store(tmp_path)
    assert store.accept([delivery(1, id="x", message="y"), delivery(2, id="y", message="x")]) == [True, True]


def test_what_comes_at_once_is_committed_together(tmp_path):
    counting = Counting(new_store(tmp_path))
    intake = Intake(counting)
    intake.start()

    async def accept():
        counting.gate.clear()
        waiting = [asyncio.ensure_future(intake.accept(delivery(n))) for n in range(200)]
        await asyncio.sleep(0)
        counting.gate.set()
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(accept()))
    assert counting.commits <= 3
    intake.close()


def test_what_cannot_be_written_is_not_accepted_and_the_next_is(tmp_path):
    counting = Counting(new_store(tmp_path))
    counting.faults = 1
    intake = Intake(counting)
    intake.start()

    async def accept():
        with pytest.raises(NotAccepted, match="delivered again"):
            await intake.accept(delivery(1))
        return await intake.accept(delivery(1))

    assert asyncio.run(accept())
    intake.close()


def test_what_waits_at_the_end_is_committed(tmp_path):
    counting = Counting(new_store(tmp_path))
    intake = Intake(counting)
    intake.start()

    async def accept():
        counting.gate.clear()
        waiting = asyncio.ensure_future(intake.accept(delivery(1)))
        await asyncio.sleep(0)
        closing = asyncio.get_running_loop().run_in_executor(None, intake.close)
        counting.gate.set()
        await closing
        return await waiting

    assert asyncio.run(accept())


def test_old_answered_deliveries_are_forgotten_and_waiting_ones_never(tmp_path):
    now = [AT]
    store = new_store(tmp_path)
    store.now = lambda: now[0]
    store.accept([delivery(1), delivery(2)])
    store.done(store.waiting()[0].seq, plainly(delivery(1), Scripted().say("ada", "t", "x")))
    now[0] = AT + timedelta(days=6)
    assert store.clean() == 0
    assert store.accept([delivery(1)]) == [False]
    now[0] = AT + timedelta(days=8)
    assert store.clean() == 1
    assert [item.delivery.id for item in store.waiting()] == ["Ev2"]


def test_a_delivery_that_cannot_be_read_is_put_aside(tmp_path):
    store = new_store(tmp_path)
    store.accept([delivery(1), delivery(2)])
    with store._deliveries._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET body = '{}' WHERE id = 'Ev1'")
    assert [item.delivery.id for item in store.waiting()] == ["Ev2"]
    assert [item.delivery.id for item in store.waiting()] == ["Ev2"]


# --- many, doubled, out of order: the real app over Socket Mode --------------------------------------------------


def copies(lines: int, chance: random.Random) -> list[list[int]]:
    """For each line of a conversation the lines that are delivered with it: itself, and 30 % of earlier ones again."""
    return [[number, *([chance.randrange(number + 1)] if chance.random() < 0.3 else [])] for number in range(lines)]


async def talk(slack: LoadSlack, thread: int, lines: int, chance: random.Random) -> None:
    """One conversation: each line once its predecessor is acknowledged, some of them again or as another event."""
    for numbers in copies(lines, chance):
        for number in numbers:
            body = {"ts": f"17{thread:04}{number:04}.000100", "thread_ts": f"17{thread:04}0000.000000"}
            name, text = f"Ev{thread:04}x{number:04}", f"<@U0ODYSSEY> line {number}"
            first = mention(text, event_id=name, event_ts=body["ts"], **body)
            again = said(text, event_id=f"{name}-message", event_ts=body["ts"], **body)
            await slack.deliver(again if chance.random() < 0.3 else first)
            while chance.random() < 0.1:  # the acknowledgement got lost on its way
                await slack.deliver(first)


def check_many(home: Path, threads: int, lines: int, seed: int) -> None:
    chance = random.Random(seed)
    office = Office()

    async def run() -> int:
        async with LoadSlack() as slack:
            settings = load_slack(bot_token="xoxb-load", app_token="xapp-1-load", api_url=slack.api_url)
            app = App(home, settings, office, Paces(limits=QUICK))
            await asyncio.to_thread(app.open)
            try:
                await slack.connected(2)
                await asyncio.gather(*(talk(slack, thread, lines, chance) for thread in range(threads)))

                def posts() -> list[dict]:
                    return [given for _, method, given in slack.calls if method == "chat.postMessage"]

                await slack.until(lambda: len(posts()) >= threads * lines, timeout=600)
                keys = [given["metadata"]["event_payload"]["key"] for given in posts()]
                assert len(set(keys)) == len(keys) == threads * lines
                return slack.delivered
            finally:
                await asyncio.to_thread(app.close)

    delivered = asyncio.run(run())
    assert delivered > 1.3 * threads * lines
    assert len(office.heard) == threads
    for heard in office.heard.values():
        assert heard == [f"line {number}" for number in range(lines)]


def test_five_hundred_deliveries_are_applied_once_and_in_order(tmp_path):
    check_many(tmp_path, threads=20, lines=18, seed=5)


@pytest.mark.slow
def test_ten_thousand_deliveries_are_applied_once_and_in_order(tmp_path):
    check_many(tmp_path, threads=50, lines=155, seed=2026)
