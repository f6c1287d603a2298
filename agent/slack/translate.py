"""From what Slack sends to what was said: pure functions that answer with deliveries, or with nothing to be done.

They raise `Malformed` where a payload has not Slack's shape, and nothing else.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import Field

from agent.slack import actions, forms
from agent.slack.model import Attachment, Delivery, Place, Way
from agent.slack.payloads import Command, Event, File, Malformed, Press, Said, Shortcut, Submission, moment, read
from tools.contract import Frozen, Tool

HELP = "help"
GREETING = "hello"  # somebody mentions Odyssey and says nothing
QUOTED = 800  # characters of a message somebody asks about; more are not read anyway

_SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})  # edits, joins and the like are no turns
_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_LEADING = " \t\n,:;-–—"
_SLACKBOT = "USLACKBOT"


class Ourselves(Frozen):
    """The app as one workspace knows it."""

    user: str  # its bot user's id
    several: bool = False  # installed into several workspaces: people are named with their workspace

    def person(self, team: str, user: str) -> str:
        """Who somebody is to Odyssey."""
        return f"{team}.{user}" if self.several else user


class Heard(Frozen):
    """What a message amounts to. `only_inside`: it counts only in a thread that Odyssey is in."""

    deliveries: tuple[Delivery, ...]
    only_inside: bool = False


def message(payload: object, us: Ourselves) -> Heard | None:
    """A message or a mention: what it says first, then each of its files. None where it is not for Odyssey."""
    event = read(Event, payload)
    said = event.event
    if not isinstance(said, Said):
        raise Malformed(f"A message is of type {said.type}.")
    if said.bot_id or said.hidden or said.subtype not in _SUBTYPES or said.user in (None, us.user, _SLACKBOT):
        return None
    way = _way(said, us)
    if way is None:
        return None
    place = _place(event.team, said, direct=way == "direct")
    base = Delivery(
        id=event.id,
        message=f"{event.team}:{said.channel}:{said.ts}",
        thread=place.key,
        place=place,
        actor=us.person(event.team, str(said.user)),
        at=moment(said.ts),
        way=way,
        text=plain(said.text or "", event.team, us),
    )
    if not base.text and not said.files:
        base = base.model_copy(update={"text": GREETING})
    spoken = (base,) if base.text else ()
    files = tuple(_upload(base, file) for file in said.files)
    return Heard(deliveries=(*spoken, *files), only_inside=way == "thread")


def _way(said: Said, us: Ourselves) -> Way | None:
    text = said.text or ""
    if said.channel_type == "im" or said.channel.startswith("D"):
        return "direct"
    if said.type == "app_mention" or f"<@{us.user}>" in text or f"<@{us.user}|" in text:
        return "mention"
    if said.thread_ts is None or re.match(r"\s*<@[A-Z0-9]+(?:\|[^<>]*)?>", text):
        return None  # talk in the channel, or between people in a thread: it begins with whom it is for
    return "thread"


def _place(team: str, said: Said, *, direct: bool) -> Place:
    """In a channel every answer stands in a thread; direct messages are one conversation of their own."""
    root = said.thread_ts or (None if direct else said.ts)
    return Place(team=team, channel=said.channel, thread_ts=root)


def _upload(base: Delivery, file: File) -> Delivery:
    """A file is a turn of its own, recognised by itself: an `app_mention` may come without the message's files."""
    attachment = Attachment(id=file.id, name=file.name or file.id, size=file.size, url=file.url, mimetype=file.mimetype)
    name = f"file:{base.message}:{file.id}"
    return base.model_copy(update={"id": name, "message": None, "way": "upload", "text": "", "files": (attachment,)})


def command(payload: object, us: Ourselves, now: datetime) -> Delivery:
    """A slash command: its text is what is said, in a conversation that only this person sees."""
    given = read(Command, payload)
    place = Place(team=given.team, channel=given.channel)
    return Delivery(
        id=_once("command", given.trigger),
        thread=private(place, given.user),
        place=place,
        actor=us.person(given.team, given.user),
        at=now,
        way="command",
        text=plain(given.text, given.team, us) or HELP,
    )


def private(place: Place, user: str) -> str:
    """The conversation of a person's slash commands in a channel."""
    return f"slack:{place.team}:{place.channel}:/:{user}"


