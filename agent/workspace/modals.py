"""Views: a person's stack of modals, their App Home; made by the app, kept by the workspace."""

import hashlib
import json
from typing import Any

from agent.workspace import chosen
from agent.workspace.errors import Refused
from agent.workspace.events import new_id
from agent.workspace.identity import APP, BOT, TEAM
from agent.workspace.store import Doc
from agent.workspace.world import World

MOST = 3  # modals on a stack: docs.slack.dev/surfaces/modals


def shown(view: Doc) -> Doc:
    """A view as Slack shows it."""
    return {name: value for name, value in view.items() if name != "person"}


def get(world: World, view_id: str | None) -> Doc:
    """Refused: not_found."""
    found = world.store.get("view", view_id) if view_id else None
    if found is None:
        raise Refused("not_found")
    return found


def stack(world: World, person: str) -> list[str]:
    """The ids of a person's open modals, the lowest first."""
    found = world.store.get("stack", person) or {"views": []}
    return list(found["views"])


def make(world: World, person: str, body: Doc, *, root: str | None = None, previous: str | None = None) -> Doc:
    """A stored view from the app's body; the same external id twice is refused: duplicate_external_id."""
    view_id = new_id("V")
    external = body.get("external_id") or ""
    if external and any(each.get("external_id") == external for each in world.store.every("view")):
        raise Refused("duplicate_external_id")
    view = {
        "id": view_id,
        "team_id": TEAM,
        "app_id": APP,
        "bot_id": BOT,
        "app_installed_team_id": TEAM,
        "callback_id": "",
        "private_metadata": "",
        "external_id": external,
        "title": None,
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        **body,
        "root_view_id": root or view_id,
        "previous_view_id": previous,
        "state": {"values": chosen.initial_values(body["blocks"])},
        "person": person,
    }
    return _keep(world, view)


def open_modal(world: World, person: str, body: Doc) -> Doc:
    """A new stack of one modal; what was open goes."""
    for each in stack(world, person):
        world.store.drop("view", each)
    view = make(world, person, body)
    world.store.put("stack", person, {"views": [view["id"]]})
    world.live.tell([person], {"type": "view", "how": "open", "view": shown(view)})
    return view


def push(world: World, person: str, body: Doc) -> Doc:
    """One more modal on top. Refused: push_limit_reached, no_view where none is open."""
    views = stack(world, person)
    if not views:
        raise Refused("not_found")
    if len(views) >= MOST:
        raise Refused("push_limit_reached")
    view = make(world, person, body, root=views[0], previous=views[-1])
    world.store.put("stack", person, {"views": [*views, view["id"]]})
    world.live.tell([person], {"type": "view", "how": "push", "view": shown(view)})
    return view


def replace(world: World, view: Doc, body: Doc) -> Doc:
    """New content in an open view; what was typed stays where block and element are still there."""
    before = view["state"]["values"]
    values = chosen.initial_values(body["blocks"])
    for block_id, held in values.items():
        for action_id, value in held.items():
            old = before.get(block_id, {}).get(action_id)
            if old is not None and old["type"] == value["type"]:
                held[action_id] = old
    fixed = {
        name: view[name] for name in ("id", "root_view_id", "previous_view_id", "person", "team_id", "app_id", "bot_id")
    }
    changed = _keep(world, view | body | fixed | {"state": {"values": values}})
    how = {"type": "home"} if changed["type"] == "home" else {"type": "view", "how": "update"}
    world.live.tell([changed["person"]], how | {"view": shown(changed)})
    return changed


def publish(world: World, person: str, body: Doc) -> Doc:
    """A person's App Home."""
    known = home(world, person)
    if known is not None:
        return replace(world, known, body)
    view = make(world, person, body)
    world.store.put("home", person, {"view": view["id"]})
    world.live.tell([person], {"type": "home", "view": shown(view)})
    return view


def home(world: World, person: str) -> Doc | None:
    """What the app published for this person."""
    known = world.store.get("home", person)
    return world.store.get("view", known["view"]) if known else None


def choose(world: World, view: Doc, block_id: str, action_id: str, value: Any) -> Doc:
    """Keep what a person chose in a view. Refused: element_not_found, invalid_choice."""
    _, element = chosen.find(view["blocks"], block_id, action_id)
    if element["type"] not in chosen.NO_STATE:
        view["state"]["values"].setdefault(block_id, {})[action_id] = chosen.state_of(element, value)
        world.store.put("view", view["id"], view)
    return view


def close(world: World, person: str, *, all_of_them: bool = False) -> list[Doc]:
    """Take the topmost modal away, or the whole stack. Gives what was closed, the topmost first."""
    views = stack(world, person)
    count = len(views) if all_of_them else 1
    closed = [found for each in reversed(views[-count:]) if (found := world.store.get("view", each))]
    for view in closed:
        world.store.drop("view", view["id"])
        world.live.tell([person], {"type": "view_closed", "view_id": view["id"]})
    world.store.put("stack", person, {"views": views[:-count]})
    return closed


def _keep(world: World, view: Doc) -> Doc:
    digest = hashlib.sha256(json.dumps([view["blocks"], world.next_ts()]).encode()).hexdigest()
    kept = view | {"hash": f"{int(world.clock())}.{digest[:8]}"}
    world.store.put("view", kept["id"], kept)
    return kept
