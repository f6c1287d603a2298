"""Slack's settings: every fault at once, no secret in any of them."""

import pytest
from cryptography.fernet import Fernet

from agent.errors import Configuration
from agent.settings import load_slack


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No `.env` and no variable of the machine's."""
    monkeypatch.chdir(tmp_path)
    for name in ("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET", "CLIENT_ID", "CLIENT_SECRET", "ENCRYPTION_KEY", "MODE"):
        monkeypatch.delenv(f"SLACK_{name}", raising=False)


def test_nothing_set_is_not_in_slack_and_empty_is_nothing(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    assert not load_slack().configured


def test_tokens_from_the_environment_or_a_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-file\nSLACK_APP_TOKEN=xapp-file\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-variable")
    settings = load_slack()
    assert settings.bot_token.get_secret_value() == "xoxb-variable"
    assert settings.app_token.get_secret_value() == "xapp-file"
    assert "xoxb" not in repr(settings) and "xapp" not in str(settings.model_dump())


def test_several_workspaces_need_http_a_secret_and_a_key():
    key = Fernet.generate_key().decode()
    given = {"mode": "http", "client_id": "1.2", "client_secret": "hush", "signing_secret": "hush"}
    assert load_slack(**given, encryption_key=key).several
    assert load_slack(**given, encryption_key=f"{key},{key}").several
    for wrong in ("short", "", "ü" * 44, f"{key},short"):
        with pytest.raises(Configuration, match="no Fernet key") as caught:
            load_slack(**given, encryption_key=wrong)
        assert "hush" not in str(caught.value) and key not in str(caught.value)


def test_every_fault_is_told_at_once_and_no_secret():
    with pytest.raises(Configuration) as caught:
        load_slack(bot_token="xapp-hidden", client_id="1.2", mode="socket")
    text = str(caught.value)
    for part in ("begin with xoxb-", "are both set", "SLACK_MODE=http", "SLACK_CLIENT_SECRET", "SLACK_ENCRYPTION_KEY"):
        assert part in text
    assert "hidden" not in text
    with pytest.raises(Configuration) as caught:
        load_slack(connections=11, ping_interval=-1, http_port=99999, bot_token="xoxb-hidden")
    assert all(name in str(caught.value) for name in ("SLACK_CONNECTIONS", "SLACK_PING_INTERVAL", "SLACK_HTTP_PORT"))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://slack.com/api", True),
        ("http://127.0.0.1:8377/api/", True),
        ("http://localhost:1/api/", True),
        ("http://slack.com/api/", False),
        ("http://127.0.0.1.example/api/", False),
        ("ftp://slack.com/", False),
        ("slack.com", False),
    ],
)
def test_tokens_are_sent_safely_or_not_at_all(url, good):
    if good:
        assert load_slack(api_url=url).api_url.endswith("/")
    else:
        with pytest.raises(Configuration, match="SLACK_API_URL"):
            load_slack(api_url=url)
