"""chat.startStream, chat.appendStream, chat.stopStream."""

from typing import Annotated, Any, Literal

from agent.workspace import agents, messages, streams
from agent.workspace.api import Arguments, FromJson, Method
from agent.workspace.api_chat import checked_metadata, thread_root
from agent.workspace.checks import checked_blocks
from agent.workspace.errors import Refused
from agent.workspace.events import shown
from agent.workspace.identity import TEAM
from agent.workspace.store import Doc
from agent.workspace.world import World

ListOrNone = Annotated[list[Any] | None, FromJson]


class Growth(Arguments):
    channel: str
    markdown_text: str | None = None
    chunks: ListOrNone = None


class Start(Growth):
    thread_ts: str | None = None
    recipient_team_id: str | None = None
    recipient_user_id: str | None = None
    task_display_mode: Literal["timeline", "plan", "dense"] = "timeline"


class Append(Growth):
    ts: str


class Stop(Append):
    blocks: ListOrNone = None
    metadata: Annotated[dict[str, Any] | None, FromJson] = None
    session_status: agents.SessionStatus | None = None


async def start(world: World, given: Start) -> Doc:
    channel = world.bot_channel(given.channel)
    if not given.thread_ts:
        raise Refused("invalid_thread_ts")
    root = thread_root(world, channel, given.thread_ts)
    _recipient(world, channel, given)
    stream: Doc = {"started": world.clock(), "mode": given.task_display_mode, "parts": [], "channel": channel["id"]}
    stream = _grown(world, stream, given)
    body = messages.by_bot() | {"thread_ts": root, "streaming": True, "text": streams.text_of(stream)}
    message = messages.post(world, channel, body | {"blocks": streams.blocks_of(stream)})
    world.store.put("stream", streams.key(channel["id"], message["ts"]), stream | {"ts": message["ts"]})
    agents.clear_status(world, channel, root)
    streams.end_in_time(world, stream | {"ts": message["ts"]})
    return {"channel": channel["id"], "ts": message["ts"]}


async def append(world: World, given: Append) -> Doc:
    channel = world.bot_channel(given.channel)
    message, stream = streams.running(world, channel, given.ts)
    if given.markdown_text is None and not given.chunks:
        raise Refused("no_text")
    before = streams.text_of(stream)
    stream = _grown(world, stream, given)
    text = streams.text_of(stream)
    message = message | {"text": text, "blocks": streams.blocks_of(stream)}
    with world.store.batch():
        world.store.put("stream", streams.key(channel["id"], given.ts), stream)
        world.store.put_message(message)
    frame = {"type": "stream", "channel": channel["id"], "ts": given.ts, "thread_ts": message["thread_ts"]}
    frame |= {"markdown": text[len(before) :], "message": messages.live_form(message)}
    world.live.tell(channel["members"], frame)
    return {"channel": channel["id"], "ts": given.ts}


async def stop(world: World, given: Stop) -> Doc:
    channel = world.bot_channel(given.channel)
    message, stream = streams.running(world, channel, given.ts)
    stream = _grown(world, stream, given)
    blocks = [*streams.blocks_of(stream), *checked_blocks(given.blocks or [], world.limits, most=50)]
    changes: Doc = {"text": streams.text_of(stream) or message["text"], "blocks": blocks}
    if given.metadata is not None:
        changes["metadata"] = checked_metadata(given.metadata)
    ended = streams.finish(world, channel, given.ts, changes)
    if given.session_status is not None:
        agents.set_session(world, channel, message["thread_ts"], given.session_status)
    return {"channel": channel["id"], "ts": given.ts, "message": shown(ended)}


def _grown(world: World, stream: Doc, given: Growth) -> Doc:
    """The stream with what a call adds. Refused: invalid_chunks, msg_too_long, invalid_blocks."""
    added = streams.checked_chunks(world, given.markdown_text, given.chunks)
    for chunk in added:
        if chunk["type"] == "blocks":
            chunk["blocks"] = checked_blocks(chunk["blocks"], world.limits, most=50)
    grown = streams.grow(stream, added)
    if streams.size_of(grown) > world.limits.message:
        raise Refused("msg_too_long")
    return grown


def _recipient(world: World, channel: Doc, given: Start) -> None:
    """Outside of a DM Slack wants to know for whom the text is."""
    if channel["kind"] == "dm":
        return
    if not given.recipient_user_id:
        raise Refused("missing_recipient_user_id")
    if not given.recipient_team_id:
        raise Refused("missing_recipient_team_id")
    if given.recipient_team_id != TEAM:
        raise Refused("team_not_found")
    world.person(given.recipient_user_id)


METHODS = {
    "chat.startStream": Method(Start, start, 2),
    "chat.appendStream": Method(Append, append, 4),
    "chat.stopStream": Method(Stop, stop, 2),
}
