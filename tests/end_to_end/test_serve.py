"""`odyssey serve` as a process: its address, one owner a home, a clean end, faults in a sentence."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from workspace_case import PATIENCE, Person, text_of

from agent.__main__ import main

NO_PROXY = "http://127.0.0.1:9"  # nothing listens there
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-none", "SLACK_APP_TOKEN": "xapp-none"}


def environment(**more):
    """A machine behind a proxy, which what is on the machine itself is not asked of."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "ODYSSEY_"))}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "ODYSSEY_WARM": "false",
        "HTTPS_PROXY": NO_PROXY,
        "HTTP_PROXY": NO_PROXY,
        **more,
    }


def odyssey(home, *arguments, **variables):
    command = [sys.executable, "-m", "agent", "--home", str(home), *arguments]
    return subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A served home, the process and the local workspace's address."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "agent", "--home", str(home), "serve", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    address = None
    while address is None:
        line = process.stdout.readline()
        assert line, "it ended before it said where it is"
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
    yield home, process, address[0]
    if process.poll() is None:
        process.kill()
    process.stdout.close()
    process.wait(PATIENCE)


def test_it_says_where_it_is_and_answers_there(served):
    _, process, address = served
    assert "not Slack" in process.stdout.readline()
    ada = Person(address, "U000000ADA")
    try:
        assert "create project" in text_of(ada.wait_reply(ada.say("general", "@odyssey help")))
    finally:
        ada.close()


def test_other_commands_ask_it_and_a_second_one_says_who_owns_the_home(served):
    home, process, _ = served
    asked = odyssey(home, "ask", "status", "--as", "ada")
    assert asked.returncode == 0, asked.stderr
    second = odyssey(home, "serve", "--port", "0")
    assert second.returncode == 1
    assert f"owned by process {process.pid}" in second.stderr and "Traceback" not in second.stderr


def test_ctrl_c_ends_it_cleanly(served):
    home, process, _ = served
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "what was accepted is kept" in rest and "Traceback" not in rest
    assert not (home / "home.sock").exists()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {**TOKENS, "SLACK_API_URL": "http://slack.example/api"},
            "SLACK_API_URL: must begin with https://",
        ),
        ({"SLACK_BOT_TOKEN": "xoxb-none"}, "SLACK_APP_TOKEN is not set"),
        ({"SLACK_APP_TOKEN": "xapp-none"}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": "xoxb-none", "SLACK_MODE": "http"}, "SLACK_SIGNING_SECRET is not set"),
        ({"SLACK_CLIENT_ID": "1.2", "SLACK_MODE": "http"}, "SLACK_ENCRYPTION_KEY is no Fernet key"),
        ({**TOKENS, "SLACK_MODE": "telepathy"}, "SLACK_MODE: input should be 'socket' or 'http'"),
    ],
)
def test_settings_that_do_not_do_are_sentences(tmp_path, monkeypatch, capsys, variables, sentence):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["--home", str(tmp_path / "home"), "serve"]) == 1
    told = capsys.readouterr().err
    assert sentence in told and "-none" not in told
    assert not (tmp_path / "home").exists()


def test_a_taken_port_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = odyssey(tmp_path / "home", "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken; choose another with --port" in done.stderr and "Traceback" not in done.stderr
