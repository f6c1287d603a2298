"""The manifest asks Slack for what the code uses, and for nothing else."""

import ast
import json
import re
from pathlib import Path

from slack_listening import listening_to
from slack_sdk.web.async_client import AsyncWebClient

import agent.slack
from agent.__main__ import main
from agent.slack.manifest import COMMAND, EVENTS, METHODS, PROMPTS, SHORTCUT, manifest, scopes

_METHOD = re.compile(r"[a-z]+(?:\.[a-zA-Z0-9]+){1,3}")
_OF_THE_SDK = {  # calls that are not named by their method
    "issue_new_wss_url": {"apps.connections.open"},
    "files_upload_v2": {"files.getUploadURLExternal", "files.completeUploadExternal"},
    "AsyncOAuthFlow": {"oauth.v2.access", "auth.test"},
}


_NONE = ("api.call", "files.upload.v2")  # the SDK's own names


def is_method(text):
    return text not in _NONE and bool(_METHOD.fullmatch(text)) and hasattr(AsyncWebClient, text.replace(".", "_"))


def called_in(source):
    """Every Web API method that a module's functions name, or call through the SDK."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_method(node.value):
                yield node.value
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            yield from _OF_THE_SDK.get(name, ())
            if isinstance(node, ast.Attribute) and is_method(name.replace("_", ".")):
                yield name.replace("_", ".")


def test_the_methods_of_the_table_are_those_the_code_calls():
    folder = Path(agent.slack.__file__).parent
    called = {method for path in folder.rglob("*.py") for method in called_in(path.read_text(encoding="utf-8"))}
    assert called == set(METHODS)


def test_the_events_of_the_manifest_are_those_listened_to():
    listeners, app = listening_to()
    assert set(listeners.events()) == {event.partition(".")[0] for event in EVENTS}
    assert set(app.heard["event"]) == set(listeners.events())
    assert app.heard["command"] == [COMMAND] and app.heard["message_shortcut"] == [SHORTCUT]


def test_the_scopes_are_those_of_events_methods_and_ways_in():
    assert scopes() == (
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "im:history",
        "im:write",
        "users:read",
    )
    assert manifest()["oauth_config"]["scopes"]["bot"] == list(scopes())


def test_socket_mode_names_no_address_and_http_one_everywhere():
    plain, public = json.dumps(manifest()), manifest("https://odyssey.example/")
    assert "http" not in plain and '"socket_mode_enabled": true' in plain
    address = "https://odyssey.example/slack/events"
    assert public["settings"]["socket_mode_enabled"] is False
    assert public["settings"]["interactivity"]["request_url"] == address
    assert public["settings"]["event_subscriptions"]["request_url"] == address
    assert public["features"]["slash_commands"][0]["url"] == address
    assert public["oauth_config"]["redirect_urls"] == ["https://odyssey.example/slack/oauth_redirect"]


def test_slacks_bounds_are_kept():
    found = manifest()
    shown, features = found["display_information"], found["features"]
    assert len(shown["name"]) <= 35 and len(shown["description"]) <= 140
    assert len(features["shortcuts"][0]["name"]) <= 24
    assert features["slash_commands"][0]["should_escape"] is True
    assert 1 <= len(PROMPTS) <= 4


def test_the_command_prints_it(capsys, tmp_path):
    assert main(["--home", str(tmp_path), "slack", "manifest"]) == 0
    assert json.loads(capsys.readouterr().out) == manifest()
    assert main(["--home", str(tmp_path), "slack", "manifest", "--url", "http://odd"]) == 1
    assert "--url" in capsys.readouterr().err
