"""What a person types, as Slack's client sends it: names become references, & < > are escaped."""

import re
from collections.abc import Iterable

from agent.workspace.store import Doc

REFERENCE = re.compile(r"<(@[UW][A-Z0-9]+|#[CDG][A-Z0-9]+)(?:\|[^<>]*)?>")
PERSON = re.compile(r"(?<![\w@])@([\w.-]*\w)")
CHANNEL = re.compile(r"(?<![\w#&])#([\w-]+)")


def encoded(text: str, people: Iterable[Doc], channels: Iterable[Doc]) -> str:
    """`hi @ada <3` gives `hi <@U…> &lt;3`. References to known people and channels stay; unknown ones are text."""
    ids = {each["name"].lower(): each["id"] for each in people}
    rooms = {each["name"]: each["id"] for each in channels if each["name"]}
    known = {f"@{each}" for each in ids.values()} | {f"#{each}" for each in rooms.values()}
    parts, end = [], 0
    for found in REFERENCE.finditer(text):
        if found[1] in known:
            parts += [_plain(text[end : found.start()], ids, rooms), f"<{found[1]}>"]
            end = found.end()
    return "".join([*parts, _plain(text[end:], ids, rooms)])


def _plain(text: str, ids: dict[str, str], rooms: dict[str, str]) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = PERSON.sub(lambda found: f"<@{ids[found[1].lower()]}>" if found[1].lower() in ids else found[0], text)
    return CHANNEL.sub(lambda found: f"<#{rooms[found[1]]}|{found[1]}>" if found[1] in rooms else found[0], text)