def shortcut(payload: object, us: Ourselves, now: datetime) -> Delivery | None:
    """Ask about a message, in its thread. Its text is quoted: no command in it is one. None where it has no text."""
    chosen = read(Shortcut, payload)
    text = plain(chosen.text or "", chosen.team, us)
    if not text:
        return None
    root = None if chosen.channel.startswith("D") and chosen.thread_ts is None else chosen.thread_ts or chosen.ts
    place = Place(team=chosen.team, channel=chosen.channel, thread_ts=root)
    return Delivery(
        id=_once("shortcut", chosen.trigger),
        thread=place.key,
        place=place,
        actor=us.person(chosen.team, chosen.user),
        at=now,
        way="shortcut",
        text=f"explain: “{quoted(text)}”",
    )


def quoted(text: str) -> str:
    """Somebody's words on one line, without the quotation marks that would end the quotation."""
    line = " ".join(text.translate(str.maketrans("“”", "''")).split())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def press(payload: object, us: Ourselves, now: datetime, home: Place | None = None) -> Delivery | None:
    """A button that says something; None for one that only opens a window or votes.

    `home`: where the person's direct messages are, for the buttons of the App Home, which stand in no channel.
    """
    pressed = read(Press, payload)
    action = pressed.actions[0]
    said = actions.pressed({"action_id": action.action_id, "value": action.value})
    if said is None:
        return None
    place, thread = where(pressed, home)
    return Delivery(
        id=_once("press", pressed.trigger, action.action_id, action.at or ""),
        thread=thread,
        place=place,
        actor=us.person(pressed.team, pressed.user),
        at=now,
        way="command" if _is_private(thread) else "button",
        text=said.say,
        seen=said.seen,
        project=said.project,
    )


def where(pressed: Press, home: Place | None) -> tuple[Place, str]:
    """Where a press is answered, and its conversation: below its message; an ephemeral one continues the commands."""
    if pressed.channel is None:
        if home is None:
            raise Malformed("A press names no channel.")
        return home, home.key
    place = Place(team=pressed.team, channel=pressed.channel, thread_ts=pressed.thread_ts)
    if pressed.thread_ts is None and pressed.ephemeral:
        return place, private(place, pressed.user)
    if pressed.thread_ts is not None or pressed.channel.startswith("D") or pressed.message_ts is None:
        return place, place.key
    below = place.model_copy(update={"thread_ts": pressed.message_ts})
    return below, below.key


class Sent(Frozen):
    """A modal that was sent: what it says, or what is wrong by block id; neither where it asked for nothing."""

    delivery: Delivery | None = None
    faults: dict[str, str] = Field(default_factory=dict)


def submission(
    payload: object,
    us: Ourselves,
    now: datetime,
    home: Place | None = None,
    catalogue: Mapping[str, Tool] = MappingProxyType({}),
) -> Sent:
    """A modal that was sent. One window is sent once, however often that is delivered."""
    sent = read(Submission, payload)
    view = sent.view.model_dump(mode="json")
    meant = forms.submitted(view, catalogue) if sent.view.callback_id == actions.FORM else actions.submitted(view)
    if meant.press is None:
        return Sent(faults=meant.faults)
    place = meant.origin.place or home
    if place is None:
        raise Malformed("A window names no channel.")
    thread = meant.origin.thread or place.key
    delivery = Delivery(
        id=_once("view", sent.team, sent.view.id),
        thread=thread,
        place=place,
        actor=us.person(sent.team, sent.user),
        at=now,
        way="command" if _is_private(thread) else "modal",
        text=meant.press.say,
        seen=meant.press.seen,
        project=meant.press.project,
    )
    return Sent(delivery=delivery)


def _is_private(thread: str) -> bool:
    return ":/:" in thread


def plain(text: str, team: str, us: Ourselves) -> str:
    """Slack's markup as a person typed it: people become their ids, links their text, Odyssey's own name goes."""
    bare = _TOKEN.sub(lambda token: _token(token, team, us), text)
    bare = _ENTITY.sub(lambda entity: _ENTITIES[entity[1]], bare)
    return bare.lstrip(_LEADING).rstrip() if f"<@{us.user}" in text else bare.strip()


def _token(token: re.Match[str], team: str, us: Ourselves) -> str:
    kind, target, label = token[1], token[2].strip(), (token[3] or "").strip()
    if kind == "@":
        return "" if target == us.user else us.person(team, target)
    if kind == "#":
        return "#" + (label or target)
    if kind == "!":
        return _special(target, label)
    address = target.removeprefix("mailto:")
    typed = not label or address.rstrip("/").endswith(label.rstrip("/"))  # Slack made a link of what looked like one
    return (label or address) if typed else f"{label} ({address})"


def _special(target: str, label: str) -> str:
    word = target.partition("^")[0]
    shown = label or word
    return shown if shown.startswith("@") or word == "date" else "@" + shown


def _once(kind: str, *parts: str) -> str:
    """An id made of what Slack repeats when it sends the same thing again."""
    return f"{kind}:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
