"""Payloads as Slack documents them, for the tests; every function gives a fresh one."""

from typing import Any

Doc = dict[str, Any]
TEAM, CHANNEL, DIRECT, ADA, BOT = "T0TEAM", "C0GENERAL", "D0ADA", "U0ADA", "U0ODYSSEY"
TS = "1700000000.000100"


def event(body: Doc, *, team: str = TEAM, event_id: str = "Ev0001") -> Doc:
    return {
        "token": "not used",
        "team_id": team,
        "api_app_id": "A0APP",
        "type": "event_callback",
        "event_id": event_id,
        "event_time": 1700000000,
        "authorizations": [{"enterprise_id": None, "team_id": team, "user_id": BOT, "is_bot": True}],
        "event": body,
    }


def said(text: str = "status", *, event_id: str = "Ev0001", **more: Any) -> Doc:
    body = {
        "type": "message",
        "channel": CHANNEL,
        "channel_type": "channel",
        "user": ADA,
        "text": text,
        "ts": TS,
        "event_ts": TS,
        "team": TEAM,
    }
    return event({key: value for key, value in (body | more).items() if value is not None}, event_id=event_id)


def mention(text: str = f"<@{BOT}> status", **more: Any) -> Doc:
    return said(text, **({"type": "app_mention", "channel_type": None, "event_id": "Ev0002"} | more))


def file(name: str = "rows.csv", size: int = 12, **more: Any) -> Doc:
    address = f"https://files.slack.com/files-pri/T0TEAM-F0FILE/{name}"
    return {
        "id": "F0FILE",
        "name": name,
        "size": size,
        "mimetype": "text/csv",
        "url_private": address,
        "url_private_download": address + "?download",
    } | more


def command(text: str = "status", **more: Any) -> Doc:
    return {
        "token": "not used",
        "team_id": TEAM,
        "team_domain": "team",
        "channel_id": CHANNEL,
        "channel_name": "general",
        "user_id": ADA,
        "user_name": "ada",
        "command": "/odyssey",
        "text": text,
        "api_app_id": "A0APP",
        "response_url": "https://hooks.slack.com/commands/1",
        "trigger_id": "1.2.abc",
    } | more


def interaction(kind: str, **more: Any) -> Doc:
    return {
        "type": kind,
        "api_app_id": "A0APP",
        "token": "not used",
        "team": {"id": TEAM, "domain": "team"},
        "user": {"id": ADA, "username": "ada", "team_id": TEAM},
        "trigger_id": "1.2.abc",
    } | more


def shortcut(text: str = "what is LoRA?", **more: Any) -> Doc:
    message = {"type": "message", "ts": TS, "user": "U0GRACE", "text": text} | more.pop("message", {})
    return interaction(
        "message_action",
        callback_id="ask_odyssey",
        channel={"id": CHANNEL, "name": "general"},
        message_ts=TS,
        message=message,
        **more,
    )


def press(value: str = '{"say":"approve 31"}', action_id: str = "say:approve", **more: Any) -> Doc:
    action = {"type": "button", "action_id": action_id, "block_id": "b1", "value": value, "action_ts": "1700000005.1"}
    container = {"type": "message", "message_ts": TS, "channel_id": CHANNEL, "is_ephemeral": False}
    body: Doc = {
        "actions": [action],
        "channel": {"id": CHANNEL, "name": "general"},
        "message": {"type": "message", "ts": TS, "text": "card"},
        "container": container,
        "response_url": "https://hooks.slack.com/actions/1",
    }
    return interaction("block_actions", **(body | more))


def home_press() -> Doc:
    """A button of the App Home: it stands in no channel."""
    view = {"id": "V0HOME", "type": "home", "callback_id": "home"}
    return press(container={"type": "view", "view_id": "V0HOME"}, channel=None, message=None, view=view)


def submission(callback_id: str = "reason", values: Doc | None = None, metadata: str = "", **more: Any) -> Doc:
    view = {
        "id": "V0VIEW",
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": metadata,
        "state": {"values": values or {}},
        "hash": "1.abc",
        "team_id": TEAM,
    }
    return interaction("view_submission", view=view, **more)


def home_opened(tab: str = "home") -> Doc:
    return event({"type": "app_home_opened", "user": ADA, "channel": DIRECT, "tab": tab, "event_ts": TS})


def stopped(**more: Any) -> Doc:
    return event({"type": "agent_session_stopped", "user": ADA, "channel": DIRECT, "event_ts": TS} | more)


def uninstalled() -> Doc:
    return event({"type": "app_uninstalled"})


def revoked(*bots: str) -> Doc:
    return event({"type": "tokens_revoked", "tokens": {"oauth": [ADA], "bot": list(bots)}})


def everything() -> list[Doc]:
    """One of each."""
    return [
        said(f"<@{BOT}> status", files=[file()], subtype="file_share"),
        said("and now?", thread_ts="1600000000.000100"),
        said("hello", channel=DIRECT, channel_type="im"),
        mention(),
        command(),
        shortcut(),
        press(),
        press('{"turn":"t","good":true}', "feedback"),
        press("", "new_project"),
        press(
            container={"type": "view"},
            channel=None,
            message=None,
            view={"id": "V1", "type": "home", "callback_id": "home"},
        ),
        submission(values={"reason_field": {"reason_field": {"type": "plain_text_input", "value": "too slow"}}}),
        home_opened(),
        stopped(),
        uninstalled(),
        revoked(BOT),
    ]
