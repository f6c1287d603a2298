"""Several processes train together and reach what one reaches."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tools import registry
from tools.contract import Candidate, Dataset, Inputs, JobEvent, Spec
from tools.errors import UserFault
from tools.jobs.engine import LocalEngine
from tools.jobs.launcher import ASKED, Launcher, LauncherKind, check_world
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Job, Status
from tools.jobs.supervisor import Supervisor
from tools.training.trainers import share

TWO = Launcher(kind=LauncherKind.TORCHRUN, processes=2)
Run = Callable[..., Job]


def test_each_kind_has_its_command() -> None:
    assert Launcher().command("m", ["a"]) == [sys.executable, "-m", "m", "a"]
    assert Launcher(kind=LauncherKind.TORCHRUN).command("m", ["a"]) == [sys.executable, "-m", "m", "a"]
    assert TWO.command("m", ["a"])[1:] == [
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "m", "a"),
    ]
    shared = Launcher(kind=LauncherKind.ACCELERATE, processes=4).command("m", ["a"])
    assert "--multi_gpu" in shared and shared[shared.index("--num_processes") + 1] == "4"
    assert shared[-3:] == ["--module", "m", "a"]


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    assert share(16, 2) == 8
    with pytest.raises(UserFault, match="batch=5 cannot be shared by 2 processes evenly; choose a multiple of 2"):
        share(5, 2)


def test_fewer_processes_than_asked_for_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, "2")
    with pytest.raises(UserFault, match="2 processes were asked for and 1 started"):
        check_world()
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_world()


@pytest.fixture
def finetune(tmp_path: Path, taught: Candidate, lesson: Dataset) -> Iterator[Run]:
    """Fine-tunes through a supervisor with a launcher; `meanwhile` is called while it runs."""
    supervisors: list[Supervisor] = []

    def run(name: str, launcher: Launcher, meanwhile: Callable[[Supervisor], None] | None = None) -> Job:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        database = sa.create_engine(f"sqlite:///{home / 'odyssey.db'}")
        metadata.create_all(database)
        ledger = JobLedger(database)
        engine = LocalEngine(home, slots=1, launcher=launcher)
        supervisor = Supervisor(ledger, engine, registry.load(), lambda job, outcome: None)
        supervisors.append(supervisor)
        supervisor.start()
        params = {"data": "colours", "steps": 60, "batch": 4, "save_every": 10, "name": "tuned"}
        inputs = Inputs(models={"model": taught}, data={"data": lesson})
        if not supervisor.submit(Spec(job="j1", tool="finetune", params=params, inputs=inputs), "p", "ada"):
            supervisor.resume("j1", 2, "ada")
        if meanwhile:
            meanwhile(supervisor)
        job = supervisor.wait("j1", timeout=170)
        assert job is not None
        return job

    yield run
    for supervisor in supervisors:
        supervisor.stop()


def losses(home: Path) -> list[float]:
    lines = (home / "jobs" / "j1" / "attempt-1" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = (JobEvent.model_validate_json(line) for line in lines)
    return [event.metrics["loss"] for event in told if "loss" in event.metrics]


@pytest.mark.slow
def test_two_processes_take_the_same_way_as_one(finetune: Run, tmp_path: Path) -> None:
    alone, together = finetune("alone", Launcher()), finetune("together", TWO)
    assert alone.status is together.status is Status.SUCCEEDED, together.outcome
    one, two = losses(tmp_path / "alone"), losses(tmp_path / "together")
    assert one[-1] == pytest.approx(two[-1], rel=0.05, abs=0.01)
    assert not list((tmp_path / "together" / "jobs" / "j1").glob("attempt-1/rank-*"))


@pytest.mark.slow
def test_a_cancelled_pair_stops_together_and_goes_on(finetune: Run) -> None:
    def cancel(supervisor: Supervisor) -> None:
        seen = 0
        while (event := supervisor.progress("j1")) is None or event.done < 3:
            seen = supervisor.watch(seen, timeout=0.1)
        supervisor.cancel("j1", "ada")

    stopped = finetune("pair", TWO, cancel)
    assert stopped.status is Status.CANCELLED
    assert finetune("pair", TWO).status is Status.SUCCEEDED
