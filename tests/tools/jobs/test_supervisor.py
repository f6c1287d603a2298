"""Jobs under a supervisor: real processes, real files."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tools.contract import Spec
from tools.errors import UserFault
from tools.jobs.engine import Phase
from tools.jobs.model import Job, Outcome, OutcomeKind, Status

Make = Callable[..., object]


def test_a_job_runs_and_its_end_is_told_once(workshop: Make) -> None:
    shop = workshop()
    job = shop.run("add", a=40, b=2)
    assert job.status is Status.SUCCEEDED
    assert job.outcome.result.metrics[0].value == 42
    assert job.outcome.peak_memory > 0
    assert job.started_at is not None
    assert job.pid is not None
    shop.until(lambda: not shop.ledger.unreported())
    assert [o.event_id for o in shop.told] == ["job:j1:1:succeeded"]
    assert shop.supervisor.progress("j1").step == "adding"


def test_a_submission_said_twice_is_one_job(workshop: Make) -> None:
    shop = workshop()
    assert shop.submit("add")
    assert not shop.submit("add")
    shop.wait()
    assert not shop.submit("add")
    assert [o.kind for o in shop.ledger.outcomes("j1")] == [OutcomeKind.SUCCEEDED]


def test_an_unknown_tool_is_refused(workshop: Make) -> None:
    with pytest.raises(UserFault, match="no tool called divide"):
        workshop().submit("divide")


def test_a_failure_reaches_the_assistant_as_a_sentence(workshop: Make) -> None:
    shop = workshop()
    job = shop.run("fail", how="bug")
    assert job.status is Status.FAILED
    assert job.outcome.error_id in job.outcome.error
    assert "division" not in job.outcome.error
    assert "ZeroDivisionError: integer division" in shop.supervisor.logs("j1")
    assert shop.run("add", job="j2").status is Status.SUCCEEDED


def test_a_killed_job_crashed(workshop: Make) -> None:
    shop = workshop()
    job = shop.run("fail", how="kill")
    assert job.status is Status.CRASHED
    log = shop.engine.folder("j1", 1).log
    assert job.outcome.error == (
        f"Its process ended without a result, perhaps for want of memory; {log} has its last words."
    )
    assert job.outcome.seconds >= 0


def test_a_job_is_cancelled_and_goes_on_from_its_checkpoint(workshop: Make, tmp_path: Path) -> None:
    shop = workshop()
    gate = tmp_path / "gate"
    shop.submit("count", steps=20, gate=str(gate))
    shop.until(lambda: (p := shop.supervisor.progress("j1")) is not None and p.done == 10)
    assert shop.supervisor.cancel("j1", "ada")
    assert not shop.supervisor.cancel("j1", "ada")
    job = shop.wait()
    assert (job.status, job.cancelled_by) == (Status.CANCELLED, "ada")
    gate.touch()
    assert shop.supervisor.resume("j1", 2, "bob")
    assert not shop.supervisor.resume("j1", 2, "bob")
    job = shop.wait()
    assert (job.status, job.attempt) == (Status.SUCCEEDED, 2)
    assert job.outcome.result.facts == {"begin": 10, "attempt": 2}
    shop.until(lambda: len(shop.told) == 2)
    assert [o.event_id for o in shop.told] == ["job:j1:1:cancelled", "job:j1:2:succeeded"]


def test_a_job_that_does_not_listen_is_ended(workshop: Make) -> None:
    shop = workshop()
    shop.submit("fail", how="ignore")
    shop.until(lambda: shop.supervisor.progress("j1"))
    pid = shop.ledger.get("j1").pid
    shop.supervisor.cancel("j1", "ada")
    job = shop.wait()
    assert job.status is Status.CANCELLED
    assert "did not stop when asked" in job.outcome.error
    shop.until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_queued_job_is_cancelled_without_beginning(workshop: Make, tmp_path: Path) -> None:
    shop = workshop(slots=1)
    gate = tmp_path / "gate"
    shop.submit("count", steps=2, gate=str(gate))
    shop.submit("add", job="j2")
    shop.until(lambda: shop.ledger.get("j1").status is Status.RUNNING)
    assert shop.ledger.get("j2").status is Status.QUEUED
    shop.supervisor.cancel("j2", "ada")
    job = shop.wait("j2")
    assert (job.status, job.outcome.error) == (Status.CANCELLED, "It was cancelled before it began.")
    assert not shop.engine.folder("j2", 1).start.exists()
    gate.touch()
    assert shop.wait("j1").status is Status.SUCCEEDED


def test_what_a_job_left_behind_ends_with_it(workshop: Make) -> None:
    shop = workshop()
    left = shop.run("process").outcome.result.facts["left"]
    shop.until(lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE)


def test_news_that_cannot_be_told_is_told_again(workshop: Make) -> None:
    refusals = iter([True, True, False])

    def on_outcome(job: Job, outcome: Outcome) -> None:
        if next(refusals):
            raise OSError("the inbox is locked")

    shop = workshop(on_outcome=on_outcome)
    shop.run("add")
    shop.until(lambda: shop.told)
    assert [o.event_id for o in shop.told] == ["job:j1:1:succeeded"]
    shop.until(lambda: not shop.ledger.unreported())


def test_another_supervisor_adopts_what_runs(workshop: Make, tmp_path: Path) -> None:
    first = workshop()
    gate = tmp_path / "gate"
    first.submit("count", steps=10, gate=str(gate))
    first.until(lambda: (p := first.supervisor.progress("j1")) is not None and p.done == 5)
    pid = first.ledger.get("j1").pid
    first.supervisor.stop()
    second = workshop()
    second.until(lambda: second.supervisor.progress("j1"))
    assert second.ledger.get("j1").pid == pid
    gate.touch()
    job = second.wait()
    assert (job.status, job.pid, job.attempt) == (Status.SUCCEEDED, pid, 1)
    assert first.told == []
    second.until(lambda: second.told)


def test_a_job_that_ended_meanwhile_is_told_by_the_next_supervisor(workshop: Make, tmp_path: Path) -> None:
    first = workshop()
    gate = tmp_path / "gate"
    first.submit("count", steps=2, gate=str(gate))
    first.until(lambda: first.ledger.get("j1").status is Status.RUNNING)
    first.supervisor.stop()
    gate.touch()
    first.until(lambda: first.engine.status("j1", 1) is Phase.ENDED)
    second = workshop()
    assert second.wait().status is Status.SUCCEEDED


def test_a_claim_that_was_never_carried_out_is_started(workshop: Make) -> None:
    first = workshop()
    first.supervisor.stop()
    first.ledger.submit(Spec(job="j1", tool="add", params={}), "p", "ada")
    assert first.ledger.claim(first.ledger.get("j1"))
    second = workshop()
    assert second.wait().status is Status.SUCCEEDED


def test_a_start_that_was_taken_without_a_process_never_began(workshop: Make) -> None:
    first = workshop()
    first.supervisor.stop()
    first.ledger.submit(Spec(job="j1", tool="add", params={}), "p", "ada")
    first.ledger.claim(first.ledger.get("j1"))
    folder = first.engine.folder("j1", 1)
    folder.path.mkdir(parents=True)
    folder.take_start(None)
    second = workshop()
    job = second.wait()
    assert job.status is Status.CRASHED
    assert "could not be started" in job.outcome.error


def test_a_job_whose_folder_cannot_be_made_says_so(workshop: Make, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "j1").write_text("in the way")
    shop = workshop()
    job = shop.run("add")
    assert job.status is Status.CRASHED
    assert "could not be started" in job.outcome.error
    assert shop.run("add", job="j2").status is Status.SUCCEEDED


def test_a_running_job_whose_folder_is_gone_is_lost(workshop: Make, tmp_path: Path) -> None:
    first = workshop()
    gate = tmp_path / "gate"
    first.submit("count", steps=2, gate=str(gate))
    first.until(lambda: first.ledger.get("j1").status is Status.RUNNING)
    first.supervisor.stop()
    gate.touch()
    first.until(lambda: first.engine.status("j1", 1) is Phase.ENDED)
    shutil.rmtree(tmp_path / "jobs")
    second = workshop()
    assert second.wait().status is Status.LOST


def test_many_may_watch(workshop: Make) -> None:
    shop = workshop()
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(shop.supervisor.watch(0, timeout=30))) for _ in range(3)]
    for thread in threads:
        thread.start()
    shop.run("add")
    for thread in threads:
        thread.join()
    assert len(seen) == 3
    assert min(seen) > 0
