"""The app's manifest, computed from what the code listens to and calls, so that it asks Slack for nothing else.

Scopes and events are those of Slack's reference of methods and events. Listeners register the events of `EVENTS`; a
test compares `METHODS` with the Web API methods that the code calls.
"""

from collections.abc import Mapping

from pydantic import JsonValue

COMMAND = "/odyssey"
SHORTCUT = "ask_odyssey"
EVENTS_PATH = "/slack/events"
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"

PROMPTS: tuple[tuple[str, str], ...] = (  # title and message; Slack shows at most four
    ("What can you do?", "help"),
    ("Where do we stand?", "status"),
    ("What is next, and why?", "what next and why"),
    ("Start a project", "how do I start a project?"),
)

EVENTS: Mapping[str, tuple[str, ...]] = {  # subscription: the scopes without which Slack does not send it
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "app_home_opened": (),
    "agent_session_stopped": ("assistant:write",),
    "app_uninstalled": (),
    "tokens_revoked": (),
}

_HISTORY = ("channels:history", "groups:history", "im:history")
METHODS: Mapping[str, tuple[str, ...]] = {  # Web API method: the bot's scopes it needs
    "agents.sessions.setStatus": ("assistant:write",),
    "apps.connections.open": (),  # by the app-level token, with connections:write
    "assistant.threads.setStatus": ("assistant:write",),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
    "auth.test": (),
    "chat.appendStream": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.replies": _HISTORY,
    "conversations.open": ("im:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "oauth.v2.access": (),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
}
_WAYS_IN = ("commands", "files:read")  # the slash command and the shortcut; fetching a file a person shared


def scopes() -> tuple[str, ...]:
    """The bot scopes that events and methods need, sorted."""
    needed = {scope for table in (EVENTS, METHODS) for many in table.values() for scope in many}
    return tuple(sorted(needed | set(_WAYS_IN)))


def manifest(url: str | None = None) -> dict[str, JsonValue]:
    """The manifest to paste into Slack: for Socket Mode, or for HTTP where Slack reaches the app at `url`."""
    return {
        "display_information": {
            "name": "Odyssey",
            "description": "Leads a language-model project from scope to launch, and does the work.",
            "background_color": "#1d3b53",
        },
        "features": _features(url),
        "oauth_config": {
            **({"redirect_urls": [url.rstrip("/") + REDIRECT_PATH]} if url else {}),
            "scopes": {"bot": list(scopes())},
        },
        "settings": {
            "event_subscriptions": {**_request(url), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **_request(url)},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def _features(url: str | None) -> dict[str, JsonValue]:
    return {
        "bot_user": {"display_name": "Odyssey", "always_online": True},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "agent_view": {
            "agent_description": "Ask about a project, start its jobs, read the evidence, decide its gates.",
            "suggested_prompts": [{"title": title, "message": message} for title, message in PROMPTS],
        },
        "shortcuts": [
            {
                "name": "Ask Odyssey about this",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "A question about this message",
            }
        ],
        "slash_commands": [
            {
                "command": COMMAND,
                "description": "Anything you would say to Odyssey, for your eyes only",
                "usage_hint": "help | status | use PROJECT | role @person approver",
                "should_escape": True,  # people arrive as <@U…>, which has one meaning
                **({"url": url.rstrip("/") + EVENTS_PATH} if url else {}),
            }
        ],
    }


def _request(url: str | None) -> dict[str, JsonValue]:
    return {"request_url": url.rstrip("/") + EVENTS_PATH} if url else {}
