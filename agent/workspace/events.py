"""Events as Slack words them: pure functions from what happened to the JSON that the app receives."""

import secrets
from typing import Any

from agent.workspace.identity import APP, BOT_USER, TEAM
from agent.workspace.store import Doc

CHANNEL_TYPES = {"channel": "channel", "private": "group", "dm": "im", "group": "mpim"}
HIDDEN = (
    "channel",
    "metadata",
    "streaming",
    "unfurl_links",
    "unfurl_media",
)  # kept, but no part of a message that Slack shows


def new_id(prefix: str) -> str:
    """`Ev0A1B2C3D4E…`: Slack's alphabet, enough digits to be unique for ever."""
    return prefix + secrets.token_hex(8).upper()


def shown(message: Doc, *, with_metadata: bool = False) -> Doc:
    """A stored message as Slack's API shows it; its metadata only where it was asked for."""
    body = {name: value for name, value in message.items() if name not in HIDDEN}
    if with_metadata and "metadata" in message:
        body["metadata"] = message["metadata"]
    return body


def callback(event: Doc, *, token: str, at: int) -> Doc:
    """The outer event_callback; every call makes another event_id."""
    authorization = {
        "enterprise_id": None,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": token,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": at,
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_hex(16)}",
    }


def message_event(message: Doc, channel: Doc) -> Doc:
    """A new message, as `message.channels`, `message.groups`, `message.im` or `message.mpim`."""
    return {
        **shown(message),
        "channel": channel["id"],
        "event_ts": message["ts"],
        "channel_type": CHANNEL_TYPES[channel["kind"]],
    }


def mention_event(message: Doc, channel: Doc) -> Doc:
    """The same message as `app_mention`: Slack leaves out subtype and channel_type."""
    body = message_event(message, channel)
    return {name: value for name, value in body.items() if name not in ("subtype", "channel_type")} | {
        "type": "app_mention"
    }


def changed_event(message: Doc, previous: Doc, channel: Doc, ts: str) -> Doc:
    """`message_changed`; `ts` is the change's own."""
    return _about(channel, ts, subtype="message_changed", message=shown(message), previous_message=shown(previous))


def deleted_event(previous: Doc, channel: Doc, ts: str) -> Doc:
    """`message_deleted`."""
    return _about(channel, ts, subtype="message_deleted", deleted_ts=previous["ts"], previous_message=shown(previous))


def _about(channel: Doc, ts: str, **more: Any) -> Doc:
    kind = CHANNEL_TYPES[channel["kind"]]
    return {
        "type": "message",
        "hidden": True,
        "channel": channel["id"],
        "channel_type": kind,
        "ts": ts,
        "event_ts": ts,
    } | more
