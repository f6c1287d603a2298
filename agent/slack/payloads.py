"""What Odyssey reads of Slack's payloads: the fields below with their shapes, and nothing else of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent.errors import OdysseyError

LONGEST_TEXT = 40_000  # characters; Slack cuts a message's text there


class Malformed(OdysseyError):
    """A payload has not the shape that Slack's documentation gives it; it is ignored."""


Id = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,30}$")]  # of a team, channel, person, file or view
Timestamp = Annotated[str, Field(pattern=r"^\d{1,11}\.\d{1,9}$")]  # of a message, unique in its channel
EventId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
Trigger = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Name = Annotated[str, Field(max_length=300)]


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class File(Payload):
    id: Id
    name: Name | None = None
    size: int = Field(default=0, ge=0)
    mimetype: Name = ""
    url: Annotated[str, Field(max_length=4000)] = Field(
        default="", validation_alias=AliasChoices("url_private_download", "url_private")
    )


class Said(Payload):
    """A `message` or an `app_mention`."""

    type: Literal["message", "app_mention"]
    channel: Id
    channel_type: Literal["channel", "group", "im", "mpim", "app_home"] | None = None
    user: Id | None = None
    text: Text | None = None
    ts: Timestamp
    thread_ts: Timestamp | None = None
    subtype: Name | None = None
    bot_id: Name | None = None
    hidden: bool = False
    files: tuple[File, ...] = Field(default=(), max_length=100, strict=False)


class HomeOpened(Payload):
    type: Literal["app_home_opened"]
    user: Id
    channel: Id | None = None  # the direct messages with the app
    tab: Name = "home"


class SessionStopped(Payload):
    """A person pressed Stop in an agent's session."""

    type: Literal["agent_session_stopped"]
    user: Id | None = None
    channel: Id = Field(
        validation_alias=AliasChoices("channel", "channel_id", AliasPath("agent_session", "channel_id"))
    )
    thread_ts: Timestamp | None = Field(
        default=None, validation_alias=AliasChoices("thread_ts", AliasPath("agent_session", "thread_ts"))
    )


class Uninstalled(Payload):
    type: Literal["app_uninstalled"]


class Tokens(Payload):
    oauth: tuple[Id, ...] = Field(default=(), strict=False)
    bot: tuple[Id, ...] = Field(default=(), strict=False)


class Revoked(Payload):
    type: Literal["tokens_revoked"]
    tokens: Tokens = Tokens()


class Event(Payload):
    """The envelope of everything that is subscribed to."""

    team: Id = Field(validation_alias="team_id")
    id: EventId = Field(validation_alias="event_id")
    event: Annotated[Said | HomeOpened | SessionStopped | Uninstalled | Revoked, Field(discriminator="type")]


class Command(Payload):
    team: Id = Field(validation_alias="team_id")
    channel: Id = Field(validation_alias="channel_id")
    user: Id = Field(validation_alias="user_id")
    command: Name
    text: Text = ""
    trigger: Trigger = Field(validation_alias="trigger_id")


class _Interaction(Payload):
    team: Id = Field(validation_alias=AliasChoices(AliasPath("team", "id"), AliasPath("user", "team_id")))
    user: Id = Field(validation_alias=AliasPath("user", "id"))
    trigger: Trigger = Field(validation_alias="trigger_id")


class Shortcut(_Interaction):
    callback_id: Name
    channel: Id = Field(validation_alias=AliasPath("channel", "id"))
    ts: Timestamp = Field(validation_alias=AliasChoices(AliasPath("message", "ts"), "message_ts"))
    thread_ts: Timestamp | None = Field(default=None, validation_alias=AliasPath("message", "thread_ts"))
    text: Text | None = Field(default=None, validation_alias=AliasPath("message", "text"))


class Action(Payload):
    action_id: Name
    block_id: Name
    value: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, validation_alias=AliasChoices("value", AliasPath("selected_option", "value"))
    )
    at: Timestamp | None = Field(default=None, validation_alias="action_ts")


class View(Payload):
    id: Name
    type: Literal["modal", "home"]
    callback_id: Name
    private_metadata: Annotated[str, Field(max_length=3000)] = ""
    state: dict[str, JsonValue] = Field(default_factory=dict)
    root_view_id: Name | None = None


