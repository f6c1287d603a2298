"""The command line as scripts use it: real processes, pipes, JSON, a home that outlives them and kill -9."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ODYSSEY = [sys.executable, "-m", "agent"]
ROOT = Path(__file__).parents[2]


def odyssey(home: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "ODYSSEY_WARM": "false"}
    return subprocess.run(
        [*ODYSSEY, "--home", str(home), *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=300,
        check=False,
    )


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which mei has a project with a registered data set."""
    home = tmp_path_factory.mktemp("home")
    rows = [{"text": f"where is order {n}", "label": ("track", "refund")[n % 2]} for n in range(120)]
    (home / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = odyssey(home, "chat", "--as", "mei", text="create project desk\nyes\nlater\nrole ben viewer\nyes\n")
    assert said.returncode == 0, said.stderr
    assert "mei> create project desk" in said.stdout and "is created" in said.stdout
    return home


@pytest.fixture(scope="module")
def registered(home: Path) -> dict:
    """What `odyssey run` printed about the job that registered the rows."""
    path = home / "rows.jsonl"
    ran = odyssey(
        home, "run", "data", "--project", "desk", "--as", "mei", "--set", f"path={path}", "--set", "name=orders",
        "--wait", "--json",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_every_command_explains_itself():
    for command in ("chat", "demo", "ask", "understand", "run", "status", "jobs", "audit", "doctor", "lifecycle"):
        shown = subprocess.run(
            [*ODYSSEY, command, "--help"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
        )
        assert shown.returncode == 0 and "usage:" in shown.stdout


def test_a_tool_runs_and_its_result_is_one_object(registered):
    assert registered["job"]["phase"] == "succeeded"
    assert registered["evidence"]["run"] == registered["job"]["id"]
    assert "120" in registered["evidence"]["summary"]


def test_status_jobs_and_audit_as_json(home, registered):
    status = json.loads(odyssey(home, "status", "--project", "desk", "--as", "ben", "--json").stdout)
    assert status["stage"] == "scope"
    jobs = json.loads(odyssey(home, "jobs", "--project", "desk", "--as", "ben", "--json").stdout)
    assert [job["id"] for job in jobs] == [registered["job"]["id"]]
    audit = odyssey(home, "audit", "--project", "desk", "--as", "ben", "--json")
    assert audit.returncode == 0
    assert [event["kind"] for event in json.loads(audit.stdout)["events"]][:2] == ["create_project", "set_role"]


def test_questions_one_object_a_line(home, registered):
    questions = "\n".join(json.dumps({"text": text}) for text in ("what is LoRA?", "where are we?", "zzz qqq?"))
    asked = odyssey(home, "ask", "--project", "desk", "--as", "mei", "--jsonl", "-", text=questions)
    assert asked.returncode == 0, asked.stderr
    lora, where, _ = objects(asked.stdout)
    assert any(citation["source"] == "lora.md" for citation in lora["citations"])
    assert "1 Define the scope" in where["answer"] and where["as_of"]


def test_text_for_people_has_no_markup(home, registered):
    for arguments in (("status",), ("jobs",), ("ask", "where are we?")):
        shown = odyssey(home, *arguments, "--project", "desk", "--as", "mei").stdout
        assert "desk" in shown and "as of" in shown
        assert "**" not in shown and "\n_" not in shown


def test_understanding_needs_no_home(tmp_path):
    sentences = "\n".join(json.dumps({"text": text}) for text in ("advance", "what should we do next?", "批准 31"))
    understood = odyssey(tmp_path / "none", "understand", "--jsonl", "-", text=sentences)
    assert understood.returncode == 0, understood.stderr
    assert [found["intent"] for found in objects(understood.stdout)] == ["advance", "next", "approve"]
    assert not (tmp_path / "none").exists()


def test_asking_changes_nothing(home, registered):
    before = odyssey(home, "audit", "--project", "desk", "--as", "mei", "--json").stdout
    for text in ("register data rows.jsonl as more", "approve 31", "reject 31 because of the interval"):
        asked = odyssey(home, "ask", text, "--project", "desk", "--as", "mei")
        assert asked.returncode == 0
        assert "`odyssey ask` changes nothing" in asked.stdout and "`yes`" not in asked.stdout
    assert odyssey(home, "audit", "--project", "desk", "--as", "mei", "--json").stdout == before


def test_another_process_asks_the_owner_and_a_kill_frees_the_home(home, registered):
    """While one process owns the home, others are answered by it; killed, it leaves the conversation where it was."""
    environment = {**os.environ, "ODYSSEY_WARM": "false"}
    owner = subprocess.Popen(
        [*ODYSSEY, "--home", str(home), "chat", "--as", "mei", "--project", "desk"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert owner.stdin is not None and owner.stdout is not None
    owner.stdin.write("charter target=0.8\n")
    owner.stdin.flush()
    while "Say `yes`" not in owner.stdout.readline():
        pass
    other = odyssey(home, "status", "--project", "desk", "--as", "ben")
    assert other.returncode == 0 and "1 Define the scope" in other.stdout
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    said = odyssey(home, "chat", "--as", "mei", text="yes\n")
    assert said.returncode == 0
    assert "target = 0.8" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status", "--project", "nowhere", "--as", "mei"), "sees no project called nowhere"),
        (("status", "--project", "desk", "--as", "stranger"), "sees no project called desk"),
        (("run", "data", "--project", "desk", "--as", "mei", "--set", "path"), "is not KEY=VALUE"),
        (("run", "nothing", "--project", "desk", "--as", "mei"), "no tool called nothing"),
        (("run", "data", "--project", "desk", "--as", "ben", "--set", "path=x"), "at least the role member"),
        (("run", "finetune", "--project", "desk", "--as", "mei", "--set", "rank=-4"), "rank"),
        (("chat", "--as", "a b"), "--as a b is no name"),
        (("chat", "--as", "odyssey"), "speak under a name of your own"),
    ],
)
def test_bad_requests_are_one_sentence(home, registered, arguments, sentence):
    done = odyssey(home, *arguments, text="hello\n")
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert sentence in told
    assert "Traceback" not in told


def test_a_home_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    done = odyssey(tmp_path / "file" / "home", "chat", "--as", "mei")
    assert done.returncode == 1
    assert "ODYSSEY_HOME" in done.stderr and "Traceback" not in done.stderr


def test_a_relative_path_is_meant_from_where_the_command_is_typed(home, registered):
    beside = os.path.relpath(home / "nothing.csv", ROOT)
    ran = odyssey(home, "run", "data", "--project", "desk", "--as", "mei", "--set", f"path={beside}", "--wait")
    assert ran.returncode == 1
    assert f"There is no file {ROOT / beside}" in ran.stdout or f"There is no file {home / 'nothing.csv'}" in ran.stdout
