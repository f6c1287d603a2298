"""An agent's signs in a DM or thread: status line, suggested prompts, title, the session with its Stop button."""

import asyncio
from typing import Literal

from agent.workspace.store import Doc
from agent.workspace.world import World

SessionStatus = Literal["active", "processing", "suspended", "closed"]


def agent_of(world: World, channel: str, thread_ts: str | None) -> Doc:
    """What the people API calls `agent`; a status that is too old is gone."""
    kept = world.store.get("agent", _key(channel, thread_ts)) or {}
    fresh = world.clock() - kept.get("status_at", 0) < world.limits.status_life_s
    return {
        "status": kept.get("status", "") if fresh else "",
        "loading_messages": kept.get("loading_messages", []) if fresh else [],
        "prompts": kept.get("prompts"),
        "title": kept.get("title"),
        "session": kept.get("session"),
    }


def busy_threads(world: World, channel: str, roots: list[str]) -> Doc:
    """`agent` of those threads in which something goes on."""
    found = {root: agent_of(world, channel, root) for root in roots}
    return {root: agent for root, agent in found.items() if agent["status"] or agent["session"]}


def keep(world: World, channel: Doc, thread_ts: str | None, changes: Doc, frame: Doc) -> None:
    """Store what changed and tell the channel's people."""
    key = _key(channel["id"], thread_ts)
    world.store.put("agent", key, (world.store.get("agent", key) or {}) | changes)
    world.live.tell(channel["members"], frame | {"channel": channel["id"], "thread_ts": thread_ts})


def set_status(world: World, channel: Doc, thread_ts: str, status: str, loading_messages: list[str]) -> None:
    """The line under the thread, such as "is thinking…"; "" takes it away."""
    shown = {"status": status, "loading_messages": loading_messages}
    at = world.clock()
    keep(world, channel, thread_ts, shown | {"status_at": at}, {"type": "status"} | shown)
    if status:
        life = world.limits.status_life_s
        asyncio.get_running_loop().call_later(life, _end_status, world, channel, thread_ts, at)


def _end_status(world: World, channel: Doc, thread_ts: str, at: float) -> None:
    """A status drops by itself, unless another came meanwhile."""
    if world.closed:
        return
    kept = world.store.get("agent", _key(channel["id"], thread_ts)) or {}
    if kept.get("status_at") == at and kept.get("status"):
        set_status(world, channel, thread_ts, "", [])


def clear_status(world: World, channel: Doc, thread_ts: str | None) -> None:
    """A message of the app takes its status line away."""
    if thread_ts is not None and agent_of(world, channel["id"], thread_ts)["status"]:
        set_status(world, channel, thread_ts, "", [])


def set_session(world: World, channel: Doc, thread_ts: str, status: SessionStatus, title: str | None = None) -> Doc:
    """The session's state; made on first use, and only then does a title count. Gives the session."""
    known = agent_of(world, channel["id"], thread_ts)["session"]
    session = {"status": status, "title": known["title"] if known else title}
    keep(world, channel, thread_ts, {"session": session}, {"type": "session"} | session)
    return session


def rename_session(world: World, channel: Doc, thread_ts: str, title: str) -> Doc | None:
    """Another title; None where there is no session."""
    known: Doc | None = agent_of(world, channel["id"], thread_ts)["session"]
    if known is None:
        return None
    session = known | {"title": title}
    keep(world, channel, thread_ts, {"session": session}, {"type": "session"} | session)
    return session


def _key(channel: str, thread_ts: str | None) -> str:
    return f"{channel}:{thread_ts or ''}"
