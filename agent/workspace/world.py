"""The workspace's state and its two audiences: the people who watch (live) and the app (events)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.workspace import events
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER, Credentials
from agent.workspace.limits import Limits
from agent.workspace.live import Live
from agent.workspace.store import Doc, Store
from agent.workspace.transient import Transient


class Courier(Protocol):
    """The way to the app: Socket Mode or signed HTTP."""

    @property
    def connected(self) -> bool:
        """Whether the app is there."""
        ...

    @property
    def pending(self) -> int:
        """Events on their way."""
        ...

    def start(self) -> None:
        """Take up what was accepted before a restart."""
        ...

    async def close(self) -> None:
        """Stop; events not acknowledged stay in the store."""
        ...

    def send(self, callback: Doc) -> None:
        """Take an event to the app, until it is acknowledged or the retries are spent. Returns at once."""
        ...

    async def ask(self, kind: str, payload: Doc) -> Doc | None:
        """Take an interaction ("interactive") or a command ("slash_commands") and wait for its answer.

        Unanswered: there is no app, or it did not answer in time.
        """
        ...


@dataclass
class World:
    """What everything else works on. Used in the one event loop of the server."""

    folder: Path
    store: Store
    live: Live
    limits: Limits
    credentials: Credentials
    courier: Courier
    transient: Transient
    base_url: str = ""  # http://127.0.0.1:PORT, without a slash at its end
    clock: Callable[[], float] = time.time
    closed: bool = False  # the server has stopped: what comes late does nothing
    _last: int = field(default=0)  # microseconds of the newest timestamp given out

    def next_ts(self) -> str:
        """A timestamp later than every other: Slack's name for a message."""
        if not self._last:
            newest = self.store.latest() or "0.0"
            self._last = int(newest.replace(".", ""))
        self._last = max(int(self.clock() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def emit(self, event: Doc) -> None:
        """Tell the app."""
        self.courier.send(events.callback(event, token=self.credentials.verification_token, at=int(self.clock())))

    def person(self, person: str | None) -> Doc:
        """A person or the bot. Refused: user_not_found."""
        found = self.store.get("person", person) if person else None
        if found is None:
            raise Refused("user_not_found")
        return found

    def channel(self, channel: str | None) -> Doc:
        """Refused: channel_not_found."""
        found = self.store.get("channel", channel) if channel else None
        if found is None:
            raise Refused("channel_not_found")
        return found

    def channel_of(self, person: str, channel: str | None) -> Doc:
        """A channel this person can see: a public one or one of theirs. Refused: channel_not_found."""
        found = self.channel(channel)
        if found["kind"] != "channel" and person not in found["members"]:
            raise Refused("channel_not_found")
        return found

    def bot_channel(self, channel: str | None) -> Doc:
        """A channel in which the bot may post; a user id stands for the DM with them. Refused: not_in_channel too."""
        if channel and channel.startswith(("U", "W")):
            return self.direct(self.person(channel)["id"], BOT_USER)
        if channel and channel.startswith("#"):
            named = [each for each in self.store.every("channel") if each["name"] == channel[1:]]
            channel = named[0]["id"] if named else channel
        found = self.channel_of(BOT_USER, channel)
        if BOT_USER not in found["members"]:
            raise Refused("not_in_channel")
        return found

    def direct(self, *people: str) -> Doc:
        """The DM of two people, or the group's of more; made on first use."""
        members = sorted(set(people))
        kind = "dm" if len(members) <= 2 else "group"
        for each in self.store.every("channel"):
            if each["kind"] == kind and sorted(each["members"]) == members:
                return each
        channel = {
            "id": events.new_id("D" if kind == "dm" else "G"),
            "name": "" if kind == "dm" else "mpdm-" + "--".join(self.person(each)["name"] for each in members),
            "kind": kind,
            "members": members,
            "topic": "",
            "creator": people[0],
            "created": int(self.clock()),
        }
        self.keep_channel(channel)
        return channel

    def keep_channel(self, channel: Doc) -> None:
        """Store a new or changed channel and show it to its people (a public one to everybody)."""
        self.store.put("channel", channel["id"], channel)
        everybody = [each["id"] for each in self.store.every("person")]
        for person in everybody if channel["kind"] == "channel" else channel["members"]:
            self.live.tell([person], {"type": "channel", "channel": self.channel_for(person, channel)})

    def channel_for(self, person: str, channel: Doc) -> Doc:
        """A channel as the people API shows it to a person."""
        read = self.store.get("read", f"{person}:{channel['id']}") or {"ts": "0"}
        body = {name: channel[name] for name in ("id", "name", "kind", "members", "topic")}
        if channel["kind"] == "dm":
            others = [each for each in channel["members"] if each != person]
            body["user"] = others[0] if others else person
        is_member = person in channel["members"]
        unread = self.store.count_after(channel["id"], read["ts"], person) if is_member else 0
        return body | {"is_member": is_member, "unread": unread, "latest": self.store.latest(channel["id"])}
