"""A whole process that walks a project from scope to launch. It may be killed at any moment and started again.

It is forked from a server that has imported everything, so that a hundred starts do not cost a hundred imports.
"""

import json
import os
from pathlib import Path
from typing import Any

from replayed_tools import key
from walk import CATALOGUE, Walk

from agent.bootstrap import build_owner
from agent.home import HomeLock
from agent.lifecycle.events import Approve, Event, FinishJob, StartJob
from agent.lifecycle.project import JobPhase
from agent.lifecycle.resolve import resolve
from agent.lifecycle.stages import Stage
from agent.owner import Owner
from agent.settings import load

PROJECT = "p-walk"


def script() -> list[Event]:
    """What people do on the walk; the ends of jobs come from the jobs."""
    return [event for event, _ in Walk().to(Stage.LAUNCHED).decisions if not isinstance(event.body, FinishJob)]


def write_results(home: Path) -> None:
    """What each job of the walk finds, by its resolved parameters."""
    walk = Walk().to(Stage.LAUNCHED)
    found, before = {}, None
    for event, decision in walk.decisions:
        if isinstance(event.body, StartJob) and before is not None:
            resolved = resolve(before, CATALOGUE, event.body.tool, event.body.params)
            started = (event.body.tool, resolved.params)
        if isinstance(event.body, FinishJob) and event.body.result is not None:
            found[key(*started)] = event.body.result.model_dump(mode="json")
        before = decision.project
    (home / "results.json").write_text(json.dumps(found))


def run(home: Path, out: Any) -> None:
    """What the forked process does; errors go to a log in its home."""
    log = os.open(home / "walker.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 2)
    walk(home, out.detach())


def walk(home: Path, out: int) -> None:
    """Own the home and walk on from wherever it is; each applied event is told on the descriptor `out`."""
    lock = HomeLock(home)
    assert lock.acquire()
    owner = build_owner(load(home=home, warm=False), registry="replayed_tools:TOOLS")
    owner.start()
    for number, event in enumerate(script()):
        body = event.body
        project = owner.find_project("ana", PROJECT)
        if isinstance(body, Approve):
            if project is None or project.approval is None:
                continue  # it was given before the kill
            body = Approve(number=project.approval.number)
        outcome = owner.submit(event.actor, PROJECT, body, event_id=f"walk:{number}")
        assert outcome.accepted, outcome.said
        os.write(out, f"applied {number} {outcome.seq}\n".encode())
        if isinstance(body, StartJob):
            await_job(owner, f"j{outcome.seq}")
    os.write(out, b"done\n")


def await_job(owner: Owner, job: str) -> None:
    seen = 0
    while True:
        project = owner.find_project("ana", PROJECT)
        assert project is not None
        if (found := project.jobs[job]).phase is not JobPhase.ACTIVE:
            assert found.error is None, found.error
            return
        for notice in owner.notices(project.id, seen, 1.0):
            seen = notice.id
