import importlib.util
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tools.contract import Artefact, Candidate, Inputs, JobEvent, Metric, Result, Spec
from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder, Ending, replace
from tools.tracking.__main__ import main
from tools.tracking.attempt import read_attempt

MODEL = Candidate(name="tiny", kind="causal", path="/nowhere", digest="abc", method="pretrain")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job that trained ten steps and reached an exact match of .9."""
    folder = AttemptFolder(tmp_path / "jobs" / "j12", 1)
    folder.prepare(
        Spec(job="j12", tool="finetune", params={"lr": 0.002, "name": "a|b"}, inputs=Inputs(models={"model": MODEL}))
    )
    lines = [
        JobEvent(
            at="2026-01-01T00:00:00Z", attempt=1, kind="progress", step="training", done=n, metrics={"loss": 1 / n}
        )
        for n in range(1, 11)
    ]
    folder.events.write_text("".join(line.model_dump_json() + "\n" for line in lines))
    (folder.job / "loss.png").write_bytes(b"picture")
    plot = Artefact(name="loss", kind="plot", path="loss.png", digest="d", bytes=7)
    weights = Artefact(name="model", kind="model", path="model", digest="d", bytes=7)
    match = Metric(name="exact_match", value=0.9, low=0.85, high=0.94, n=100, split="dev")
    result = Result(summary="It learned.", metrics=(match,), artefacts=(plot, weights))
    replace(folder.result, Ending(outcome="succeeded", result=result, seconds=3, peak_memory=1).model_dump_json())
    return folder.job


def test_an_attempt_is_read_with_its_curve_figures_and_small_files(job: Path) -> None:
    attempt = read_attempt(job, 1, "desk")
    assert (attempt.name, attempt.ended, attempt.tags["model_digest"]) == ("finetune-j12-1", "succeeded", "abc")
    assert attempt.figures == {
        "dev/exact_match": 0.9,
        "dev/exact_match_low": 0.85,
        "dev/exact_match_high": 0.94,
        "wall_seconds": 3,
    }
    assert attempt.curves[0].points[-1] == (10, 0.1)
    assert attempt.files == (str(job / "loss.png"),)


def test_mlflow_has_the_run_once(job: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    told = [str(tmp_path), str(job), "1", "--project", "desk", "--to", "mlflow"]
    assert main(told) == 0 and main(told) == 0
    (job / "attempt-1" / "told-mlflow").unlink()
    assert main(told) == 0  # a try that was cut off before its mark goes into the same run
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("desk")
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.data.params["lr"] == "0.002"
    assert run.data.metrics["dev/exact_match"] == 0.9 and run.data.tags["odyssey.model"] == "tiny"
    history = client.get_metric_history(run.info.run_id, "training/loss")
    assert {(point.step, point.value) for point in history} >= {(1, 1.0), (10, 0.1)}
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["loss.png"]
    assert list((tmp_path / "mlflow").rglob("loss.png"))  # in the home, not where the process happened to stand


def test_trackio_has_the_run(job: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("trackio") is None:
        pytest.skip("trackio is not installed")
    told = ["-m", "tools.tracking", str(tmp_path), str(job), "1", "--project", "desk", "--to", "trackio"]
    subprocess.run(
        [sys.executable, *told], check=True, cwd=tmp_path, env=job_environment({}), stdout=subprocess.DEVNULL
    )
    with closing(sqlite3.connect(next((tmp_path / "trackio").glob("*.db")))) as store:
        query = "select metrics from metrics where run_name = 'finetune-j12-1' order by step"
        logged = [json.loads(metrics) for (metrics,) in store.execute(query)]
    assert logged[0]["training/loss"] == 1.0 and logged[-1]["dev/exact_match"] == 0.9


def test_tensorboard_has_the_curve(job: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    told = [str(tmp_path), str(job), "1", "--project", "desk", "--to", "tensorboard"]
    assert main(told) == 0
    [events] = (tmp_path / "tensorboard" / "desk" / "finetune-j12-1").glob("events.out.tfevents.*")
    written = events.read_bytes()
    assert b"training/loss" in written and b"result/dev/exact_match" in written


def test_a_tracker_that_cannot_be_reached_is_said_and_the_others_are_told(
    job: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://at.all")
    told = [str(tmp_path), str(job), "1", "--project", "desk", "--to", "mlflow", "--to", "tensorboard"]
    assert main(told) == 1
    assert "Telling mlflow of j12 failed" in capfd.readouterr().err
    assert (tmp_path / "tensorboard").is_dir() and not (job / "attempt-1" / "told-mlflow").exists()
