"""The warm host: the same contract as a cold start, and never in its way."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tools.jobs.model import Status
from tools.jobs.warm import WarmHost

Make = Callable[..., object]
MakeHost = Callable[[Path], WarmHost]


def host_process(home: Path) -> psutil.Process:
    """The warm host of a home, told by the log it writes to."""
    log = str(home / "warm_host.log")
    found = [p for p in psutil.process_iter() if _is_host(p) and any(f.path == log for f in p.open_files())]
    assert len(found) == 1
    return found[0]


def _is_host(process: psutil.Process) -> bool:
    try:
        return "tools.jobs.warm_host" in process.cmdline()
    except psutil.Error:
        return False


def test_a_warm_start_gives_what_a_cold_start_gives(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    warmed = workshop(warm=warm(tmp_path))
    first = warmed.run("add", job="warm", a=40)
    assert first.status is Status.SUCCEEDED
    assert host_process(tmp_path).pid != os.getpid()
    cold = workshop()
    second = cold.run("add", job="cold", a=40)
    assert first.outcome.result == second.outcome.result
    names = {path.name for path in (tmp_path / "jobs" / "warm" / "attempt-1").iterdir()}
    assert names == {path.name for path in (tmp_path / "jobs" / "cold" / "attempt-1").iterdir()}


def test_a_forked_job_has_a_session_and_threads_of_its_own(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    host = warm(tmp_path)
    shop = workshop(warm=host)
    assert host.start()
    shop.until(lambda: host.ready)
    facts = shop.run("process").outcome.result.facts
    assert facts["session"] == facts["pid"]
    assert facts["threads"] == "1"
    assert facts["running"] == 1
    assert facts["folder"] == str(tmp_path / "jobs" / "j1" / "attempt-1")
    assert not facts["torch"]
    assert "process" not in (tmp_path / "warm_host.log").read_text()


def test_a_light_tool_does_not_wait_for_the_host(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    host = warm(tmp_path)
    shop = workshop(warm=host)
    assert shop.run("process").status is Status.SUCCEEDED
    assert not (tmp_path / "warm_host.log").exists()


@pytest.mark.parametrize("how", ["bug", "exit", "kill", "recursion"])
def test_what_a_child_does_leaves_the_host_alone(workshop: Make, warm: MakeHost, tmp_path: Path, how: str) -> None:
    shop = workshop(warm=warm(tmp_path))
    assert shop.run("fail", how=how).status in (Status.FAILED, Status.CRASHED)
    pid = host_process(tmp_path).pid
    assert shop.run("add", job="j2").status is Status.SUCCEEDED
    assert host_process(tmp_path).pid == pid


def test_the_next_job_starts_after_the_host_was_killed(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    shop = workshop(warm=warm(tmp_path))
    gate = tmp_path / "gate"
    shop.submit("count", steps=2, gate=str(gate))
    shop.until(lambda: shop.ledger.get("j1").status is Status.RUNNING)
    host = host_process(tmp_path)
    host.kill()
    host.wait()
    assert shop.run("add", job="j2").status is Status.SUCCEEDED
    gate.touch()
    assert shop.wait("j1").status is Status.SUCCEEDED


def test_a_request_the_host_dies_on_starts_cold(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    shop = workshop(warm=warm(tmp_path))
    shop.run("add")
    host = host_process(tmp_path)
    host.send_signal(signal.SIGSTOP)  # it will accept nothing more, but a client can still connect
    shop.submit("add", job="j2")
    shop.until(lambda: shop.ledger.get("j2").status is Status.STARTING)
    host.kill()
    assert shop.wait("j2").status is Status.SUCCEEDED


def test_a_host_that_cannot_start_is_done_without(workshop: Make, tmp_path: Path) -> None:
    (tmp_path / "warm_host.log").mkdir()  # its log cannot be opened
    shop = workshop(warm=WarmHost(tmp_path, preload=()))
    assert shop.run("add").status is Status.SUCCEEDED


def test_a_host_that_ends_at_once_is_done_without(workshop: Make, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text("import os; os._exit(9)")
    shop = workshop(warm=WarmHost(tmp_path, preload=("deadly",), environment={"PYTHONPATH": str(tmp_path)}))
    for number in range(3):
        assert shop.run("add", job=f"j{number}").status is Status.SUCCEEDED


def test_a_module_that_cannot_be_imported_is_left_out(warm: MakeHost, workshop: Make, tmp_path: Path) -> None:
    host = WarmHost(tmp_path, preload=("no_such_module",), idle_seconds=20)
    shop = workshop()
    assert host.start()
    shop.until(lambda: host.ready)
    host.stop()
    assert "no_such_module is not preloaded" in (tmp_path / "warm_host.log").read_text()


def test_an_idle_host_ends_and_another_one_starts(workshop: Make, tmp_path: Path) -> None:
    host = WarmHost(tmp_path, preload=(), idle_seconds=0.1)
    shop = workshop()
    assert host.start()
    process = host_process(tmp_path)
    shop.until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert host.start()
    assert host_process(tmp_path).pid != process.pid
    host.stop()


def test_the_host_of_a_long_home_can_be_reached(workshop: Make, tmp_path: Path) -> None:
    home = tmp_path / ("long" * 40)
    home.mkdir()
    host = WarmHost(home, preload=(), idle_seconds=20)
    shop = workshop()
    assert host.start()
    shop.until(lambda: host.ready)
    host.stop()
    assert not host.ready


def test_rubbish_does_not_end_the_host(workshop: Make, warm: MakeHost, tmp_path: Path) -> None:
    host = warm(tmp_path)
    shop = workshop(warm=host)
    shop.run("add")
    pid = host_process(tmp_path).pid
    connection = host._connect()
    assert connection is not None
    with connection:
        connection.sendall(b"rubbish\n")
        assert b"error" in connection.recv(4096)
    assert shop.run("add", job="j2").status is Status.SUCCEEDED
    assert host_process(tmp_path).pid == pid
