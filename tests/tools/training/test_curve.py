"""The picture and the sentence of what a job measured while it ran."""

import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.contract import JobEvent, Spec
from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder, Ending
from tools.training.curve import CAPTION, PICTURE, draw_curve
from tools.training.history import Series, describe, ends, read_series

AT = datetime(2026, 3, 2, tzinfo=UTC)


def write(job: Path, points: Iterable[tuple[str, int, dict[str, float]]], attempt: int = 1) -> None:
    folder = job / f"attempt-{attempt}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        for work, done, metrics in points:
            event = JobEvent(at=AT, attempt=attempt, kind="progress", step=work, done=done, total=400, metrics=metrics)
            file.write(event.model_dump_json() + "\n")


def losses(*values: float) -> list[tuple[str, int, dict[str, float]]]:
    return [("fine-tuning", 10 * step, {"loss": value}) for step, value in enumerate(values, 1)]


def size(picture: Path) -> tuple[int, int]:
    """Pixels, from the header of a PNG (RFC 2083, section 4.1.1)."""
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_curve_and_its_sentence(tmp_path: Path) -> None:
    write(tmp_path, losses(2.31, 1.2, 0.3, 0.42))
    picture = draw_curve(tmp_path, "finetune j17")
    assert picture == tmp_path / PICTURE
    width, height = size(picture)
    assert 1000 <= width <= 1600 and 400 <= height <= 1000
    said = (tmp_path / CAPTION).read_text().strip()
    assert said == "Loss fell from 2.31 to 0.42 over 40 steps, lowest 0.3 at step 30."


def test_short_runs_that_chose_the_settings_are_not_the_training(tmp_path: Path) -> None:
    tried = [(f"trying settings: lr {rate}", step, {"loss": rate}) for rate in (1, 2, 3, 4) for step in range(9)]
    write(tmp_path, [*tried, *losses(2.31, 1.2, 0.42)])
    draw_curve(tmp_path, "finetune j17")
    assert (tmp_path / CAPTION).read_text().strip() == "Loss fell from 2.31 to 0.42 over 30 steps."


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.1, 0.5, 0.9), "Loss rose from 0.1 to 0.9 over 30 steps."),
        ((1.0, 0.2, 1.005), "Loss stayed at about 1 over 30 steps."),
        ((0.0, 0.0, 0.0), "Loss stayed at about 0 over 30 steps."),
        ((-3.0, -2.0, -1.0), "Loss rose from -3 to -1 over 30 steps."),
    ],
)
def test_the_sentence_says_which_way_it_went(tmp_path: Path, values: tuple[float, ...], said: str) -> None:
    write(tmp_path, losses(*values))
    assert describe(read_series(tmp_path)) == said


def test_the_ends_of_a_long_noisy_series_are_means() -> None:
    chance = random.Random(7)
    points = tuple((step, 1.0 + chance.uniform(-0.5, 0.5)) for step in range(1, 401))
    assert ends(points) == (
        pytest.approx(sum(value for _, value in points[:20]) / 20),
        pytest.approx(sum(value for _, value in points[-20:]) / 20),
    )
    assert (
        "stayed" in describe([Series(work="w", metric="loss", points=points)])
        or abs(ends(points)[0] - ends(points)[1]) > 0.02
    )


def test_a_job_that_measured_nothing_on_the_way_draws_nothing(tmp_path: Path) -> None:
    assert draw_curve(tmp_path, "data j1") is None
    write(tmp_path, [("reading", step, {}) for step in range(9)])
    write(tmp_path, losses(1.0, 0.9))  # two points are no curve
    assert draw_curve(tmp_path, "data j1") is None
    assert not (tmp_path / PICTURE).exists()
    assert not (tmp_path / CAPTION).exists()


def test_a_resumed_job_goes_on_in_one_curve(tmp_path: Path) -> None:
    write(tmp_path, losses(5.0, 4.0, 3.0, 9.9, 9.9))
    write(tmp_path, [("fine-tuning", step, {"loss": 1.0}) for step in (40, 50, 60)], attempt=2)
    write(tmp_path, [("fine-tuning", step, {"loss": 0.5}) for step in (60, 70)], attempt=10)
    [series] = read_series(tmp_path)
    assert series.points == ((10, 5.0), (20, 4.0), (30, 3.0), (40, 1.0), (50, 1.0), (60, 0.5), (70, 0.5))


