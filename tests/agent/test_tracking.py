from datetime import UTC, datetime
from pathlib import Path

from agent.tracking import Tracking
from tools.contract import Result, Spec
from tools.jobs.folder import AttemptFolder, Ending, replace
from tools.jobs.model import Job, Outcome, OutcomeKind, Status

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    id="j1",
    project="p1",
    tool="evaluate",
    service=False,
    spec=Spec(job="j1", tool="evaluate", params={}),
    requested_by="ada",
    created_at=AT,
    attempt=1,
    status=Status.SUCCEEDED,
)


def ended(home: Path, kind: OutcomeKind, trackers: tuple[str, ...]) -> AttemptFolder:
    folder = AttemptFolder(home / "jobs" / "j1", 1)
    folder.prepare(JOB.spec)
    if kind is not OutcomeKind.CRASHED:
        ending = Ending(outcome="succeeded", result=Result(summary="Done."), seconds=1, peak_memory=1)
        replace(folder.result, ending.model_dump_json())
    tracking = Tracking(home, trackers, lambda project: f"name-of-{project}")
    tracking.ended(JOB, Outcome(job="j1", attempt=1, kind=kind, at=AT))
    tracking.wait()
    return folder


def test_an_ended_job_is_told_under_its_projects_name(tmp_path: Path) -> None:
    folder = ended(tmp_path, OutcomeKind.SUCCEEDED, ("tensorboard",))
    assert list((tmp_path / "tensorboard" / "name-of-p1" / "evaluate-j1-1").iterdir()), folder.log.read_text()


def test_nothing_is_told_without_a_tracker_or_an_ending(tmp_path: Path) -> None:
    ended(tmp_path / "a", OutcomeKind.SUCCEEDED, ())
    ended(tmp_path / "b", OutcomeKind.CRASHED, ("tensorboard",))
    assert not list(tmp_path.glob("*/tensorboard"))
