"""chat.*: messages of the app."""

from typing import Annotated, Any

from agent.workspace import agents, messages
from agent.workspace.api import Arguments, FromJson, Method
from agent.workspace.checks import checked_blocks
from agent.workspace.errors import Refused
from agent.workspace.events import shown
from agent.workspace.identity import BOT_USER
from agent.workspace.rates import Rates
from agent.workspace.store import Doc
from agent.workspace.world import World

Blocks = Annotated[list[Any] | None, FromJson]
Metadata = Annotated[dict[str, Any] | None, FromJson]


class Body(Arguments):
    """What a message shows."""

    channel: str
    text: str | None = None
    blocks: Blocks = None
    attachments: Blocks = None
    metadata: Metadata = None
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    mrkdwn: bool | None = None


class Post(Body):
    thread_ts: str | None = None
    reply_broadcast: bool = False


class Update(Body):
    ts: str
    reply_broadcast: bool = False


class Ephemeral(Body):
    user: str
    thread_ts: str | None = None


class At(Arguments):
    """A message's place."""

    channel: str
    ts: str


class Permalink(Arguments):
    channel: str
    message_ts: str


def content(world: World, body: Body) -> Doc:
    """The shown part of a message, checked. Refused: no_text, msg_too_long and what is wrong with its blocks."""
    blocks = checked_blocks(body.blocks, world.limits, most=50) if body.blocks is not None else None
    text = body.text or ""
    if not text.strip() and not blocks and not body.attachments:
        raise Refused("no_text")
    if len(text) > world.limits.text and not blocks:
        raise Refused("msg_too_long")
    made: Doc = {"text": text[: world.limits.text]}
    if blocks:
        made["blocks"] = blocks
    if body.metadata is not None:
        made["metadata"] = checked_metadata(body.metadata)
    for name in ("unfurl_links", "unfurl_media", "attachments"):
        if (value := getattr(body, name)) is not None:
            made[name] = value
    return made


def checked_metadata(metadata: Doc) -> Doc:
    """Refused: invalid_metadata_format."""
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not kind or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    return {"event_type": kind, "event_payload": payload}


def own_message(world: World, channel: Doc, ts: str, refusal: str) -> Doc:
    """A message of the app. Refused: message_not_found; `refusal` where it is somebody else's."""
    found = world.store.message(channel["id"], ts)
    if found is None or found.get("subtype") == "tombstone":
        raise Refused("message_not_found")
    if found.get("user") != BOT_USER:
        raise Refused(refusal)
    return found


def methods(rates: Rates) -> dict[str, Method]:
    """The methods of this family."""

    async def post(world: World, given: Post) -> Doc:
        channel = world.bot_channel(given.channel)
        rates.post(channel["id"])
        body = messages.by_bot() | content(world, given)
        if given.thread_ts is not None:
            body["thread_ts"] = thread_root(world, channel, given.thread_ts)
            if given.reply_broadcast:
                body["subtype"] = "thread_broadcast"
        message = messages.post(world, channel, body)
        agents.clear_status(world, channel, message.get("thread_ts"))
        return {"channel": channel["id"], "ts": message["ts"], "message": shown(message, with_metadata=True)}

    return {
        "chat.postMessage": Method(Post, post, None),
        "chat.update": Method(Update, update, 3),
        "chat.delete": Method(At, delete, 3),
        "chat.postEphemeral": Method(Ephemeral, post_ephemeral, 4),
        "chat.getPermalink": Method(Permalink, permalink, None),
    }


def thread_root(world: World, channel: Doc, ts: str) -> str:
    """The root of the thread in which `ts` stands: a reply's own leads to it too. Refused: thread_not_found."""
    found = world.store.message(channel["id"], ts)
    if found is None:
        raise Refused("thread_not_found")
    return str(found.get("thread_ts") or ts)


async def update(world: World, given: Update) -> Doc:
    channel = world.bot_channel(given.channel)
    message = own_message(world, channel, given.ts, "cant_update_message")
    if message.get("streaming"):
        raise Refused("streaming_state_conflict")
    changes = content(world, given)
    changes.setdefault("blocks", None if given.text is not None or given.blocks is not None else message.get("blocks"))
    changes["edited"] = {"user": BOT_USER, "ts": world.next_ts()}
    changed = messages.change(world, channel, given.ts, changes)
    return {"channel": channel["id"], "ts": given.ts, "text": changed["text"], "message": shown(changed)}


async def delete(world: World, given: At) -> Doc:
    channel = world.bot_channel(given.channel)
    own_message(world, channel, given.ts, "cant_delete_message")
    messages.delete(world, channel, given.ts)
    return {"channel": channel["id"], "ts": given.ts}


async def post_ephemeral(world: World, given: Ephemeral) -> Doc:
    channel = world.bot_channel(given.channel)
    if given.user not in channel["members"]:
        raise Refused("user_not_in_channel")
    body = messages.by_bot() | content(world, given)
    if given.thread_ts is not None:
        body["thread_ts"] = given.thread_ts
    message = messages.post_ephemeral(world, channel, given.user, body)
    return {"message_ts": message["ts"]}


async def permalink(world: World, given: Permalink) -> Doc:
    channel = world.channel_of(BOT_USER, given.channel)
    message = world.store.message(channel["id"], given.message_ts)
    if message is None:
        raise Refused("message_not_found")
    return {"channel": channel["id"], "permalink": permalink_of(world, message)}


def permalink_of(world: World, message: Doc) -> str:
    """The page's address of a message."""
    link = f"{world.base_url}/archives/{message['channel']}/p{message['ts'].replace('.', '')}"
    root = message.get("thread_ts")
    return link if root in (None, message["ts"]) else f"{link}?thread_ts={root}&cid={message['channel']}"