def test_each_metric_and_each_kind_of_work_has_its_own_panel(tmp_path: Path) -> None:
    write(tmp_path, [("learning to reward", step, {"loss": 1 / step}) for step in range(1, 9)])
    write(
        tmp_path, [("aligning", step, {"loss": 0.1, "reward": float(step), "kl": 0.2 * step}) for step in range(1, 9)]
    )
    named = [(one.work, one.metric) for one in read_series(tmp_path)]
    assert named == [("learning to reward", "loss"), ("aligning", "loss"), ("aligning", "reward"), ("aligning", "kl")]
    picture = draw_curve(tmp_path, "rlhf j9")
    assert picture is not None
    assert size(picture)[1] > 900
    said = (tmp_path / CAPTION).read_text()
    assert said.startswith("Learning to reward: loss fell from 1 to 0.125 over 8 steps; aligning: loss stayed")
    assert "aligning: reward rose from 1 to 8 over 8 steps" in said


def test_rubbish_among_the_events_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, losses(3.0, 2.0, 1.0))
    with (tmp_path / "attempt-1" / "events.jsonl").open("ab") as file:
        file.write(b'\xff\xfe"metrics":{"\n{"metrics":{"loss":\n' + json.dumps({"metrics": {"loss": 1}}).encode())
    (tmp_path / "attempt-x").mkdir()
    (tmp_path / "attempt-3").write_text("a file")
    assert describe(read_series(tmp_path)) == "Loss fell from 3 to 1 over 30 steps."


def test_titles_and_names_are_text_not_formulas(tmp_path: Path) -> None:
    write(tmp_path, [("$\\frac", step, {"lo$s_1": 1.0 * step}) for step in range(1, 5)])
    write(tmp_path, [("b$", step, {"m": 1.0 * step}) for step in range(1, 5)])
    assert draw_curve(tmp_path, "x_1 $\\nonsense{ j1") is not None


def test_drawing_again_replaces_the_picture(tmp_path: Path) -> None:
    write(tmp_path, losses(3.0, 2.0, 1.0))
    draw_curve(tmp_path, "t")
    write(tmp_path, [("fine-tuning", 40, {"loss": 0.1})])
    draw_curve(tmp_path, "t")
    assert "to 0.1 over 40 steps" in (tmp_path / CAPTION).read_text()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [PICTURE, CAPTION]


# --- on the job's side -------------------------------------------------------------------------------------------


def run(job: Path, **params: object) -> Ending:
    folder = AttemptFolder(job, 1)
    folder.prepare(Spec.model_validate({"job": job.name, "tool": "learn", "params": params}))
    command = [sys.executable, "-m", "tools.jobs.runner", str(job), "1", "--registry", "curve_samples:TOOLS"]
    environment = job_environment({"PYTHONPATH": str(Path(__file__).parent)})
    subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    ending = folder.read_ending()
    assert ending is not None
    return ending


@pytest.mark.parametrize(("diverges", "outcome"), [(False, "succeeded"), (True, "failed")])
def test_a_job_draws_its_curve_when_it_ends_however_it_ends(tmp_path: Path, diverges: bool, outcome: str) -> None:
    job = tmp_path / "jobs" / "j1"
    assert run(job, diverges=diverges).outcome == outcome
    assert size(job / PICTURE)[0] >= 1000
    assert (job / CAPTION).read_text().strip() == "Loss fell from 2 to 0.1 over 20 steps."


def test_a_picture_that_cannot_be_drawn_spoils_nothing(tmp_path: Path) -> None:
    job = tmp_path / "jobs" / "j1"
    (job / PICTURE).mkdir(parents=True)
    assert run(job).outcome == "succeeded"
    assert "The curve could not be drawn" in AttemptFolder(job, 1).log.read_text()
