"""What a person chose in an element, in the shapes Slack sends: pure functions over block dicts."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from agent.workspace.checks import parts_of
from agent.workspace.errors import Refused
from agent.workspace.store import Doc

ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
MANY_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
ONE_ID = {"users_select": "user", "conversations_select": "conversation", "channels_select": "channel"}
TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
PATTERNS = {"datepicker": ("date", r"\d{4}-\d\d-\d\d"), "timepicker": ("time", r"\d\d:\d\d")}
NO_STATE = ("button", "workflow_button", "icon_button", "feedback_buttons", "overflow", "image")


def elements(blocks: list[Doc]) -> Iterator[tuple[Doc, Doc]]:
    """Every interactive element with its block, in order; cards and containers are looked into."""
    for block in blocks:
        found = parts_of(block)
        if block["type"] == "carousel":
            yield from elements(block["elements"])
        elif block["type"] == "container":
            yield from elements(block["child_blocks"])
        elif block["type"] not in ("context", "rich_text"):
            yield from ((block, each) for each in found if "action_id" in each)


def find(blocks: list[Doc], block_id: str, action_id: str) -> tuple[Doc, Doc]:
    """The block and the element. Refused: element_not_found."""
    for block, element in elements(blocks):
        if block.get("block_id") == block_id and element["action_id"] == action_id:
            return block, element
    raise Refused("element_not_found")


def options_of(element: Doc) -> list[Doc]:
    """An element's options, of all its groups."""
    groups = [each for group in element.get("option_groups") or [] for each in group["options"]]
    return [*(element.get("options") or []), *groups]


def state_of(element: Doc, chosen: Any) -> Doc:
    """The element's part of `state.values`. Refused: invalid_choice where the element cannot hold it."""
    kind = element["type"]
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": None if chosen is None else _option(element, chosen)}
    if kind in MANY_OPTIONS:
        return {"type": kind, "selected_options": [_option(element, each) for each in _list(chosen)]}
    if kind in ONE_ID:
        return {"type": kind, f"selected_{ONE_ID[kind]}": _or_none(chosen)}
    if kind.startswith("multi_") and kind.removeprefix("multi_") in ONE_ID:
        return {
            "type": kind,
            f"selected_{ONE_ID[kind.removeprefix('multi_')]}s": [_text(each) for each in _list(chosen)],
        }
    if kind in TEXTS:
        return {"type": kind, "value": _or_none(chosen) or None}
    if kind in PATTERNS:
        name, pattern = PATTERNS[kind]
        if chosen is not None and not re.fullmatch(pattern, _text(chosen)):
            raise Refused("invalid_choice")
        return {"type": kind, f"selected_{name}": chosen}
    return {"type": kind, **_special(kind, chosen)}


def _special(kind: str, chosen: Any) -> Doc:
    if kind == "datetimepicker" and (chosen is None or (isinstance(chosen, int) and not isinstance(chosen, bool))):
        return {"selected_date_time": chosen}
    if kind == "rich_text_input" and (
        chosen is None or (isinstance(chosen, dict) and chosen.get("type") == "rich_text")
    ):
        return {"rich_text_value": chosen}
    if kind == "file_input":
        return {"files": [_text(each) for each in _list(chosen)]}
    raise Refused("invalid_choice")


def initial_state(element: Doc) -> Doc | None:
    """What the element holds before anybody touches it; None if it never holds anything."""
    kind = element["type"]
    if kind in NO_STATE:
        return None
    one, many = element.get("initial_option"), element.get("initial_options") or []
    base = kind.removeprefix("multi_")
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": one}
    if kind in MANY_OPTIONS:
        return {"type": kind, "selected_options": many}
    if base in ONE_ID:
        name = ONE_ID[base]
        several = kind != base
        value = element.get(f"initial_{name}s") or [] if several else element.get(f"initial_{name}")
        return {"type": kind, f"selected_{name}{'s' if several else ''}": value}
    names = {"datepicker": "initial_date", "timepicker": "initial_time", "datetimepicker": "initial_date_time"}
    held = element.get(names.get(kind, "initial_value"))
    if kind in TEXTS:
        return {"type": kind, "value": None if held is None else str(held)}
    return state_of(element, held)


def initial_values(blocks: list[Doc]) -> Doc:
    """`state.values` of fresh blocks."""
    values: Doc = {}
    for block, element in elements(blocks):
        held = initial_state(element)
        if held is not None:
            values.setdefault(block["block_id"], {})[element["action_id"]] = held
    return values


def missing(blocks: list[Doc], values: Doc) -> Doc:
    """The required inputs left empty: block id to the sentence shown under them."""
    found: Doc = {}
    for block in blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        held = values.get(block["block_id"], {}).get(block["element"]["action_id"], {})
        given = [value for name, value in held.items() if name != "type"]
        if not any(value not in (None, "", []) for value in given):
            found[block["block_id"]] = "Please complete this required field."
    return found | _too_long(blocks, values)


def _too_long(blocks: list[Doc], values: Doc) -> Doc:
    found: Doc = {}
    for block in blocks:
        element = block.get("element") if block["type"] == "input" else None
        if not element or element["type"] != "plain_text_input":
            continue
        text = values.get(block["block_id"], {}).get(element["action_id"], {}).get("value") or ""
        if text and len(text) < element.get("min_length", 0):
            found[block["block_id"]] = f"Please use at least {element['min_length']} characters."
        if len(text) > element.get("max_length", 3000):
            found[block["block_id"]] = f"Please use at most {element.get('max_length', 3000)} characters."
    return found


def action_of(block: Doc, element: Doc, chosen: Any, action_ts: str) -> Doc:
    """One entry of a block_actions payload's `actions`. Refused: invalid_choice."""
    kind = element["type"]
    action: Doc = {
        "type": kind,
        "block_id": block["block_id"],
        "action_id": element["action_id"],
        "action_ts": action_ts,
    }
    if kind == "feedback_buttons":
        buttons = [element["positive_button"], element["negative_button"]]
        picked = [each for each in buttons if each["value"] == chosen]
        if not picked:
            raise Refused("invalid_choice")
        return action | {"text": picked[0]["text"], "value": picked[0]["value"]}
    if kind in ("button", "icon_button", "workflow_button"):
        if chosen is not None:
            raise Refused("invalid_choice")
        kept: Callable[[str], bool] = element.__contains__
        return action | {name: element[name] for name in ("text", "value", "style", "url", "icon") if kept(name)}
    return action | {name: value for name, value in state_of(element, chosen).items() if name != "type"}


def _option(element: Doc, chosen: Any) -> Doc:
    if element["type"].endswith("external_select") and isinstance(chosen, dict):
        return chosen
    for each in options_of(element):
        if each["value"] == chosen:
            return {"text": each["text"], "value": each["value"]}
    raise Refused("invalid_choice")


def _list(chosen: Any) -> list[Any]:
    if chosen is None:
        return []
    if not isinstance(chosen, list):
        raise Refused("invalid_choice")
    return chosen


def _text(chosen: Any) -> str:
    if not isinstance(chosen, str):
        raise Refused("invalid_choice")
    return chosen


def _or_none(chosen: Any) -> str | None:
    return None if chosen is None else _text(chosen)
