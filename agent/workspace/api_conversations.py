"""conversations.*, users.*, auth.test, apps.connections.open: who and where."""

import base64
import binascii

from agent.workspace.api import Arguments, Method
from agent.workspace.errors import Refused
from agent.workspace.events import shown
from agent.workspace.identity import BOT, BOT_USER, TEAM, TEAM_NAME
from agent.workspace.store import LATEST, Doc
from agent.workspace.world import World

PAGE = 1000  # most items of one answer


class Page(Arguments):
    """A part of a long list."""

    cursor: str = ""
    limit: int = 100


class Channel(Arguments):
    channel: str


class Members(Page):
    channel: str


class History(Page):
    channel: str
    oldest: str = "0"
    latest: str = LATEST
    inclusive: bool = False
    include_all_metadata: bool = False


class Replies(History):
    ts: str


class Open(Arguments):
    users: str | None = None
    channel: str | None = None
    return_im: bool = False


class Kinds(Page):
    types: str = "public_channel"
    exclude_archived: bool = False


class User(Arguments):
    user: str


def start_of(given: Page) -> int:
    """How many items the pages before had. Refused: invalid_cursor, invalid_limit."""
    if not 0 <= given.limit <= PAGE:
        raise Refused("invalid_limit")
    if not given.cursor:
        return 0
    try:
        start = int(base64.b64decode(given.cursor, validate=True).decode("ascii").removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise Refused("invalid_cursor") from None
    if not 0 <= start < 2**31:
        raise Refused("invalid_cursor")
    return start


def end_of(given: Page) -> int:
    """Where this page ends; one item more tells whether there is another page."""
    return start_of(given) + (given.limit or 100)


def page(items: list[Doc], given: Page) -> tuple[list[Doc], str]:
    """The items of this page and the cursor to the next. Refused: invalid_cursor, invalid_limit."""
    start, end = start_of(given), end_of(given)
    more = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], more


def between(given: History) -> tuple[str, str]:
    """The open interval that oldest, latest and inclusive mean. Refused: invalid_ts_oldest, invalid_ts_latest."""
    step = 1 if given.inclusive else 0
    oldest, latest = _micros(given.oldest, "invalid_ts_oldest"), _micros(given.latest, "invalid_ts_latest")
    return _ts(max(oldest - step, 0)), _ts(latest + step)


def _micros(ts: str, refusal: str) -> int:
    seconds, _, rest = ts.partition(".")
    if (
        not (seconds.isascii() and seconds.isdecimal())
        or len(seconds) > 10
        or (rest and not (rest.isascii() and rest.isdecimal()))
    ):
        raise Refused(refusal)
    return int(seconds) * 1_000_000 + int((rest + "000000")[:6])


def _ts(micros: int) -> str:
    return f"{micros // 1_000_000:010d}.{micros % 1_000_000:06d}"


def channel_form(world: World, channel: Doc) -> Doc:
    """A channel as Slack shows it to the app."""
    kind = channel["kind"]
    body: Doc = {
        "id": channel["id"],
        "created": channel["created"],
        "creator": channel["creator"],
        "is_channel": kind == "channel",
        "is_group": kind == "private",
        "is_im": kind == "dm",
        "is_mpim": kind == "group",
        "is_private": kind != "channel",
        "is_archived": False,
        "is_member": BOT_USER in channel["members"],
        "context_team_id": TEAM,
    }
    if kind == "dm":
        return body | {"user": world.channel_for(BOT_USER, channel)["user"], "is_open": True}
    topic = {"value": channel["topic"], "creator": channel["creator"], "last_set": channel["created"]}
    name = channel["name"]
    return body | {
        "name": name,
        "name_normalized": name,
        "topic": topic,
        "purpose": topic,
        "num_members": len(channel["members"]),
    }


def user_form(person: Doc) -> Doc:
    """A person as Slack shows them."""
    profile = {
        "real_name": person["real_name"],
        "real_name_normalized": person["real_name"],
        "display_name": "",  # nobody has set one: the real name is shown, as on the page
        "display_name_normalized": "",
        "title": "",
        "team": TEAM,
    }
    return {
        "id": person["id"],
        "team_id": TEAM,
        "name": person["name"],
        "real_name": person["real_name"],
        "color": person["color"].lstrip("#"),
        "deleted": False,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "is_bot": person["is_bot"],
        "is_app_user": False,
        "profile": profile,
    }


