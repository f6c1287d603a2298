"""Messages written, changed and deleted: stored, shown to the channel's people, told to the app."""

from agent.workspace import events
from agent.workspace.errors import Refused
from agent.workspace.identity import APP, BOT, BOT_NAME, BOT_USER, TEAM
from agent.workspace.store import Doc
from agent.workspace.world import World

BOT_PROFILE = {"id": BOT, "app_id": APP, "name": BOT_NAME, "team_id": TEAM, "deleted": False}


def by_bot() -> Doc:
    """Who the app's messages are from."""
    return {"user": BOT_USER, "bot_id": BOT, "app_id": APP, "bot_profile": BOT_PROFILE}


def live_form(message: Doc) -> Doc:
    """A message as people see it: Slack's object with its channel, without the app's metadata."""
    body = {name: value for name, value in message.items() if name != "metadata"}
    if message.get("subtype") == "thread_broadcast":
        body["also_in_channel"] = True
    return body


def post(world: World, channel: Doc, body: Doc) -> Doc:
    """Write a message; `body` is Slack's object without type, ts, team and channel. Gives the stored message.

    Refused: thread_not_found where the thread's root is none.
    """
    root = body.get("thread_ts")
    if root is not None and world.store.message(channel["id"], root) is None:
        raise Refused("thread_not_found")
    message = {"type": "message", "team": TEAM, **body, "ts": world.next_ts(), "channel": channel["id"]}
    with world.store.batch():
        world.store.put_message(message)
        if root is not None:
            _count_reply(world, channel, message)
    world.live.tell(channel["members"], {"type": "message", "channel": channel["id"], "message": live_form(message)})
    _tell_unread(world, channel, message)
    if BOT_USER in channel["members"]:
        world.emit(events.message_event(message, channel))
        if f"<@{BOT_USER}>" in message.get("text", "") and channel["kind"] != "dm" and "bot_id" not in message:
            world.emit(events.mention_event(message, channel))
    return message


def change(world: World, channel: Doc, ts: str, changes: Doc, *, tell_app: bool = True) -> Doc:
    """Change a message in place; a value of None takes the field away. Refused: message_not_found."""
    previous = world.store.message(channel["id"], ts)
    if previous is None:
        raise Refused("message_not_found")
    message = {name: value for name, value in (previous | changes).items() if value is not None}
    world.store.put_message(message)
    frame = {"type": "message_changed", "channel": channel["id"], "message": live_form(message)}
    world.live.tell(channel["members"], frame)
    if tell_app and BOT_USER in channel["members"]:
        world.emit(events.changed_event(message, previous, channel, world.next_ts()))
    return message


def delete(world: World, channel: Doc, ts: str) -> None:
    """Take a message away; a root with replies leaves a tombstone, as in Slack. Refused: message_not_found."""
    previous = world.store.message(channel["id"], ts)
    if previous is None:
        raise Refused("message_not_found")
    root = previous.get("thread_ts")
    if previous.get("reply_count"):
        gone = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
        kept = {
            name: previous[name]
            for name in ("type", "ts", "thread_ts", "channel", "reply_count", "reply_users")
            if name in previous
        }
        world.store.put_message(kept | gone)
        frame = {"type": "message_changed", "channel": channel["id"], "message": live_form(kept | gone)}
    else:
        world.store.drop_message(channel["id"], ts)
        frame = {"type": "message_deleted", "channel": channel["id"], "ts": ts, "thread_ts": root}
        if root not in (None, ts):
            _recount(world, channel, root)
    world.live.tell(channel["members"], frame)
    if BOT_USER in channel["members"]:
        world.emit(events.deleted_event(previous, channel, world.next_ts()))


def post_ephemeral(world: World, channel: Doc, person: str, body: Doc) -> Doc:
    """Show one person a message that is no part of history."""
    message = {"type": "message", **body, "ts": world.next_ts(), "channel": channel["id"], "ephemeral": True}
    message["for"] = person
    world.transient.keep_ephemeral(message)
    world.live.tell([person], {"type": "ephemeral", "channel": channel["id"], "message": live_form(message)})
    return message


def _count_reply(world: World, channel: Doc, reply: Doc) -> None:
    root = world.store.message(channel["id"], reply["thread_ts"])
    if root is None:
        return
    users = root.get("reply_users", [])
    changes = {
        "thread_ts": root["ts"],
        "reply_count": root.get("reply_count", 0) + 1,
        "reply_users": users if reply["user"] in users else [*users, reply["user"]],
        "latest_reply": reply["ts"],
    }
    changed = root | changes | {"reply_users_count": len(changes["reply_users"])}
    world.store.put_message(changed)
    frame = {"type": "message_changed", "channel": channel["id"], "message": live_form(changed)}
    world.live.tell(channel["members"], frame)


def _recount(world: World, channel: Doc, root_ts: str) -> None:
    root = world.store.message(channel["id"], root_ts)
    if root is None:
        return
    replies = world.store.replies(channel["id"], root_ts)
    users = list(dict.fromkeys(each["user"] for each in replies))
    latest = replies[-1]["ts"] if replies else None
    counts = {
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": latest,
    }
    if not replies:
        counts = dict.fromkeys((*counts, "thread_ts"), None)
    change(world, channel, root_ts, counts, tell_app=False)


def _tell_unread(world: World, channel: Doc, message: Doc) -> None:
    if message.get("thread_ts") is not None and message.get("subtype") != "thread_broadcast":
        return
    for person in channel["members"]:
        if person != message["user"]:
            unread = world.channel_for(person, channel)["unread"]
            world.live.tell([person], {"type": "unread", "channel": channel["id"], "unread": unread})


def react(world: World, channel: Doc, ts: str, user: str, name: str, *, add: bool) -> None:
    """Add or take away a reaction. Refused: message_not_found, already_reacted, no_reaction."""
    message = world.store.message(channel["id"], ts)
    if message is None:
        raise Refused("message_not_found")
    users = {each["name"]: list(each["users"]) for each in message.get("reactions", [])}
    if (user in users.get(name, [])) == add:
        raise Refused("already_reacted" if add else "no_reaction")
    users[name] = [*users.get(name, []), user] if add else [each for each in users[name] if each != user]
    reactions = [{"name": each, "users": who, "count": len(who)} for each, who in users.items() if who]
    change(world, channel, ts, {"reactions": reactions or None}, tell_app=False)
    if BOT_USER in channel["members"]:
        item = {"type": "message", "channel": channel["id"], "ts": ts}
        kind = "reaction_added" if add else "reaction_removed"
        event = {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message["user"]}
        world.emit(event | {"event_ts": world.next_ts()})
