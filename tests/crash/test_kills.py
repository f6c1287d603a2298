"""kill -9 of the whole process at random moments of a walk from scope to launch: nothing lost, nothing done twice."""

import multiprocessing
import os
import random
from collections import Counter
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import DupFd
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from walk import CATALOGUE
from walker import PROJECT, run, script, write_results

from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger, chain_fault, state_digest
from agent.lifecycle.apply import apply, create
from agent.lifecycle.events import FinishJob
from agent.lifecycle.stages import Stage


class Walking:
    """A walking process and the lines it says."""

    def __init__(self, context: ForkServerContext, home: Path) -> None:
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as end:
            self.process = context.Process(target=run, args=(home, DupFd(end.fileno())))
            self.process.start()
        self._lines = os.fdopen(reading)

    def say(self, lines: int, said: list[str]) -> bool:
        """Read up to so many lines; True once the walk is done."""
        for _, line in zip(range(lines), self._lines, strict=False):
            said.append(line.strip())
            if line == "done\n":
                return True
        return False

    def kill(self, delay: float) -> bool:
        """kill -9 after `delay` seconds; False if it had ended by itself."""
        self.process.join(delay)
        alive = self.process.is_alive()
        self.process.kill()
        self.process.join()
        self._lines.close()
        return alive


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Forks walking processes; they and their jobs find the modules of the tests."""
    here = Path(__file__).parent
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["walker"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (here, *here.parents[:2]))))
        forkserver.ensure_running()
    return server


def walk_with_kills(context: ForkServerContext, home: Path, chance: random.Random, kills: int) -> tuple[int, list[str]]:
    """Walk to the launch, killing on the way; how often it was killed, and what the processes said."""
    write_results(home)
    said: list[str] = []
    killed = 0
    while killed < kills:
        walking = Walking(context, home)
        done = walking.say(chance.randint(0, 5), said)
        killed += walking.kill(chance.uniform(0.0, 0.6))
        if done:
            return killed, said
    walking = Walking(context, home)
    done = walking.say(10_000, said)
    walking.kill(0)
    assert done, (home / "walker.log").read_text()[-3000:]
    return killed, said


def check(home: Path, said: list[str]) -> None:
    engine = open_database(home / "odyssey.db")
    ledger = Ledger(engine)
    events = ledger.events(PROJECT)
    rows = ledger.audit(PROJECT)
    applied = {int(line.split()[2]) for line in said if line.startswith("applied")}

    assert ledger.waiting() == ()
    assert applied <= {row.seq for row in rows}, "an event somebody was told of is lost"
    assert [row.seq for row in rows] == sorted({row.seq for row in rows}) == [event.seq for event in events]
    assert len({event.id for event in events}) == len(events)
    assert chain_fault(rows) is None
    project = create(events[0]).project
    for event in events[1:]:
        project = apply(project, event, CATALOGUE).project
    assert state_digest(project) == rows[-1].state == state_digest(ledger.project(PROJECT))
    assert project.stage is Stage.LAUNCHED
    check_jobs(home, events, project.jobs)


def check_jobs(home: Path, events, jobs) -> None:
    runs = Counter((home / "runs.txt").read_text().split())
    assert runs == Counter({f"{job}:1": 1 for job in jobs}), "a job ran twice or not at all"
    ends = Counter(event.body.job for event in events if isinstance(event.body, FinishJob))
    assert ends == Counter(dict.fromkeys(jobs, 1))
    with create_engine(f"sqlite:///{home / 'odyssey.db'}").connect() as connection:
        # What is to be told the index waits until somebody asks it: the walk never does.
        waiting = 'SELECT count(*) FROM outbox WHERE NOT done AND body NOT LIKE \'{"kind":"render_state"%\''
        assert connection.execute(text(waiting)).scalar() == 0
        evidence = connection.execute(text("SELECT count(*) FROM evidence")).scalar()
    assert evidence == len(jobs)


def stop_services(home: Path) -> None:
    for folder in (home / "jobs").iterdir():
        for attempt in folder.glob("attempt-*"):
            (attempt / "cancel").touch()


def kill_until(context: ForkServerContext, tmp_path: Path, seed: int, kills: int) -> int:
    chance = random.Random(seed)
    total = 0
    for number in range(1, kills + 1):
        home = tmp_path / str(number)
        home.mkdir()
        killed, said = walk_with_kills(context, home, chance, min(kills - total, 12))
        try:
            check(home, said)
        finally:
            stop_services(home)
        total += killed
        if total >= kills:
            break
    return total


def test_the_walk_is_long_enough_to_be_killed_in():
    assert len(script()) >= 30


def test_ten_kills_lose_and_double_nothing(context, tmp_path):
    assert kill_until(context, tmp_path, seed=11, kills=10) == 10


@pytest.mark.slow
def test_a_hundred_kills_lose_and_double_nothing(context, tmp_path):
    assert kill_until(context, tmp_path, seed=2026, kills=100) >= 100
