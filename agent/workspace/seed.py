"""The people and channels that a new workspace starts with."""

from agent.workspace.identity import APP, BOT, BOT_NAME, BOT_USER, TEAM
from agent.workspace.store import Doc, Store

PEOPLE = (
    ("U000000ADA", "ada", "Ada Lovelace", "#8d3c7a"),
    ("U0000GRACE", "grace", "Grace Hopper", "#2b6f8f"),
    ("U00000ALAN", "alan", "Alan Turing", "#3d7a45"),
    ("U000000LIN", "lin", "林", "#a85b23"),
)
CHANNELS = (
    ("C00GENERAL", "general", "Everything that concerns everybody"),
    ("C00SUPPORT", "support-desk", "The support-desk model: from scope to launch"),
)


def person_of(person: str, name: str, real_name: str, color: str) -> Doc:
    """A person as the workspace keeps them."""
    return {"id": person, "name": name, "real_name": real_name, "is_bot": False, "color": color}


def seed(store: Store, at: int) -> None:
    """Fill an empty workspace; one that has people is left alone. `at` is seconds since the epoch."""
    if store.every("person"):
        return
    bot = person_of(BOT_USER, "odyssey", BOT_NAME, "#4a4e9e") | {"is_bot": True, "bot_id": BOT, "app_id": APP}
    members = [each[0] for each in PEOPLE] + [BOT_USER]
    with store.batch():
        for person in [bot, *(person_of(*each) for each in PEOPLE)]:
            store.put("person", person["id"], person | {"team_id": TEAM})
        for name, title, topic in CHANNELS:
            channel = _channel(name, title, "channel", members, at) | {"topic": topic}
            store.put("channel", name, channel)
        for person_id in members[:-1]:
            name = "D" + person_id[1:]
            store.put("channel", name, _channel(name, "", "dm", sorted([person_id, BOT_USER]), at))


def _channel(name: str, title: str, kind: str, members: list[str], at: int) -> Doc:
    return {
        "id": name,
        "name": title,
        "kind": kind,
        "members": members,
        "topic": "",
        "creator": BOT_USER,
        "created": at,
    }