def readable(world: World, channel: str) -> Doc:
    """A channel whose messages the app may read. Refused: channel_not_found, not_in_channel."""
    found = world.channel_of(BOT_USER, channel)
    if BOT_USER not in found["members"]:
        raise Refused("not_in_channel")
    return found


async def history(world: World, given: History) -> Doc:
    channel = readable(world, given.channel)
    after, before = between(given)
    found = world.store.top_messages(channel["id"], after, before, limit=end_of(given) + 1)
    chosen, cursor = page(found, given)
    shown_ones = [shown(each, with_metadata=given.include_all_metadata) for each in chosen]
    return _listed("messages", shown_ones, cursor) | {"has_more": bool(cursor), "pin_count": 0}


async def replies(world: World, given: Replies) -> Doc:
    channel = readable(world, given.channel)
    asked = world.store.message(channel["id"], given.ts)
    if asked is None:
        raise Refused("thread_not_found")
    root = world.store.message(channel["id"], asked.get("thread_ts") or given.ts)
    after, before = between(given)
    found = world.store.replies(channel["id"], root["ts"], after, before, end_of(given) + 1) if root else []
    chosen, cursor = page(found, given)
    whole = ([root] if root and not given.cursor else []) + chosen
    shown_ones = [shown(each, with_metadata=given.include_all_metadata) for each in whole]
    return _listed("messages", shown_ones, cursor) | {"has_more": bool(cursor)}


async def info(world: World, given: Channel) -> Doc:
    return {"channel": channel_form(world, world.channel_of(BOT_USER, given.channel))}


async def members(world: World, given: Members) -> Doc:
    channel = world.channel_of(BOT_USER, given.channel)
    found, cursor = page([{"id": each} for each in channel["members"]], given)
    return {"members": [each["id"] for each in found], "response_metadata": {"next_cursor": cursor}}


async def open_dm(world: World, given: Open) -> Doc:
    if given.channel is not None:
        channel = world.bot_channel(given.channel)
    else:
        users = [each.strip() for each in (given.users or "").split(",") if each.strip()]
        if not users:
            raise Refused("users_list_not_supplied")
        if len(users) > 8:
            raise Refused("too_many_users")
        channel = world.direct(*[world.person(each)["id"] for each in users], BOT_USER)
    whole = channel_form(world, channel)
    return {"channel": whole if given.return_im else {"id": channel["id"]}}


async def list_channels(world: World, given: Kinds) -> Doc:
    names = {"public_channel": "channel", "private_channel": "private", "im": "dm", "mpim": "group"}
    asked = [each.strip() for each in given.types.split(",")]
    if not all(each in names for each in asked):
        raise Refused("invalid_types")
    kinds = {names[each] for each in asked}
    found = [each for each in world.store.every("channel") if each["kind"] in kinds]
    seen = [each for each in found if each["kind"] == "channel" or BOT_USER in each["members"]]
    chosen, cursor = page(seen, given)
    return _listed("channels", [channel_form(world, each) for each in chosen], cursor)


async def user_info(world: World, given: User) -> Doc:
    return {"user": user_form(world.person(given.user))}


async def list_users(world: World, given: Page) -> Doc:
    chosen, cursor = page(world.store.every("person"), given)
    return _listed("members", [user_form(each) for each in chosen], cursor)


async def auth_test(world: World, given: Arguments) -> Doc:
    name = world.person(BOT_USER)["name"]
    return {
        "url": f"{world.base_url}/",
        "team": TEAM_NAME,
        "user": name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
    }


def _listed(name: str, items: list[Doc], cursor: str) -> Doc:
    return {name: items, "response_metadata": {"next_cursor": cursor}}


METHODS = {
    "auth.test": Method(Arguments, auth_test, None),
    "conversations.history": Method(History, history, 3),
    "conversations.replies": Method(Replies, replies, 3),
    "conversations.info": Method(Channel, info, 3),
    "conversations.members": Method(Members, members, 4),
    "conversations.open": Method(Open, open_dm, 3),
    "conversations.list": Method(Kinds, list_channels, 2),
    "users.info": Method(User, user_info, 4),
    "users.list": Method(Page, list_users, 2),
}
