"""The acts of the people API that make and change channels and people; their JSON is described in `people`."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.workspace import events, seed
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER, TEAM
from agent.workspace.store import Doc
from agent.workspace.world import World

Id = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Perform = Callable[[World, Any], Awaitable[Doc]]
COLORS = ("#8a5a83", "#2f7f6f", "#a2473c", "#5b6bb5", "#7d7a2a")


class Act(BaseModel):
    """Who does it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    person: Id


class Open(Act):
    users: list[Id] = Field(min_length=1, max_length=8)


class Room(Act):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    private: bool = False


class Channel(Act):
    channel: Id


class Invite(Channel):
    user: Id


class Newcomer(BaseModel):
    """Anybody may add one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    person: Id | None = None
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,20}$")]
    real_name: Annotated[str, StringConstraints(min_length=1, max_length=80)]


def member_channel(world: World, person: str, channel: str) -> Doc:
    """A channel in which the person may speak. Refused: not_in_channel."""
    world.person(person)
    found = world.channel_of(person, channel)
    if person not in found["members"]:
        raise Refused("not_in_channel")
    return found


async def open_dm(world: World, given: Open) -> Doc:
    people = [world.person(each)["id"] for each in (given.person, *given.users)]
    return {"channel": world.channel_for(given.person, world.direct(*people))}


async def make_channel(world: World, given: Room) -> Doc:
    name = re.sub(r"[^\w-]+", "-", given.name.lower()).strip("-")
    if not name:
        raise Refused("invalid_name")
    if any(each["name"] == name for each in world.store.every("channel")):
        raise Refused("name_taken")
    channel = {
        "id": events.new_id("C"),
        "name": name,
        "kind": "private" if given.private else "channel",
        "members": [world.person(given.person)["id"]],
        "topic": "",
        "creator": given.person,
        "created": int(world.clock()),
    }
    world.keep_channel(channel)
    return {"channel": world.channel_for(given.person, channel)}


async def join(world: World, given: Channel) -> Doc:
    channel = world.channel_of(world.person(given.person)["id"], given.channel)
    return _joined(world, channel, given.person, given.person)


async def invite(world: World, given: Invite) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    return _joined(world, channel, world.person(given.user)["id"], given.person)


async def leave(world: World, given: Channel) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    if channel["kind"] == "dm":
        raise Refused("method_not_supported_for_channel_type")
    left = channel | {"members": [each for each in channel["members"] if each != given.person]}
    world.keep_channel(left)
    world.live.tell([given.person], {"type": "channel", "channel": world.channel_for(given.person, left)})
    return {"channel": world.channel_for(given.person, left)}


async def add_person(world: World, given: Newcomer) -> Doc:
    known = world.store.every("person")
    if any(each["name"] == given.name for each in known):
        raise Refused("name_taken")
    color = COLORS[len(known) % len(COLORS)]
    person = seed.person_of(events.new_id("U"), given.name, given.real_name, color)
    world.store.put("person", person["id"], person)
    world.live.tell_all({"type": "person", "person": person})
    for channel in world.store.every("channel"):
        if channel["name"] in [each[1] for each in seed.CHANNELS]:
            world.keep_channel(channel | {"members": [*channel["members"], person["id"]]})
    world.direct(person["id"], BOT_USER)
    return {"person": person}


def _joined(world: World, channel: Doc, person: str, by: str) -> Doc:
    if channel["kind"] in ("dm", "group"):
        raise Refused("method_not_supported_for_channel_type")
    if person not in channel["members"]:
        channel = channel | {"members": [*channel["members"], person]}
        world.keep_channel(channel)
        kind = events.CHANNEL_TYPES[channel["kind"]][0].upper()
        event = {"type": "member_joined_channel", "user": person, "channel": channel["id"], "channel_type": kind}
        if BOT_USER in channel["members"]:
            world.emit(event | {"team": TEAM, "inviter": by, "event_ts": world.next_ts()})
    return {"channel": world.channel_for(by, channel)}


ACTS: dict[str, tuple[type[BaseModel], Perform]] = {
    "open": (Open, open_dm),
    "channels": (Room, make_channel),
    "join": (Channel, join),
    "leave": (Channel, leave),
    "invite": (Invite, invite),
    "people": (Newcomer, add_person),
}
