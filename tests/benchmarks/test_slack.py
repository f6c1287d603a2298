"""What a person waits for in Slack: acknowledgements beside a bare Bolt app, the first sign, the way back."""

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slack_load import LoadSlack
from slack_payloads import mention, press

from knowledge import calibrate as questions

HERE = Path(__file__).parent
_numbers = itertools.count(1)

pytestmark = pytest.mark.bench


@contextmanager
def program(*arguments: str, line: dict | None = None) -> Iterator[None]:
    """A program of the tests, ended afterwards by its own id; `line` is what it reads first."""
    path = os.pathsep.join(map(str, (HERE, HERE.parent, HERE.parent / "crash", HERE.parents[1])))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    forked = None
    try:
        if line is not None:
            process.stdin.write(json.dumps(line).encode() + b"\n")
            process.stdin.flush()
            forked = int(process.stdout.readline())
        yield
    finally:
        if forked is not None:
            os.kill(forked, 9)
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def odyssey(home: Path, api_url: str):
    slack = {"bot_token": "xoxb-load", "app_token": "xapp-1-load", "api_url": api_url}
    return program("-m", "slack_walker", line={"home": str(home), "slack": slack})


def line(text: str) -> dict:
    """A mention in a thread of its own."""
    number = next(_numbers)
    ts = f"17{number:08}.000100"
    channel = f"C0{number % 50:08}"
    return mention(f"<@U0ODYSSEY> {text}", event_id=f"Ev{number:08}", ts=ts, event_ts=ts, channel=channel)


def shown(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered) * 1e3:6.1f}  p99 {p99 * 1e3:6.1f} ms"


async def acks(slack: LoadSlack, name: str, connections: int) -> None:
    await slack.connected(connections)
    await slack.flood((line("help") for _ in range(50)), 5)
    for at_once, count in ((1, 200), (50, 1000), (200, 2000)):
        await settled(slack)
        taken = await slack.flood((line("help") for _ in range(count)), at_once)
        print(f"ack, {at_once:3} at once, {name:8} {shown(taken)}", flush=True)


async def settled(slack: LoadSlack) -> None:
    """Until no call has come for a second."""
    while slack.calls and time.perf_counter() - slack.calls[-1][0] < 1.0:
        await asyncio.sleep(0.2)


def test_acknowledgements_beside_a_bare_bolt_app(tmp_path):
    async def run():
        async with LoadSlack() as slack:
            with program(str(HERE / "slack_echo.py"), slack.api_url):
                await acks(slack, "echo", 1)
        async with LoadSlack() as slack:
            with odyssey(tmp_path, slack.api_url):
                await acks(slack, "Odyssey", 2)

    asyncio.run(run())


def test_a_button_with_twenty_slow_turns_running(tmp_path):
    async def run():
        async with LoadSlack() as slack:
            with odyssey(tmp_path, slack.api_url):
                await slack.connected(2)
                await slack.flood([line("slow turn") for _ in range(20)], 20)
                taken = []
                for _ in range(50):
                    number = next(_numbers)
                    message = {"type": "message", "ts": f"17{number:08}.000200", "text": "card"}
                    container = {"type": "message", "message_ts": message["ts"], "channel_id": "C0GENERAL"}
                    body = press(message=message, container=container, trigger_id=f"{number}.2.abc")
                    taken.append(await slack.deliver(body, "interactive"))
                print(f"ack of a button, 20 slow turns   {shown(taken)}")

    asyncio.run(run())


ENDS = ("chat.stopStream", "chat.postMessage")  # what an answer arrives whole with
SIGNS = ("assistant.threads.setStatus", "chat.postMessage", "chat.startStream")


def test_the_first_visible_sign(tmp_path):
    async def first_sign(slack: LoadSlack, text: str) -> float:
        payload = line(text)
        ts, seen, sent = payload["event"]["ts"], len(slack.calls), time.perf_counter()
        await slack.deliver(payload)

        def signs():
            return [at for at, method, given in slack.calls[seen:] if method in SIGNS and given.get("thread_ts") == ts]

        await slack.until(lambda: bool(signs()))
        return signs()[0] - sent

    async def run():
        async with LoadSlack() as slack:
            with odyssey(tmp_path, slack.api_url):
                await slack.connected(2)
                await slack.flood([line("help") for _ in range(50)], 5)
                await settled(slack)
                for text, count in (("help", 200), ("slow turn", 12)):
                    taken = [await first_sign(slack, text) for _ in range(count)]
                    print(f"first sign, {text:9}            {shown(taken)}")

    asyncio.run(run())


def test_a_cited_answer(tmp_path):
    """From the mention to the call that carries the answer's passages; questions about the guides, each asked once."""
    rows = [json.loads(row) for row in questions.QUESTIONS.read_text(encoding="utf-8").splitlines()]
    asked = [row["question"] for row in rows if row["evidence"] and row["language"] == "en"][:80]

    async def cited(slack: LoadSlack, text: str) -> float | None:
        seen, sent = len(slack.calls), time.perf_counter()
        await slack.deliver(line(text))

        def ended():
            found = [(at, json.dumps(given)) for at, method, given in slack.calls[seen:] if method in ENDS]
            return [(at, '"passage:' in given) for at, given in found]

        await slack.until(lambda: bool(ended()))
        at, with_passages = ended()[-1]
        return at - sent if with_passages else None

    async def run():
        async with LoadSlack() as slack:
            with odyssey(tmp_path, slack.api_url):
                await slack.connected(2)
                await cited(slack, "what is LoRA?")
                taken = [await cited(slack, text) for text in asked]
                kept = [seconds for seconds in taken if seconds is not None]
                print(f"cited answer, {len(kept)} of {len(asked)}        {shown(kept)}")
                assert len(kept) > len(asked) / 2

    asyncio.run(run())


def test_the_road_back_after_a_cut(tmp_path):
    async def run():
        async with LoadSlack() as slack:
            with odyssey(tmp_path, slack.api_url):
                await slack.connected(2)
                taken = []
                for _ in range(5):
                    known, cut = len(slack.connected_at), time.perf_counter()
                    await slack.cut()
                    await slack.until(lambda known=known: len(slack.connected_at) > known)
                    taken.append(slack.connected_at[-1] - cut)
                    await asyncio.sleep(0.5)
                print(f"connected again after a cut      {shown(taken)}")

    asyncio.run(run())
