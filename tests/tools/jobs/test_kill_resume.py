"""Fine-tuning killed with SIGKILL at any moment: it goes on from its last complete checkpoint and ends alike."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import registry
from tools.contract import Candidate, Dataset, Inputs, JobEvent, Result, Spec
from tools.jobs.engine import LocalEngine
from tools.jobs.model import Job, Status
from tools.jobs.supervisor import Supervisor
from tools.jobs.warm import WarmHost, preload_list

from .conftest import QUICK, open_ledger

STEPS, EVERY = 60, 10
PARAMS = {"data": "colours", "method": "full", "steps": STEPS, "save_every": EVERY, "name": "again"}


class Trainer:
    """Fine-tunes in processes that can be killed."""

    def __init__(self, home: Path, model: Candidate, data: Dataset) -> None:
        self.home, self.inputs = home, Inputs(models={"model": model}, data={"data": data})
        self.warm = WarmHost(home, preload=preload_list(registry.DEFAULT), idle_seconds=120)
        engine = LocalEngine(home, slots=1, warm=self.warm)
        self.supervisor = Supervisor(
            open_ledger(home), engine, registry.load(), lambda job, outcome: None, timing=QUICK
        )
        self.supervisor.start()

    def start(self, job: str, **more: object) -> None:
        spec = Spec(job=job, tool="finetune", params=PARAMS | more, inputs=self.inputs)
        self.supervisor.submit(spec, project="p", requested_by="ada")

    def wait(self, job: str) -> Job:
        found = self.supervisor.wait(job, timeout=120)
        assert found is not None and not found.status.active, found
        return found

    def kill_when(self, job: str, attempt: int, moment: Callable[[], bool]) -> bool:
        """Kill the attempt at a moment; False where it ended before."""
        for _ in range(20_000):
            held = self.supervisor.job(job)
            assert held is not None
            if not held.status.active:
                return False
            if held.status is Status.RUNNING and held.attempt == attempt and held.pid and moment():
                os.kill(held.pid, signal.SIGKILL)
                assert self.wait(job).status in (Status.CRASHED, Status.SUCCEEDED)
                return self.wait(job).status is Status.CRASHED
            self.supervisor.watch(0, timeout=0.005)
            time.sleep(0.005)
        raise AssertionError("The moment never came.")

    def complete(self, job: str) -> int:
        """The step of the newest checkpoint that is whole."""
        found = (self.home / "jobs" / job / "checkpoints").glob("checkpoint-*/complete")
        return max((int(path.parent.name.rpartition("-")[2]) for path in found), default=0)

    def resume(self, job: str, attempt: int) -> None:
        assert self.supervisor.resume(job, attempt, "ada")

    def steps(self, job: str, attempt: int) -> list[int]:
        lines = (self.home / "jobs" / job / f"attempt-{attempt}" / "events.jsonl").read_text().splitlines()
        events = [JobEvent.model_validate_json(line) for line in lines]
        return [event.done for event in events if event.step == "fine-tuning"]

    def result(self, job: str) -> Result:
        ended = self.wait(job)
        assert ended.outcome is not None and ended.outcome.result is not None, ended.outcome
        return ended.outcome.result


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory, taught: Candidate, lesson: Dataset) -> Iterator[Trainer]:
    made = Trainer(tmp_path_factory.mktemp("home"), taught, lesson)
    yield made
    made.supervisor.stop()
    made.warm.stop()


@pytest.fixture(scope="module")
def undisturbed(trainer: Trainer) -> Result:
    trainer.start("undisturbed")
    return trainer.result("undisturbed")


def alike(one: Result, other: Result) -> None:
    """Equal numbers; where they differ at all, the undisturbed one's interval holds the other."""
    assert one.metrics
    for metric in one.metrics:
        if metric.low is None or metric.high is None:
            continue
        found = other.metric(metric.name)
        assert found is not None and metric.low <= found.value <= metric.high, (metric, found)


def check_no_step_was_lost(trainer: Trainer, job: str, attempt: int, saved: int) -> None:
    """A resumed attempt first tells of the step after the checkpoint; after the last step there is none to tell of."""
    assert trainer.steps(job, attempt)[:1] == ([saved + 1] if saved < STEPS else [])


def test_three_kills_and_a_truncated_checkpoint(trainer: Trainer, undisturbed: Result) -> None:
    trainer.start("j3")
    saved = 0
    for attempt, step in enumerate((10, 30, 50), start=1):
        assert trainer.kill_when("j3", attempt, lambda step=step: trainer.complete("j3") >= step)
        saved = trainer.complete("j3")
        assert saved >= step
        if attempt == 3:
            newest = trainer.home / "jobs" / "j3" / "checkpoints" / f"checkpoint-{saved}"
            os.truncate(newest / "model.safetensors", 1000)
            saved -= EVERY
        trainer.resume("j3", attempt + 1)
    alike(undisturbed, trainer.result("j3"))
    check_no_step_was_lost(trainer, "j3", 4, saved)


@pytest.mark.slow
def test_twenty_moments(trainer: Trainer, undisturbed: Result) -> None:
    began = time.monotonic()
    trainer.start("timed")
    trainer.result("timed")
    whole, killed = time.monotonic() - began, 0
    for number in range(20):
        job = f"m{number}"
        trainer.start(job)
        moment = time.monotonic() + whole * (number + 0.5) / 20
        if trainer.kill_when(job, 1, lambda moment=moment: time.monotonic() >= moment):
            killed += 1
            saved = trainer.complete(job)
            trainer.resume(job, 2)
            alike(undisturbed, trainer.result(job))
            check_no_step_was_lost(trainer, job, 2, saved)
    print(f"\nkilled at {killed} of 20 moments over {whole:.1f} s")
    assert killed >= 15
