"""views.*: modals and the App Home."""

from typing import Annotated, Any

from agent.workspace import modals
from agent.workspace.api import Arguments, FromJson, Method
from agent.workspace.errors import Refused
from agent.workspace.store import Doc
from agent.workspace.views import checked_view
from agent.workspace.world import World

View = Annotated[dict[str, Any], FromJson]


class Open(Arguments):
    view: View
    trigger_id: str | None = None
    interactivity_pointer: str | None = None


class Update(Arguments):
    view: View
    view_id: str | None = None
    external_id: str | None = None
    hash: str | None = None


class Publish(Arguments):
    user_id: str
    view: View
    hash: str | None = None


async def open_modal(world: World, given: Open) -> Doc:
    body = checked_view(given.view, world.limits, "modal")
    trigger = world.transient.use_trigger(_trigger(given))
    return {"view": modals.shown(modals.open_modal(world, trigger.person, body))}


async def push(world: World, given: Open) -> Doc:
    body = checked_view(given.view, world.limits, "modal")
    trigger = world.transient.use_trigger(_trigger(given))
    if trigger.view is None:
        raise Refused("invalid_arguments", "[ERROR] views.push needs a trigger_id from an action in a modal")
    return {"view": modals.shown(modals.push(world, trigger.person, body))}


async def update(world: World, given: Update) -> Doc:
    body = checked_view(given.view, world.limits, "modal")
    if given.view_id is None and given.external_id is None:
        raise Refused("invalid_arguments", "[ERROR] view_id or external_id is required")
    if given.view_id is not None:
        view = modals.get(world, given.view_id)
    else:
        known = [each for each in world.store.every("view") if each.get("external_id") == given.external_id]
        view = modals.get(world, known[0]["id"] if known else None)
    _unchanged(view, given.hash)
    return {"view": modals.shown(modals.replace(world, view, body))}


async def publish(world: World, given: Publish) -> Doc:
    body = checked_view(given.view, world.limits, "home")
    person = world.person(given.user_id)
    known = modals.home(world, person["id"])
    if known is not None:
        _unchanged(known, given.hash)
    return {"view": modals.shown(modals.publish(world, person["id"], body))}


def _trigger(given: Open) -> str:
    key = given.trigger_id or given.interactivity_pointer
    if not key:
        raise Refused("invalid_arguments", "[ERROR] missing required field: trigger_id")
    return key


def _unchanged(view: Doc, seen: str | None) -> None:
    if seen and seen != view["hash"]:
        raise Refused("hash_conflict")


METHODS = {
    "views.open": Method(Open, open_modal, 4),
    "views.push": Method(Open, push, 4),
    "views.update": Method(Update, update, 4),
    "views.publish": Method(Publish, publish, 4),
}
