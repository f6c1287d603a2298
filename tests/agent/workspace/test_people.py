"""The people API as the page and everybody's tests use it."""

from pathlib import Path

import pytest
from slack_sdk import WebClient
from workspace_case import Refusal, Workspace, text_of


def test_what_is_said_is_seen_by_the_others_and_survives_a_restart(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        ada, grace = workspace.person("ada"), workspace.person("grace")
        said = ada.say("general", "good morning @grace, is 3 < 4?")
        seen = grace.wait_for(lambda message: message["ts"] == said["ts"])
        assert seen["text"] == f"good morning <@{grace.id}>, is 3 &lt; 4?"
        token = workspace.server.bot_token
        workspace.restart()
        assert workspace.server.bot_token == token
        assert [each["ts"] for each in workspace.person("alan").history("general")] == [said["ts"]]
        later = workspace.person("ada").say("general", "later")
        assert later["ts"] > said["ts"]


def test_everything_visible_comes_live(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        ada, grace = workspace.person("ada"), workspace.person("grace")
        app = WebClient(token=workspace.server.bot_token, base_url=workspace.server.api_url)
        root = ada.say("general", "@odyssey go")
        thread = {"channel": root["channel"], "thread_ts": root["ts"]}
        app.assistant_threads_setStatus(channel_id=root["channel"], thread_ts=root["ts"], status="is thinking…")
        started = app.chat_startStream(**thread, recipient_team_id="T000LOCAL", recipient_user_id=ada.id)
        app.chat_appendStream(channel=root["channel"], ts=started["ts"], markdown_text="half ")
        app.chat_appendStream(channel=root["channel"], ts=started["ts"], markdown_text="whole")
        app.chat_stopStream(channel=root["channel"], ts=started["ts"])
        app.chat_postEphemeral(channel=root["channel"], user=ada.id, text="only Ada")
        reply = grace.wait_reply(root, lambda message: "whole" in text_of(message))
        assert "streaming" not in reply
        ada.wait_for(lambda message: message.get("ephemeral") and message["text"] == "only Ada")
        kinds = [frame["type"] for frame in ada.seen]
        assert "".join(frame["markdown"] for frame in ada.seen if frame["type"] == "stream") == "half whole"
        assert kinds.index("status") < kinds.index("stream") < kinds.index("ephemeral")
        assert [frame["n"] for frame in ada.seen] == list(range(1, len(ada.seen) + 1))
        assert "ephemeral" not in [frame["type"] for frame in grace.seen]


def test_unread_counts_what_others_said_and_reading_clears_it(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        ada, grace = workspace.person("ada"), workspace.person("grace")
        for number in range(3):
            last = ada.say("general", str(number))
        assert grace.wait_frame(lambda frame: frame["type"] == "unread" and frame["unread"] == 3)
        unread = {each["name"]: each["unread"] for each in grace.state()["channels"]}
        assert (unread["general"], unread["support-desk"]) == (3, 0)
        grace.act("read", channel=last["channel"], ts=last["ts"])
        assert {each["name"]: each["unread"] for each in grace.state()["channels"]}["general"] == 0
        assert {each["name"]: each["unread"] for each in ada.state()["channels"]}["general"] == 0


def test_channels_and_people_are_made_and_joined(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        ada, grace = workspace.person("ada"), workspace.person("grace")
        made = ada.act("channels", name="Model Zoo")["channel"]
        assert grace.wait_frame(lambda frame: frame["type"] == "channel" and frame["channel"]["id"] == made["id"])
        with pytest.raises(Refusal, match="not_in_channel"):
            grace.say("model-zoo", "may I?")
        grace.act("join", channel=made["id"])
        grace.say("model-zoo", "now I may")
        grace.act("leave", channel=made["id"])
        with pytest.raises(Refusal, match="name_taken"):
            ada.act("channels", name="model zoo")
        ada.act("people", name="kay", real_name="Alan Kay")
        kay = workspace.person("kay")
        kay.say("general", "hello")
        assert kay.channel("dm")
        private = ada.act("open", users=[grace.id])["channel"]
        assert private["kind"] == "dm"
        with pytest.raises(LookupError):
            kay.channel(private["id"])


REFUSALS: list[tuple[str, dict[str, str], str]] = [
    ("say", {"channel": "C00GENERAL", "text": "  "}, "no_text"),
    ("say", {"channel": "CNOWHERE", "text": "x"}, "channel_not_found"),
    ("say", {"text": "x"}, "invalid_arguments"),
    ("say", {"channel": "C00GENERAL", "text": "x", "extra": 1}, "invalid_arguments"),
    ("edit", {"channel": "C00GENERAL", "ts": "1.0", "text": "x"}, "message_not_found"),
    ("submit", {"view_id": "V1"}, "not_found"),
    ("people", {"name": "Not A Name", "real_name": "x"}, "invalid_arguments"),
    ("dance", {}, "unknown_act"),
]


def test_a_refusal_has_a_code_and_a_sentence(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        ada = workspace.person("ada")
        for act, body, code in REFUSALS:
            with pytest.raises(Refusal) as caught:
                ada.act(act, **body)
            assert caught.value.code == code
            assert caught.value.sentence
            assert 400 <= caught.value.status < 500


def test_the_helpers_faults_reach_the_app(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        app = WebClient(token=workspace.server.bot_token, base_url=workspace.server.api_url, retry_handlers=[])
        workspace.fail("chat.postMessage", "lost")
        with pytest.raises(OSError):
            app.chat_postMessage(channel="C00GENERAL", text="done all the same")
        assert workspace.person("ada").history("general")[0]["text"] == "done all the same"
        assert [call["status"] for call in workspace.calls("chat.postMessage")] == [200]
        assert workspace.cut() == 0
        workspace.weather(lose_acks=0.5)
        workspace.refresh()
