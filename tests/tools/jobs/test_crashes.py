"""Supervisors killed at any moment: every job starts once, none is lost, no more run than there are slots."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tools.contract import Spec
from tools.jobs.environment import job_environment
from tools.jobs.ledger import JobLedger
from tools.jobs.model import Status
from tools.jobs.warm import WarmHost

HERE = Path(__file__).parent
SLOTS = 2


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if request.param == "warm":
        (tmp_path / "warm").touch()
    return tmp_path


def write_jobs(home: Path, first: int, count: int, seed: int) -> list[str]:
    """Add jobs, numbered on from `first`, to those that a supervisor submits when it starts."""
    order = random.Random(seed)
    lines = [
        Spec(job=f"j{n}", tool="trace", params={"trace": str(home / "trace"), "seconds": order.uniform(0.02, 0.8)})
        for n in range(first, first + count)
    ]
    with (home / "jobs.jsonl").open("a") as file:
        file.writelines(line.model_dump_json() + "\n" for line in lines)
    return [line.job for line in lines]


def supervised(home: Path) -> "subprocess.Popen[bytes]":
    environment = job_environment({"PYTHONPATH": str(HERE)})
    command = [sys.executable, str(HERE / "supervised.py"), str(home), str(SLOTS)]
    return subprocess.Popen(command, env=environment)


def kill_again_and_again(home: Path, kills: int, seed: int, alongside: Callable[[random.Random], None]) -> list[str]:
    """Kill -9 at work, `kills` times, at a random time from the first write on; at last let one finish.

    A supervisor that ends before its time, having run out of jobs, gets more of them. The names of all jobs written.
    """
    order = random.Random(seed)
    expected = write_jobs(home, 0, 20, seed)
    killed = 0
    while killed < kills:
        process = supervised(home)
        try:
            assert process.wait(timeout=0.6 + order.uniform(0, 0.7)) == 0  # the first 0.6 s are imports
            expected += write_jobs(home, len(expected), 10, seed + len(expected))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        alongside(order)
    assert supervised(home).wait(timeout=120) == 0
    return expected


def check(home: Path, expected: list[str]) -> None:
    ledger = JobLedger(sa.create_engine(f"sqlite:///{home / 'odyssey.db'}"))
    assert {job.id: job.status for job in ledger.list()} == dict.fromkeys(expected, Status.SUCCEEDED)
    lines = [json.loads(line) for line in (home / "trace").read_text().splitlines()]
    assert Counter(line["job"] for line in lines if "leave" not in line) == Counter(expected)
    spans = [line for line in lines if "leave" in line]
    assert Counter(line["job"] for line in spans) == Counter(expected)
    moments = sorted([(line["enter"], 1) for line in spans] + [(line["leave"], -1) for line in spans])
    at_once, most = 0, 0
    for _, change in moments:
        at_once += change
        most = max(most, at_once)
    assert most <= SLOTS
    assert set((home / "told.txt").read_text().split()) == {f"job:{job}:1:succeeded" for job in expected}
    assert ledger.unreported() == []


def warm_host(home: Path) -> WarmHost:
    """The same host that supervised.py asks for."""
    environment = {"PYTHONPATH": str(HERE)}
    return WarmHost(home, preload=("job_samples",), registry_path="job_samples:TOOLS", environment=environment)


def nothing(order: random.Random) -> None:
    pass


@pytest.mark.parametrize("home", ["cold", "warm"], indirect=True)
def test_five_kills(home: Path) -> None:
    check(home, kill_again_and_again(home, 5, 2, nothing))


@pytest.mark.slow
@pytest.mark.parametrize("home", ["cold", "warm"], indirect=True)
def test_fifty_kills(home: Path) -> None:
    seed = 3
    host = warm_host(home)

    def kill_hosts(order: random.Random) -> None:
        if order.random() < 0.3 and (pid := host.pid) is not None:
            os.kill(pid, signal.SIGKILL)

    check(home, kill_again_and_again(home, 50, seed, kill_hosts))
