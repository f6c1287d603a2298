"""assistant.threads.*, agents.sessions.*, reactions.*: signs beside the messages."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.workspace import agents, messages
from agent.workspace.api import Arguments, FromJson, Method
from agent.workspace.api_chat import thread_root
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER
from agent.workspace.store import Doc
from agent.workspace.world import World

Line = Annotated[str, StringConstraints(max_length=500)]


class Status(Arguments):
    channel_id: str
    thread_ts: str
    status: Line
    loading_messages: Annotated[list[Line] | None, FromJson, Field(max_length=10)] = None


class Prompt(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    message: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Prompts(Arguments):
    channel_id: str
    thread_ts: str | None = None
    title: Line | None = None
    prompts: Annotated[list[Prompt], FromJson, Field(max_length=4)]


class Title(Arguments):
    channel_id: str
    thread_ts: str
    title: Annotated[str, StringConstraints(max_length=200)]


class Session(Arguments):
    channel_id: str
    status: agents.SessionStatus
    thread_ts: str | None = None
    title: Annotated[str, StringConstraints(max_length=200)] | None = None
    initiator_user_id: str | None = None


class Rename(Arguments):
    channel_id: str
    thread_ts: str | None = None
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Reaction(Arguments):
    channel: str
    timestamp: str
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+'-]{1,64}$")]


async def set_status(world: World, given: Status) -> Doc:
    channel = world.bot_channel(given.channel_id)
    root = thread_root(world, channel, given.thread_ts)
    agents.set_status(world, channel, root, given.status, given.loading_messages or [])
    return {}


async def set_prompts(world: World, given: Prompts) -> Doc:
    channel = world.bot_channel(given.channel_id)
    if given.thread_ts is not None:
        return {}  # for an app with an agent view Slack does nothing and says nothing
    prompts = {"title": given.title or "", "prompts": [each.model_dump() for each in given.prompts]}
    agents.keep(world, channel, None, {"prompts": prompts}, {"type": "prompts"} | prompts)
    return {}


async def set_title(world: World, given: Title) -> Doc:
    channel = world.bot_channel(given.channel_id)
    root = thread_root(world, channel, given.thread_ts)
    agents.keep(world, channel, root, {"title": given.title}, {"type": "title", "title": given.title})
    return {}


async def set_session(world: World, given: Session) -> Doc:
    channel = world.bot_channel(given.channel_id)
    if given.thread_ts is None:
        raise Refused("invalid_thread_ts")
    if given.initiator_user_id is not None and given.initiator_user_id not in channel["members"]:
        raise Refused("user_not_in_channel")
    root = thread_root(world, channel, given.thread_ts)
    session = agents.set_session(world, channel, root, given.status, given.title)
    return {"status": session["status"], "agent_status": session["status"], "title": session["title"] or ""}


async def rename_session(world: World, given: Rename) -> Doc:
    channel = world.bot_channel(given.channel_id)
    if given.thread_ts is None:
        raise Refused("invalid_thread_ts")
    session = agents.rename_session(world, channel, thread_root(world, channel, given.thread_ts), given.title)
    if session is None:
        raise Refused("session_not_found")
    return {"title": session["title"]}


async def add_reaction(world: World, given: Reaction) -> Doc:
    messages.react(world, world.bot_channel(given.channel), given.timestamp, BOT_USER, given.name, add=True)
    return {}


async def remove_reaction(world: World, given: Reaction) -> Doc:
    messages.react(world, world.bot_channel(given.channel), given.timestamp, BOT_USER, given.name, add=False)
    return {}


METHODS = {
    "assistant.threads.setStatus": Method(Status, set_status, None),
    "assistant.threads.setSuggestedPrompts": Method(Prompts, set_prompts, 4),
    "assistant.threads.setTitle": Method(Title, set_title, 4),
    "agents.sessions.setStatus": Method(Session, set_session, 3),
    "agents.sessions.rename": Method(Rename, rename_session, 3),
    "reactions.add": Method(Reaction, add_reaction, 3),
    "reactions.remove": Method(Reaction, remove_reaction, 2),
}
