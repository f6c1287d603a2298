"""The acts of the people API, one function each; their JSON is described in `people`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.workspace import agents, channel_acts, events, files, interactions, messages, modals, streams, typed
from agent.workspace.api_chat import thread_root
from agent.workspace.channel_acts import Act, Id, Perform, member_channel
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER, COMMANDS, SHORTCUTS
from agent.workspace.store import Doc
from agent.workspace.world import World

Text = Annotated[str, StringConstraints(max_length=40_000)]


class In(Act):
    channel: Id
    thread_ts: Id | None = None


class At(Act):
    channel: Id
    ts: Id


class Say(In):
    text: Text = ""
    files: list[Id] = Field(default=[], max_length=10)
    broadcast: bool = False


class Prompt(In):
    message: Text


class Edit(At):
    text: Text


class React(At):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+'-]{1,64}$")]
    add: bool = True


class Command(In):
    command: Id
    text: Text = ""


class Spot(BaseModel):
    """A message's place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    channel: Id
    ts: Id


class Element(Act):
    """An element of a message or of a view."""

    block_id: str
    action_id: str
    message: Spot | None = None
    view_id: Id | None = None


class Click(Element):
    chosen: Any = None


class Options(Element):
    value: Text = ""


class View(Act):
    view_id: Id


class Submit(View):
    values: dict[str, dict[str, Any]] = Field(default={})


class Shortcut(At):
    callback_id: Id


class Home(Act):
    tab: Literal["home", "messages"] = "home"


def message_for(world: World, person: str, channel: str, ts: str) -> Doc:
    """A message this person sees, an ephemeral of theirs too. Refused: message_not_found."""
    world.channel_of(person, channel)
    found = world.transient.ephemeral(channel, ts)
    if found is not None and found["for"] == person:
        return found
    found = world.store.message(channel, ts)
    if found is None:
        raise Refused("message_not_found")
    return found


async def say(world: World, given: Say) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    text = typed.encoded(given.text, world.store.every("person"), world.store.every("channel"))
    if not text.strip() and not given.files:
        raise Refused("no_text")
    body: Doc = {"user": given.person, "text": text, "client_msg_id": events.new_id("")}
    if given.files:
        body |= {"subtype": "file_share", "upload": False, "display_as_bot": False}
        body["files"] = [files.shared(world, each, given.person) for each in given.files]
        for file in body["files"]:
            files.share(world, file, channel["id"])
    if given.thread_ts is not None:
        body["thread_ts"] = thread_root(world, channel, given.thread_ts)
        if given.broadcast and not given.files:
            body["subtype"] = "thread_broadcast"
    message = messages.post(world, channel, body)
    _read(world, given.person, channel, message["ts"])
    return {"message": messages.live_form(message)}


async def take_prompt(world: World, given: Prompt) -> Doc:
    said = Say(person=given.person, channel=given.channel, thread_ts=given.thread_ts, text=given.message)
    return await say(world, said)


async def edit(world: World, given: Edit) -> Doc:
    channel = _own(world, given, "cant_update_message")
    text = typed.encoded(given.text, world.store.every("person"), world.store.every("channel"))
    if not text.strip():
        raise Refused("no_text")
    edited = {"user": given.person, "ts": world.next_ts()}
    message = messages.change(world, channel, given.ts, {"text": text, "edited": edited})
    return {"message": messages.live_form(message)}


async def delete(world: World, given: At) -> Doc:
    messages.delete(world, _own(world, given, "cant_delete_message"), given.ts)
    return {}


async def react(world: World, given: React) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    messages.react(world, channel, given.ts, given.person, given.name, add=given.add)
    return {}


async def typing(world: World, given: In) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    frame = {"type": "typing", "channel": channel["id"], "thread_ts": given.thread_ts, "user": given.person}
    world.live.tell([each for each in channel["members"] if each != given.person], frame)
    return {}


async def read(world: World, given: At) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    _read(world, given.person, channel, given.ts)
    return {}


async def command(world: World, given: Command) -> Doc:
    if given.command not in {each["command"] for each in COMMANDS}:
        raise Refused("unknown_command")
    channel = world.channel_of(world.person(given.person)["id"], given.channel)
    return {"response": await interactions.command(world, given.person, channel, given.command, given.text)}


async def click(world: World, given: Click) -> Doc:
    where = _where(world, given)
    press = interactions.press if "channel" in where else interactions.press_in_view
    await press(world, given.person, where, given.block_id, given.action_id, given.chosen)
    return {}


async def options(world: World, given: Options) -> Doc:
    where = _where(world, given)
    return await interactions.options(world, given.person, where, given.block_id, given.action_id, given.value)


async def submit(world: World, given: Submit) -> Doc:
    return await interactions.submit(world, given.person, _view(world, given.person, given.view_id), given.values)


async def close(world: World, given: View) -> Doc:
    await interactions.close(world, given.person, _view(world, given.person, given.view_id))
    return {}


async def shortcut(world: World, given: Shortcut) -> Doc:
    if given.callback_id not in {each["callback_id"] for each in SHORTCUTS}:
        raise Refused("unknown_shortcut")
    message = message_for(world, world.person(given.person)["id"], given.channel, given.ts)
    await interactions.shortcut(world, given.person, given.callback_id, message)
    return {}


async def home(world: World, given: Home) -> Doc:
    person = world.person(given.person)["id"]
    interactions.open_home(world, person, given.tab)
    view = modals.home(world, person)
    return {"view": modals.shown(view) if view else None, "channel": world.direct(person, BOT_USER)["id"]}


async def stop(world: World, given: In) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    session = agents.agent_of(world, channel["id"], given.thread_ts)["session"]
    if given.thread_ts is None or session is None or session["status"] != "processing":
        raise Refused("session_not_processing")
    event = {
        "type": "agent_session_stopped",
        "user": given.person,
        "channel": channel["id"],
        "thread_ts": given.thread_ts,
        "streaming_message_ts": streams.stop_in(world, channel, given.thread_ts),
        "event_ts": world.next_ts(),
    }
    world.emit(event)
    return {}


def _own(world: World, given: At, refusal: str) -> Doc:
    channel = member_channel(world, given.person, given.channel)
    message = world.store.message(channel["id"], given.ts)
    if message is None:
        raise Refused("message_not_found")
    if message.get("user") != given.person:
        raise Refused(refusal)
    return channel


def _read(world: World, person: str, channel: Doc, ts: str) -> None:
    world.store.put("read", f"{person}:{channel['id']}", {"ts": ts})
    unread = world.channel_for(person, channel)["unread"]
    world.live.tell([person], {"type": "unread", "channel": channel["id"], "unread": unread})


def _where(world: World, given: Element) -> Doc:
    world.person(given.person)
    if given.message is not None:
        return message_for(world, given.person, given.message.channel, given.message.ts)
    return _view(world, given.person, given.view_id)


def _view(world: World, person: str, view_id: str | None) -> Doc:
    view = modals.get(world, view_id)
    if view["person"] != person:
        raise Refused("not_found")
    return view


ACTS: dict[str, tuple[type[BaseModel], Perform]] = {
    "say": (Say, say),
    "prompt": (Prompt, take_prompt),
    "edit": (Edit, edit),
    "delete": (At, delete),
    "react": (React, react),
    "typing": (In, typing),
    "read": (At, read),
    "command": (Command, command),
    "click": (Click, click),
    "options": (Options, options),
    "submit": (Submit, submit),
    "close": (View, close),
    "shortcut": (Shortcut, shortcut),
    "home": (Home, home),
    "stop": (In, stop),
    **channel_acts.ACTS,
}
