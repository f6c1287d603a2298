"""kill -9 of the real app at random moments while people talk to it: nothing lost, nothing done or said twice."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, create_engine, text
from workspace_case import FAST, Person, Workspace

from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger, chain_fault

HERE = Path(__file__).parent
PATIENT = replace(FAST, retry_delays_s=(0.0, *(1.0,) * 600))  # an event without an ack is never given up
ROLES = ("member", "approver", "viewer")
MODELS = ("U0000GRACE", "U00000ALAN", "U000000LIN")


class Zygote:
    """Forks processes of the app and kills them."""

    def __init__(self, home: Path, workspace: Workspace) -> None:
        server = workspace.server
        slack = {"bot_token": server.bot_token, "app_token": server.app_token, "api_url": server.api_url}
        self._given = json.dumps({"home": str(home), "slack": slack})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "slack_walker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parents[1],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, *HERE.parents[:2])))},
        )

    def fork(self) -> int:
        self._process.stdin.write(self._given + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class Talker(threading.Thread):
    """A person in a thread of their own: makes a project, then gives roles, saying `yes` to each, and asks for help.

    Each line waits for the answer to the one before, however often the app dies meanwhile.
    """

    def __init__(self, url: str, person: Person, name: str, chance: random.Random, over: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._url = url
        self.person = person
        self.root: dict | None = None
        self.said: list[str] = []
        self.given = 0
        self.fault: BaseException | None = None
        self._chance = chance
        self._over = over

    def run(self) -> None:
        try:
            self.say(f"@odyssey create project {self.name}")
            self.say("yes")
            self.say("later")
            while not self._over.is_set():
                # The two of a kind, so that each is a change.
                self.say(f"role {MODELS[self.given % 3]} {ROLES[self.given // 3 % 3]}")
                self.say("yes")
                self.given += 1
                if self._chance.random() < 0.3:
                    self.say("@odyssey help")
        except (AssertionError, httpx.HTTPError, OSError) as fault:  # told by the test's own thread
            self.fault = fault

    def say(self, line: str) -> None:
        since = len(self.person.seen)
        message = self._post(line)
        self.root = self.root or message
        self.said.append(line)
        root = self.root["ts"]

        def answers(seen: dict) -> bool:
            ours = seen.get("thread_ts") == root and "bot_id" in seen and not seen.get("streaming")
            return ours and seen["ts"] > message["ts"]

        for patience in (True, True, False):  # a machine that starts the app all the time is slow
            try:
                self.person.wait_for(answers, since=since)
                return
            except AssertionError:
                if not patience:
                    raise

    def _post(self, line: str) -> dict:
        """On a connection of its own: a kept one may be closed by the workspace just as it is used again."""
        body = {"person": self.person.id, "channel": "C00GENERAL", "text": line}
        thread = {"thread_ts": self.root["ts"]} if self.root else {}
        response = httpx.post(f"{self._url}/people/say", json=body | thread, timeout=20, trust_env=False)
        return dict(response.raise_for_status().json()["message"])


def keys_in(workspace: Workspace, root: dict) -> list[str]:
    """The keys of Odyssey's messages in a thread."""
    with httpx.Client(trust_env=False, headers={"Authorization": f"Bearer {workspace.server.bot_token}"}) as client:
        query = {"channel": root["channel"], "ts": root["ts"], "limit": 1000, "include_all_metadata": "true"}
        replies: list[dict] = []
        while True:  # a quick machine says more than a page holds
            page = client.get(f"{workspace.server.api_url}conversations.replies", params=query).json()
            replies += page["messages"]
            query["cursor"] = page.get("response_metadata", {}).get("next_cursor", "")
            if not query["cursor"]:
                break
    ours = [reply for reply in replies if "bot_id" in reply]
    assert not any(reply.get("streaming") for reply in ours)
    return [reply["metadata"]["event_payload"]["key"] for reply in ours]


def ended(process: int) -> None:
    """kill -9, and wait until it is gone."""
    os.kill(process, signal.SIGKILL)
    while True:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)


def kill_while_people_talk(tmp_path: Path, seed: int, kills: int, talkers: int) -> None:
    chance = random.Random(seed)
    home = tmp_path / "home"
    home.mkdir()
    over = threading.Event()
    with Workspace(tmp_path / "workspace", limits=PATIENT) as workspace:
        zygote, url = Zygote(home, workspace), workspace.server.url
        people = [
            Talker(url, workspace.person("ada"), f"walk-{n}", random.Random(seed + n), over) for n in range(talkers)
        ]
        process = zygote.fork()
        for person in people:
            person.start()
        try:
            for _ in range(kills):
                time.sleep(chance.uniform(0.2, 2.5))
                ended(process)
                process = zygote.fork()
            over.set()
            for person in people:
                person.join(60)
                assert not person.is_alive() and person.fault is None, (home / "walker.log").read_text()[-3000:]
            wait_until_quiet(home)
        finally:
            over.set()
            ended(process)
            zygote.close()
        check(workspace, home, people)


def wait_until_quiet(home: Path) -> None:
    """Until every message stands as wanted."""
    waiting = text("SELECT (SELECT count(*) FROM deliveries WHERE state = 'waiting') + "
                   "(SELECT count(*) FROM messages WHERE state NOT IN ('posted', 'failed'))")  # fmt: skip
    engine = create_engine(f"sqlite:///{home / 'odyssey.db'}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(waiting).scalar() == 0:
                return
        time.sleep(0.05)
    raise AssertionError((home / "walker.log").read_text()[-3000:])


def confirmed(engine: Engine, root: dict) -> int:
    """How often a `yes` followed its request: Slack's own redelivery may turn two lines around on the way in."""
    lines = text("SELECT json_extract(body, '$.text') FROM deliveries WHERE thread = :thread ORDER BY seq")
    thread = f"slack:T000LOCAL:{root['channel']}:{root['ts']}"
    asked, count = False, 0
    with engine.connect() as connection:
        for line in connection.execute(lines, {"thread": thread}).scalars():
            count += asked and line == "yes"
            asked = line.startswith("role") or (asked and line != "yes")
    return count


def check(workspace: Workspace, home: Path, people: list[Talker]) -> None:
    engine = open_database(home / "odyssey.db")
    ledger = Ledger(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM messages WHERE state = 'failed'")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM deliveries WHERE state = 'failed'")).scalar() == 0
    for person in people:
        said, answered = len(person.said), Counter(keys_in(workspace, person.root))
        assert set(answered.values()) == {1}, f"a message stands twice: {answered.most_common(2)}"
        replies = [key for key in answered if key.startswith("reply:") and key.endswith(":0")]
        assert len(replies) == said, f"{said} lines, {len(replies)} answers"
        project = ledger.project_by_name(person.name)
        rows = ledger.audit(project.id)
        kinds = Counter(row.kind for row in rows if row.accepted)
        assert kinds["create_project"] == 1
        assert kinds["set_role"] == confirmed(engine, person.root), "a role was given twice or not at all"
        assert chain_fault(rows) is None
    assert ledger.waiting() == ()
    lines = sum(len(person.said) for person in people)
    print(f"{lines} lines by {len(people)} people, each answered once")


def test_ten_kills_lose_and_double_nothing(tmp_path):
    kill_while_people_talk(tmp_path, seed=7, kills=10, talkers=4)


@pytest.mark.slow
def test_two_hundred_kills_lose_and_double_nothing(tmp_path):
    kill_while_people_talk(tmp_path, seed=2026, kills=200, talkers=6)
