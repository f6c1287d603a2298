"""`odyssey doctor`: every fault at once, however wrong the settings are."""

import json
import os

import pytest

from agent.__main__ import main


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No `.env` and no variable of the machine's."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("ODYSSEY_", "SLACK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ODYSSEY_HOME", str(tmp_path / "home"))


def examined(capsys, *more: str) -> tuple[int, dict]:
    status = main([*more, "doctor", "--json"])
    return status, json.loads(capsys.readouterr().out)


def found(shown: dict, subject: str, state: str) -> list[str]:
    return [row["found"] for row in shown["findings"] if (row["subject"], row["state"]) == (subject, state)]


def test_without_any_setting_nothing_is_at_fault(capsys):
    status, shown = examined(capsys)
    assert status == 0
    assert [row for row in shown["findings"] if row["state"] == "fault"] == []
    assert "local workspace" in found(shown, "slack", "note")[0]


def test_faulty_settings_are_told_together_with_all_the_rest(monkeypatch, capsys, tmp_path):
    (tmp_path / ".env").write_text("ODYSSEY_THRAEDS=3\n")
    (tmp_path / "file").touch()
    wrong = {
        "ODYSSEY_HOME": str(tmp_path / "file" / "home"),
        "ODYSSEY_THREADS": "many",
        "ODYSSEY_PERSON": "a b",
        "ODYSSEY_TRACKING": "mlflow,foo",
        "ODYSSEY_MODEL": "gpt",
        "SLACK_HTTP_PORT": "99999",
        "SLACK_BOT_TOKEN": "xapp-hidden",
        "SLACK_APP_TOKE": "hidden",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    status, shown = examined(capsys)
    assert status == 1
    faults = " ".join(found(shown, "settings", "fault") + found(shown, "slack", "fault"))
    for name in ("THREADS='many'", "PERSON='a b'", "TRACKING='foo'", "MODEL='gpt'", "SLACK_HTTP_PORT", "xoxb-"):
        assert name in faults
    assert "string should match" not in faults.lower() and "hidden" not in json.dumps(shown)
    assert "cannot be written to" in found(shown, "home", "fault")[0]
    notes = found(shown, "settings", "note")
    assert notes == ["ODYSSEY_THRAEDS is not a setting", "SLACK_APP_TOKE is not a setting"]
    assert found(shown, "torch", "ok")


def test_a_chat_model_needs_its_package_and_its_key(monkeypatch, capsys):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for model, fault in (("nosuch:thing", "no package langchain-nosuch"), ("openai:gpt-5", "without a key")):
        monkeypatch.setenv("ODYSSEY_MODEL", model)
        status, shown = examined(capsys)
        assert status == 1 and fault in found(shown, "model", "fault")[0]


def test_an_empty_variable_is_none(monkeypatch, capsys):
    monkeypatch.setenv("ODYSSEY_THREADS", "")
    monkeypatch.setenv("ODYSSEY_MODEL", "")
    status, shown = examined(capsys)
    assert status == 0 and shown["settings"]["model"] is None


def test_a_user_without_a_name_can_speak(monkeypatch, capsys):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert examined(capsys)[1]["settings"]["person"] == "nobody"


@pytest.mark.parametrize("before", [True, False])
def test_the_home_is_named_before_the_command_or_after_it(capsys, tmp_path, before):
    named, command = ["--home", str(tmp_path / "other")], ["doctor", "--json"]
    assert main(named + command if before else command + named) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["home"] == str(tmp_path / "other")