class Press(_Interaction):
    """Somebody pressed a button or chose an option: of a message, an ephemeral one, a modal or the App Home."""

    actions: tuple[Action, ...] = Field(min_length=1, max_length=25, strict=False)
    channel: Id | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("channel", "id"), AliasPath("container", "channel_id"))
    )
    message_ts: Timestamp | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("message", "ts"), AliasPath("container", "message_ts"))
    )
    thread_ts: Timestamp | None = Field(
        default=None,
        validation_alias=AliasChoices(AliasPath("message", "thread_ts"), AliasPath("container", "thread_ts")),
    )
    ephemeral: bool = Field(default=False, validation_alias=AliasPath("container", "is_ephemeral"))
    view: View | None = None


class Submission(_Interaction):
    view: View


Known = TypeVar("Known", bound=Payload)


def read(kind: type[Known], payload: object) -> Known:
    """The payload as `kind`. Raises `Malformed` naming the fields at fault, never their values."""
    if not isinstance(payload, Mapping):
        raise Malformed(f"A payload of {kind.__name__} is no object.")
    try:
        return kind.model_validate(dict(payload))
    except ValidationError as error:
        places = sorted({".".join(map(str, fault["loc"])) or "it" for fault in error.errors(include_input=False)})
        raise Malformed(f"A payload of {kind.__name__} is malformed at {', '.join(places)[:300]}.") from None
    except RecursionError:
        raise Malformed(f"A payload of {kind.__name__} is nested too deeply.") from None


def moment(ts: str) -> datetime:
    """The time of a Slack timestamp, seconds since 1970 with a fraction."""
    return datetime.fromtimestamp(float(ts), UTC)


_SHAPES: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("team", (dict, str)),
    ("enterprise", (dict, str)),
    ("user", (dict, str)),
    ("channel", (dict, str)),
    ("event", dict),
    ("message", dict),
    ("view", dict),
    ("container", dict),
    ("actions", list),
    ("authorizations", list),
    ("response_urls", list),
)
_EVENTS = frozenset(
    {"message", "app_mention", "app_home_opened", "agent_session_stopped", "app_uninstalled", "tokens_revoked"}
)
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (  # parts with what Bolt takes for text in them
    ("", ("type", "command", "callback_id", "trigger_id", "team_id", "user_id", "channel_id", "enterprise_id")),
    ("event", ("type", "subtype", "bot_id", "text", "thread_ts", "callback_id")),
    ("view", ("type", "callback_id", "app_installed_team_id")),
)


def check(payload: Any) -> bool:
    """Whether anybody listens to the payload. Raises `Malformed` where it cannot be taken apart safely.

    Bolt and the SDK read it before any listener does and trust it blindly; so it is held against what listeners read
    beforehand, and against the shapes of the parts that all payloads share.
    """
    if not isinstance(payload, dict) or not payload:
        raise Malformed("A payload is no object.")
    _check_shapes(payload)
    kind = _kind(payload)
    if kind is not None:
        read(kind, payload)
    return kind is not None or payload.get("type") == "url_verification" or "ssl_check" in payload


def _kind(payload: dict[str, Any]) -> type[Payload] | None:
    if "command" in payload:
        return Command
    match payload.get("type"):
        case "event_callback":
            event = payload.get("event")
            known = isinstance(event, dict) and event.get("type") in _EVENTS
            return Event if known or not isinstance(event, dict) else None
        case "block_actions":
            return Press
        case "view_submission":
            return Submission
        case "message_action":
            return Shortcut
    return None


def _check_shapes(payload: dict[str, Any]) -> None:
    for name, shapes in _SHAPES:
        value = payload.get(name)
        if value is not None and not isinstance(value, shapes):
            raise Malformed(f"A payload is malformed at {name}.")
        if isinstance(value, list) and not all(isinstance(part, dict) for part in value):
            raise Malformed(f"A payload is malformed at {name}.")
    for place, names in _WORDS:
        part = payload.get(place) if place else payload
        for name in names:
            if isinstance(part, dict) and not isinstance(part.get(name), str | None):
                raise Malformed(f"A payload is malformed at {place}.{name}.")
    event = payload.get("event")
    for name in ("user", "channel", "message", "previous_message", "item", "assistant_thread"):
        if isinstance(event, dict) and not isinstance(event.get(name), str | dict | None):
            raise Malformed(f"A payload is malformed at event.{name}.")
