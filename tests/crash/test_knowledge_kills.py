"""kill -9 at random moments of taking documents in and deleting them: nothing missing, orphaned or stale afterwards."""

import multiprocessing
import os
import random
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.reduction import DupFd
from pathlib import Path

import pytest
from knowledge_walker import open_knowledge, run, text_of

from knowledge.model import Audit


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    here = Path(__file__).parent
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["walker", "knowledge_walker"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (here, *here.parents[:2]))))
        forkserver.ensure_running()
    return server


def killed_once(context: ForkServerContext, folder: Path, chance: random.Random) -> list[str]:
    """What a process said until it was killed."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        process = context.Process(target=run, args=(folder, chance.randrange(2**32), DupFd(end.fileno())))
        process.start()
    with os.fdopen(reading) as lines:
        said = [lines.readline()]
        assert said == ["open\n"]
        for _ in range(chance.randrange(8)):
            said.append(lines.readline())
        process.join(chance.uniform(0, 0.03))
        assert process.is_alive()
        process.kill()
        process.join()
        said += lines.readlines()
    return [line.strip() for line in said if line.endswith("\n")]


def follow(said: list[str], documents: dict[tuple[str, str], set[str | None]]) -> None:
    """What may stand after the lines: the last acknowledged state, or that of a change begun after it."""
    for line in said[1:]:
        moment, action, project, name, version = line.split()
        if action == "facts":
            continue
        after = text_of(name, int(version)) if action == "ingest" else None
        possible = documents.setdefault((project, name), {None})
        documents[project, name] = {after} if moment == "done" else possible | {after}


def kill_and_audit(context: ForkServerContext, folder: Path, seed: int, kills: int) -> int:
    chance = random.Random(seed)
    possible: dict[tuple[str, str], set[str | None]] = {}
    changed = 0
    for _ in range(kills):
        said = killed_once(context, folder, chance)
        follow(said, possible)
        changed += len(said) - 1
        knowledge = open_knowledge(folder)
        assert knowledge.audit() == Audit()
        for (project, name), texts in possible.items():
            stands = knowledge.text(f"project/{project}", name) or None
            assert stands in texts, f"{name} of {project} is neither what was acknowledged nor what was begun"
            possible[project, name] = {stands}
        knowledge.close()
    return changed


def test_ten_kills_leave_nothing_missing_orphaned_or_stale(context, tmp_path):
    assert kill_and_audit(context, tmp_path, seed=7, kills=10) > 10


@pytest.mark.slow
def test_a_hundred_kills_leave_nothing_missing_orphaned_or_stale(context, tmp_path):
    assert kill_and_audit(context, tmp_path, seed=2026, kills=100) > 100
