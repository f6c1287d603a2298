"""The job's own process, started as by hand."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import JobEvent, Spec
from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder, Ending, take_lock

HERE = Path(__file__).parent
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    return AttemptFolder(tmp_path / "jobs" / "j1", 1)


@pytest.fixture
def run(folder: AttemptFolder) -> Run:
    def run(tool: str, **params: object) -> subprocess.CompletedProcess[bytes]:
        folder.prepare(Spec.model_validate({"job": "j1", "tool": tool, "params": params, "threads": 3}))
        command = [sys.executable, "-m", "tools.jobs.runner", str(folder.job), "1", "--registry", "job_samples:TOOLS"]
        environment = job_environment({"PYTHONPATH": str(HERE)})
        return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)

    return run


def ending(folder: AttemptFolder) -> Ending:
    found = folder.read_ending()
    assert found is not None
    return found


def test_a_job_leaves_its_result_and_its_events(run: Run, folder: AttemptFolder) -> None:
    assert run("add", a=40).returncode == 0
    found = ending(folder)
    assert found.outcome == "succeeded"
    assert found.result is not None
    assert found.result.metrics[0].value == 42
    assert (folder.job / found.result.artefacts[0].path).read_text() == "42"
    assert found.peak_memory > 1_000_000
    events = [JobEvent.model_validate_json(line) for line in folder.events.read_text().splitlines()]
    assert [(e.step, e.metrics) for e in events] == [("adding", {"sum": 42.0})]
    assert not folder.lives()


def test_an_attempt_is_run_once_ever(run: Run, folder: AttemptFolder) -> None:
    assert run("add").returncode == 0
    before = folder.result.stat().st_mtime_ns
    assert run("add").returncode == 4
    assert folder.result.stat().st_mtime_ns == before


def test_an_attempt_that_was_given_up_is_not_run(run: Run, folder: AttemptFolder) -> None:
    folder.path.mkdir(parents=True)
    assert folder.take_start(None)
    assert run("add").returncode == 4
    assert folder.read_ending() is None


def test_an_attempt_another_process_holds_is_left_alone(run: Run, folder: AttemptFolder) -> None:
    folder.path.mkdir(parents=True)
    lock = take_lock(folder.alive)
    assert lock is not None
    with lock:
        assert run("add").returncode == 4
    assert folder.started() is None


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("user", "Column `label` is missing from tickets.jsonl; name the column that holds it."),
        ("transient", "Port 8123 is taken; try again in a moment."),
        ("memory", "ran out of memory"),
        ("starve", "ran out of memory: start it again with a smaller batch"),
        ("disk", "The disk that holds /data/model.safetensors is full"),
        ("recursion", "nested too deeply"),
        ("nan", "not a number (loss)"),
        ("defect", "jobs/j1/attempt-1/log.txt has the details under E-"),
        ("bug", "jobs/j1/attempt-1/log.txt has the details under E-"),
        ("exit", "jobs/j1/attempt-1/log.txt has the details under E-"),
        ("type", "jobs/j1/attempt-1/log.txt has the details under E-"),
    ],
)
def test_a_failure_is_a_sentence_and_its_traceback_stays_in_the_log(
    run: Run, folder: AttemptFolder, how: str, said: str
) -> None:
    done = run("fail", how=how)
    found = ending(folder)
    assert done.returncode == 1
    assert found.outcome == "failed"
    assert found.error is not None
    assert found.error_id is not None
    assert said in found.error
    assert "Traceback" not in found.error
    assert "secret" not in found.error
    assert "\n" not in found.error
    log = folder.log.read_text()
    assert "Traceback" in log
    assert found.error_id in log
    assert done.stdout + done.stderr == b""


def test_bad_parameters_are_named(run: Run, folder: AttemptFolder) -> None:
    assert run("add", a="many", c=1).returncode == 1
    error = ending(folder).error or ""
    assert "a: Input should be a valid integer" in error
    assert "c: Extra inputs" in error


def test_an_unknown_tool_is_named(run: Run, folder: AttemptFolder) -> None:
    assert run("divide").returncode == 1
    assert "no tool called divide" in (ending(folder).error or "")


def test_a_job_asked_to_stop_ends_as_cancelled(run: Run, folder: AttemptFolder) -> None:
    folder.path.mkdir(parents=True)
    folder.cancel.touch()
    assert run("count").returncode == 3
    assert ending(folder).outcome == "cancelled"


def test_a_job_asked_to_stop_while_it_waits_for_a_slot_ends(run: Run, folder: AttemptFolder) -> None:
    folder.path.mkdir(parents=True)
    folder.cancel.touch()
    slots = folder.job.parents[1] / "slots"
    slots.mkdir()
    held = [take_lock(slots / f"cpu-{number}") for number in range(256)]
    try:
        assert run("add").returncode == 3
    finally:
        for lock in held:
            assert lock is not None
            lock.close()


def test_a_job_has_its_own_session_threads_and_folder(run: Run, folder: AttemptFolder) -> None:
    assert run("process").returncode == 0
    found = ending(folder).result
    assert found is not None
    assert found.facts["session"] == found.facts["pid"]
    assert found.facts["threads"] == "3"
    assert found.facts["offline"] == "1"
    assert found.facts["folder"] == str(folder.path)
    assert json.loads(folder.start.read_text())["pid"] == found.facts["pid"]
