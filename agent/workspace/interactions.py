"""What the app hears when a person presses, submits, commands or opens something, and what becomes of its answer."""

from typing import Any

from agent.workspace import chosen, events, messages, modals
from agent.workspace.api_chat import Body, content
from agent.workspace.errors import Refused, Unanswered
from agent.workspace.identity import APP, BOT_USER, TEAM, TEAM_NAME
from agent.workspace.store import Doc
from agent.workspace.transient import Hook
from agent.workspace.views import checked_view
from agent.workspace.world import World


def _who(world: World, person: str) -> Doc:
    """What every interaction says about its person and place."""
    name = world.person(person)["name"]
    return {
        "user": {"id": person, "username": name, "name": name, "team_id": TEAM},
        "api_app_id": APP,
        "token": world.credentials.verification_token,
        "team": {"id": TEAM, "domain": "local"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _hook(world: World, person: str, channel: str, message: Doc | None = None) -> str:
    hook = Hook(person, channel, world.transient.now())
    if message is not None:
        hook.message_ts, hook.ephemeral = message["ts"], bool(message.get("ephemeral"))
        hook.thread_ts = message.get("thread_ts")
    return f"{world.base_url}/response/{world.transient.hook(hook)}"


def _named(channel: Doc) -> Doc:
    return {"id": channel["id"], "name": channel["name"] or "directmessage"}


async def press(world: World, person: str, message: Doc, block_id: str, action_id: str, value: Any) -> None:
    """An element of a message. Refused: element_not_found, invalid_choice. Unanswered."""
    channel = world.channel_of(person, message["channel"])
    block, element = chosen.find(message.get("blocks", []), block_id, action_id)
    action = chosen.action_of(block, element, value, world.next_ts())
    values = _kept_values(world, person, message, block, element, value)
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel["id"],
        "is_ephemeral": bool(message.get("ephemeral")),
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    payload = {
        "type": "block_actions",
        **_who(world, person),
        "container": container,
        "channel": _named(channel),
        "message": {name: part for name, part in events.shown(message).items() if name not in ("ephemeral", "for")},
        "trigger_id": world.transient.trigger(person),
        "response_url": _hook(world, person, channel["id"], message),
        "state": {"values": values},
        "actions": [action],
    }
    await world.courier.ask("interactive", payload)


def _kept_values(world: World, person: str, message: Doc, block: Doc, element: Doc, value: Any) -> Doc:
    """`state.values` of a message for this person: what its elements hold after this choice."""
    key = f"{person}:{message['channel']}:{message['ts']}"
    values = chosen.initial_values(message["blocks"])
    for block_id, held in (world.store.get("values", key) or {}).items():
        values.setdefault(block_id, {}).update(held)
    if element["type"] not in chosen.NO_STATE:
        held = {block["block_id"]: {element["action_id"]: chosen.state_of(element, value)}}
        values.setdefault(block["block_id"], {}).update(held[block["block_id"]])
        world.store.put("values", key, values)
    return values


async def press_in_view(world: World, person: str, view: Doc, block_id: str, action_id: str, value: Any) -> None:
    """An element of a modal or the App Home. Refused: element_not_found, invalid_choice. Unanswered."""
    block, element = chosen.find(view["blocks"], block_id, action_id)
    action = chosen.action_of(block, element, value, world.next_ts())
    view = modals.choose(world, view, block_id, action_id, value)
    if block["type"] == "input" and not block.get("dispatch_action"):
        return  # Slack tells the app nothing before the view is submitted
    payload = {
        "type": "block_actions",
        **_who(world, person),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": world.transient.trigger(person, view["id"]),
        "view": modals.shown(view),
        "actions": [action],
    }
    await world.courier.ask("interactive", payload)


async def options(world: World, person: str, where: Doc, block_id: str, action_id: str, typed: str) -> Doc:
    """The choices of an external_select for what was typed; `where` is a message or a view. Unanswered."""
    chosen.find(where.get("blocks", []), block_id, action_id)
    payload = {
        "type": "block_suggestion",
        **_who(world, person),
        "block_id": block_id,
        "action_id": action_id,
        "value": typed,
    }
    if "channel" in where:
        payload |= {"channel": {"id": where["channel"]}, "message": events.shown(where)}
        payload["container"] = {"type": "message", "message_ts": where["ts"], "channel_id": where["channel"]}
    else:
        payload |= {"view": modals.shown(where), "container": {"type": "view", "view_id": where["id"]}}
    answer = await world.courier.ask("interactive", payload) or {}
    return {"options": answer.get("options") or [], "option_groups": answer.get("option_groups") or []}


async def submit(world: World, person: str, view: Doc, values: Doc) -> Doc:
    """A modal's submit button. Gives response_action and errors as the people API says. Unanswered."""
    for block_id, held in values.items():
        for action_id, value in held.items():
            view = modals.choose(world, view, block_id, action_id, value)
    errors = chosen.missing(view["blocks"], view["state"]["values"])
    if errors:
        return {"response_action": "errors", "errors": errors}
    payload = {
        "type": "view_submission",
        **_who(world, person),
        "trigger_id": world.transient.trigger(person, view["id"]),
        "view": modals.shown(view),
        "response_urls": [],
    }
    return _after_submit(world, person, view, await world.courier.ask("interactive", payload) or {})


def _after_submit(world: World, person: str, view: Doc, answer: Doc) -> Doc:
    action = answer.get("response_action")
    outcome: Doc = {"response_action": action, "errors": {}}
    if action is None:
        if modals.stack(world, person)[-1:] == [view["id"]]:
            modals.close(world, person)
    elif action == "clear":
        modals.close(world, person, all_of_them=True)
    elif action == "errors":
        given = answer.get("errors")
        known = {each["block_id"] for each in view["blocks"] if each["type"] == "input"}
        outcome["errors"] = {str(name): str(said) for name, said in given.items()} if isinstance(given, dict) else {}
        if not outcome["errors"] or not known.issuperset(outcome["errors"]):
            raise Unanswered("its errors name no input block of the view")
        world.live.tell([person], {"type": "view_errors", "view_id": view["id"], "errors": outcome["errors"]})
    elif action in ("update", "push"):
        body = checked_view(answer.get("view") or {}, world.limits, "modal")
        modals.push(world, person, body) if action == "push" else modals.replace(world, view, body)
    else:
        raise Unanswered("its response_action is unknown")
    return outcome


async def close(world: World, person: str, view: Doc) -> None:
    """The modal's close button or X: the whole stack goes; those that ask for it tell the app."""
    for closed in modals.close(world, person, all_of_them=True):
        if closed.get("notify_on_close"):
            payload = {
                "type": "view_closed",
                **_who(world, person),
                "view": modals.shown(closed),
                "is_cleared": closed["id"] != view["id"],
            }
            await world.courier.ask("interactive", payload)


async def shortcut(world: World, person: str, callback_id: str, message: Doc) -> None:
    """A message's shortcut. Unanswered."""
    channel = world.channel_of(person, message["channel"])
    payload = {
        "type": "message_action",
        **_who(world, person),
        "action_ts": world.next_ts(),
        "callback_id": callback_id,
        "trigger_id": world.transient.trigger(person),
        "response_url": _hook(world, person, channel["id"]),
        "channel": _named(channel),
        "message_ts": message["ts"],
        "message": events.shown(message),
    }
    await world.courier.ask("interactive", payload)


async def command(world: World, person: str, channel: Doc, name: str, text: str) -> Doc | None:
    """A slash command; the app's answer, if it gave one at once. Unanswered."""
    payload = {
        "token": world.credentials.verification_token,
        "team_id": TEAM,
        "team_domain": "local",
        "channel_id": channel["id"],
        "channel_name": _named(channel)["name"],
        "user_id": person,
        "user_name": world.person(person)["name"],
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": _hook(world, person, channel["id"]),
        "trigger_id": world.transient.trigger(person),
    }
    answer = await world.courier.ask("slash_commands", payload)
    if answer:
        respond(world, Hook(person, channel["id"], world.transient.now()), answer)
    return answer


def respond(world: World, hook: Hook, answer: Doc) -> None:
    """An answer to a command or to a response_url. Refused: no_text and what is wrong with blocks."""
    channel = world.channel(hook.channel)
    if answer.get("delete_original") in (True, "true"):
        _delete_original(world, hook, channel)
        return
    body = messages.by_bot() | content(world, Body.model_validate({**answer, "channel": hook.channel}))
    if answer.get("replace_original") in (True, "true") and hook.message_ts:
        _replace_original(world, hook, channel, body)
    elif answer.get("response_type") == "in_channel":
        thread = answer.get("thread_ts") or hook.thread_ts
        messages.post(world, channel, body | ({"thread_ts": thread} if thread else {}))
    else:
        thread = answer.get("thread_ts") or hook.thread_ts
        messages.post_ephemeral(world, channel, hook.person, body | ({"thread_ts": thread} if thread else {}))


def _replace_original(world: World, hook: Hook, channel: Doc, body: Doc) -> None:
    if not hook.ephemeral:
        messages.change(world, channel, hook.message_ts or "", {"blocks": None} | body)
        return
    _delete_original(world, hook, channel)
    again = messages.post_ephemeral(
        world, channel, hook.person, body | ({"thread_ts": hook.thread_ts} if hook.thread_ts else {})
    )
    hook.message_ts = again["ts"]


def _delete_original(world: World, hook: Hook, channel: Doc) -> None:
    if hook.message_ts is None:
        raise Refused("message_not_found")
    if not hook.ephemeral:
        messages.delete(world, channel, hook.message_ts)
        return
    world.transient.drop_ephemeral(channel["id"], hook.message_ts)
    frame = {"type": "ephemeral_deleted", "channel": channel["id"], "ts": hook.message_ts}
    world.live.tell([hook.person], frame)


def open_home(world: World, person: str, tab: str) -> None:
    """The App Home was opened at a tab: home, or messages (the DM with the app)."""
    channel = world.direct(person, BOT_USER)
    event: Doc = {
        "type": "app_home_opened",
        "user": person,
        "channel": channel["id"],
        "tab": tab,
        "event_ts": world.next_ts(),
    }
    view = modals.home(world, person)
    if view is not None and tab == "home":
        event["view"] = modals.shown(view)
    world.emit(event)


TEAM_SHOWN = {"id": TEAM, "name": TEAM_NAME}
