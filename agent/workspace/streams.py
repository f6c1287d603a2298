"""Streamed messages: text and tasks that grow in place, for five minutes at most."""

import asyncio
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from agent.workspace import messages
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER
from agent.workspace.store import Doc
from agent.workspace.world import World

PIECE = 12_000  # of one markdown block


class Chunk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Text(Chunk):
    type: Literal["markdown_text"]
    text: Annotated[str, StringConstraints(max_length=12_000)]


class Plan(Chunk):
    type: Literal["plan_update"]
    title: Annotated[str, StringConstraints(max_length=256)]


class Source(Chunk):
    type: Literal["url"]
    url: Annotated[str, StringConstraints(max_length=3000)]
    text: Annotated[str, StringConstraints(max_length=256)]


class Task(Chunk):
    type: Literal["task_update"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    status: Literal["pending", "in_progress", "complete", "error"]
    details: Annotated[str, StringConstraints(max_length=256)] | None = None
    output: Annotated[str, StringConstraints(max_length=256)] | None = None
    sources: list[Source] | None = None


class Blocks(Chunk):
    type: Literal["blocks"]
    blocks: list[Any]


CHUNKS = TypeAdapter(list[Annotated[Text | Plan | Task | Blocks, Field(discriminator="type")]])


def checked_chunks(world: World, markdown: str | None, chunks: list[Any] | None) -> list[Doc]:
    """What one call adds. Refused: invalid_chunks, msg_too_long, cannot_provide_both_markdown_text_and_chunks."""
    if markdown is not None and chunks is not None:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if markdown is not None:
        if len(markdown) > world.limits.stream_text:
            raise Refused("msg_too_long")
        return [{"type": "markdown_text", "text": markdown}] if markdown else []
    try:
        found = CHUNKS.validate_python(chunks or [])
    except ValidationError:
        raise Refused("invalid_chunks") from None
    return [each.model_dump(exclude_none=True) for each in found]


def grow(stream: Doc, added: list[Doc]) -> Doc:
    """The stream's parts after a call: text joins the text before it, a task replaces itself."""
    parts = [dict(each) for each in stream["parts"]]
    plan = stream.get("plan")
    for chunk in added:
        if chunk["type"] == "plan_update":
            plan = chunk["title"]
        elif chunk["type"] == "markdown_text" and parts and parts[-1]["type"] == "markdown_text":
            parts[-1]["text"] += chunk["text"]
        elif chunk["type"] == "task_update" and any(each.get("id") == chunk["id"] for each in parts):
            parts = [chunk if each.get("id") == chunk["id"] else each for each in parts]
        else:
            parts.append(chunk)
    return stream | {"parts": parts, "plan": plan}


def text_of(stream: Doc) -> str:
    """All its markdown."""
    return "".join(each["text"] for each in stream["parts"] if each["type"] == "markdown_text")


def size_of(stream: Doc) -> int:
    """Characters of text and tasks."""
    tasks = [each for each in stream["parts"] if each["type"] == "task_update"]
    return len(text_of(stream)) + sum(len(value) for each in tasks for value in each.values() if isinstance(value, str))


def blocks_of(stream: Doc) -> list[Doc]:
    """The stream as blocks: in `plan` mode its tasks in one plan at the top, else each where it came."""
    blocks: list[Doc] = []
    tasks = [task_card(each) for each in stream["parts"] if each["type"] == "task_update"]
    planned = stream["mode"] == "plan"
    if planned and tasks:
        blocks.append({"type": "plan", "title": stream.get("plan") or "Plan", "tasks": tasks})
    for part in stream["parts"]:
        if part["type"] == "markdown_text":
            text = part["text"]
            blocks += [{"type": "markdown", "text": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
        elif part["type"] == "blocks":
            blocks += part["blocks"]
        elif not planned:
            blocks.append(task_card(part))
    return [{"block_id": f"s{number}"} | each for number, each in enumerate(blocks)]


def task_card(task: Doc) -> Doc:
    """A task_update chunk as a task_card block; its details and output become rich text."""
    card = {"type": "task_card", "task_id": task["id"], "title": task["title"], "status": task["status"]}
    for name in ("details", "output"):
        if name in task:
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": task[name]}]}
            card[name] = {"type": "rich_text", "elements": [section]}
    return card | ({"sources": task["sources"]} if "sources" in task else {})


def key(channel: str, ts: str) -> str:
    return f"{channel}:{ts}"


def running(world: World, channel: Doc, ts: str) -> tuple[Doc, Doc]:
    """The message and its stream.

    Refused: message_not_found, message_not_owned_by_app, message_not_in_streaming_state.
    """
    message = world.store.message(channel["id"], ts)
    if message is None:
        raise Refused("message_not_found")
    if message.get("user") != BOT_USER:
        raise Refused("message_not_owned_by_app")
    stream = world.store.get("stream", key(channel["id"], ts))
    if stream is None:
        raise Refused("message_not_in_streaming_state")
    if world.clock() - stream["started"] > world.limits.stream_life_s:
        finish(world, channel, ts)
        raise Refused("message_not_in_streaming_state")
    return message, stream


def finish(world: World, channel: Doc, ts: str, changes: Doc | None = None) -> Doc:
    """The stream is over: the message stands as it is, with the last changes."""
    world.store.drop("stream", key(channel["id"], ts))
    return messages.change(world, channel, ts, {"streaming": None, **(changes or {})})


def end_in_time(world: World, stream: Doc) -> None:
    """Have the stream end with its life, if nobody stops it before."""
    left = stream["started"] + world.limits.stream_life_s - world.clock()
    asyncio.get_running_loop().call_later(max(left, 0), _end_of_life, world, stream["channel"], stream["ts"])


def _end_of_life(world: World, channel: str, ts: str) -> None:
    if world.closed or world.store.get("stream", key(channel, ts)) is None:
        return
    if world.store.message(channel, ts) is None:  # deleted meanwhile
        world.store.drop("stream", key(channel, ts))
        return
    finish(world, world.channel(channel), ts)


def resume(world: World) -> None:
    """After a restart: the streams that still run end when they would have."""
    for stream in world.store.every("stream"):
        end_in_time(world, stream)


def stop_in(world: World, channel: Doc, thread_ts: str) -> list[str]:
    """A person pressed Stop: every stream of the thread ends. Gives their timestamps."""
    stopped = [each["ts"] for each in world.store.replies(channel["id"], thread_ts) if each.get("streaming")]
    for ts in stopped:
        finish(world, channel, ts)
    return stopped
