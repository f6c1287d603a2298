"""kill -9 while a project's state changes: afterwards the knowledge store says what the state says."""

import multiprocessing
import os
import random
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import DupFd
from pathlib import Path

import pytest
from state_walker import Parts, run

from agent.facts import facts


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    here = Path(__file__).parent
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["walker", "knowledge_walker", "state_walker"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (here, *here.parents[:2]))))
        forkserver.ensure_running()
    return server


def killed_once(context: ForkServerContext, folder: Path, chance: random.Random) -> int:
    """How many events a process recorded until it was killed."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        process = context.Process(target=run, args=(folder, DupFd(end.fileno())))
        process.start()
    with os.fdopen(reading) as lines:
        assert lines.readline() == "open\n"
        for _ in range(chance.randrange(6)):
            lines.readline()
        process.join(chance.uniform(0, 0.03))
        process.kill()
        process.join()
        return sum(line.strip().isdigit() for line in lines)


def kill_and_audit(context: ForkServerContext, folder: Path, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        killed_once(context, folder, chance)
        parts = Parts(folder)
        # What the killed process left to do is done by the next one, and nothing that it did is lost.
        parts.index.drain()
        project = parts.ledger.project("p1")
        told = facts(project) if project else {}
        assert parts.knowledge.facts("p1").keys() == told.keys()
        assert parts.knowledge.audit().sound
        assert parts.ledger.wishes() == ()
        parts.knowledge.close()


def test_ten_kills_leave_the_store_with_what_the_state_says(context: ForkServerContext, tmp_path: Path) -> None:
    kill_and_audit(context, tmp_path, seed=11, kills=10)


@pytest.mark.slow
def test_a_hundred_kills_leave_the_store_with_what_the_state_says(context: ForkServerContext, tmp_path: Path) -> None:
    for round_ in range(10):
        folder = tmp_path / str(round_)
        folder.mkdir()
        kill_and_audit(context, folder, seed=100 + round_, kills=10)
