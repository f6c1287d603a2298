"""The main job: the sample project from scope to launch, as `make demo` plays it; its summary shows the times."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def odyssey(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", "--home", str(home), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, check=False
    )


@pytest.mark.bench
def test_the_sample_project_is_launched_through_its_own_gates(tmp_path: Path) -> None:
    done = odyssey(tmp_path, "demo")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    status = json.loads(odyssey(tmp_path, "status", "--project", "support-desk", "--as", "mei", "--json").stdout)
    assert status["stage"] == "launched"
    audit = odyssey(tmp_path, "audit", "--project", "support-desk", "--as", "omar", "--json")
    assert audit.returncode == 0
    kinds = [event["kind"] for event in json.loads(audit.stdout)["events"] if event["accepted"]]
    assert kinds.count("approve") == 3 and "waive" not in kinds
    report = done.stdout.split("Report: ")[1].split(" and ")[0]
    assert "support-desk is launched" in Path(report).read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_interrupted_demonstration_says_how_to_go_on_and_is_gone_on_with(tmp_path: Path) -> None:
    rows = "".join(f"where is order {n},{('track', 'refund')[n % 2]}\n" for n in range(1600))  # enough to go on with
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}")
    command = [
        sys.executable,
        "-m",
        "agent",
        "--home",
        str(tmp_path / "home"),
        "demo",
        "--data",
        f"{tmp_path}/rows.csv",
    ]
    environment = {**os.environ, "NO_COLOR": "1"}
    played = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert played.stdout is not None
    while "is accepted" not in (line := played.stdout.readline()):
        assert line, "the demonstration ended before it began"
    played.send_signal(signal.SIGINT)
    told, complaint = played.communicate()
    assert played.returncode == 130, told + complaint
    assert "Traceback" not in told + complaint
    assert f"--home {tmp_path / 'home'} chat --as mei --project questions" in told
    shown = odyssey(tmp_path / "home", "status", "--project", "questions", "--as", "mei")
    assert shown.returncode == 0 and "questions" in shown.stdout
