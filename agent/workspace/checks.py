"""Blocks checked as Slack checks them: known types and fields, sizes, counts, ids, what excludes what."""

import secrets
from collections import Counter
from typing import Any

from pydantic import ValidationError

from agent.workspace.blocks import CHECKS, Surface
from agent.workspace.composition import length
from agent.workspace.errors import Refused
from agent.workspace.faulty import sentences
from agent.workspace.limits import Limits
from agent.workspace.store import Doc


def checked_blocks(
    blocks: list[Any], limits: Limits, *, most: int, surface: Surface = "message", root: str = "blocks"
) -> list[Doc]:
    """The blocks, with ids where they had none.

    Refused: invalid_blocks with sentences, msg_blocks_too_long, invalid_attachments (more than one table).
    """
    if len(blocks) > most:
        raise Refused("invalid_blocks", f"[ERROR] no more than {most} items allowed [json-pointer:/{root}]")
    try:
        CHECKS[surface].validate_python(blocks)
    except (ValidationError, RecursionError) as fault:
        raise Refused("invalid_blocks", *sentences(fault, root, blocks)) from None
    named: list[Doc] = [_named(each) for each in blocks]
    for number, block in enumerate(named):
        if block["type"] == "container":
            children = f"{root}/{number}/child_blocks"
            block["child_blocks"] = checked_blocks(
                block["child_blocks"], limits, most=10, surface=surface, root=children
            )
    _check_together(named, limits, surface)
    return named


def _check_together(blocks: list[Doc], limits: Limits, surface: Surface) -> None:
    ids = Counter(each["block_id"] for each in blocks)
    if twice := [each for each, count in ids.items() if count > 1]:
        raise Refused("invalid_blocks", f"[ERROR] block_id `{twice[0]}` already exists [json-pointer:/blocks]")
    kinds = Counter(each["type"] for each in blocks)
    if kinds["table"] > 1:
        raise Refused("invalid_attachments", "only_one_table_allowed")
    if kinds["plan"] and kinds["task_card"]:
        raise Refused("invalid_blocks", "[ERROR] plan and task_card exclude each other [json-pointer:/blocks]")
    for block in blocks:
        actions = Counter(each["action_id"] for each in parts_of(block) if "action_id" in each)
        if twice := [each for each, count in actions.items() if count > 1]:
            raise Refused("invalid_blocks", f"[ERROR] `action_id` `{twice[0]}` already exists in block")
    if surface == "message" and text_size(blocks) > limits.message:
        raise Refused("msg_blocks_too_long")


def parts_of(block: Doc) -> list[Doc]:
    """A block's elements, wherever it keeps them; not those of cards and blocks inside it."""
    found = [*block.get("elements", []), block.get("accessory"), block.get("element"), *(block.get("actions") or [])]
    return [each for each in found if isinstance(each, dict)]


def text_size(value: Any) -> int:
    """Characters of every text inside."""
    if isinstance(value, list):
        return sum(text_size(each) for each in value)
    if not isinstance(value, dict):
        return 0
    own = sum(length(value[name]) for name in ("text", "title") if isinstance(value.get(name), str))
    return own + sum(text_size(each) for each in value.values() if isinstance(each, (dict, list)))


def _named(block: Doc) -> Doc:
    """With a block_id, and an action_id in every element that can be pressed."""
    made: Doc = {"block_id": secrets.token_urlsafe(4), **block}
    if block["type"] == "carousel":
        return made | {"elements": [_named(each) for each in block["elements"]]}
    if block["type"] in ("context", "rich_text"):
        return made
    for name in ("elements", "actions"):
        if block.get(name):
            made[name] = [_pressable(each) for each in block[name]]
    for name in ("accessory", "element"):
        if block.get(name):
            made[name] = _pressable(block[name])
    return made


def _pressable(element: Doc) -> Doc:
    return element if element["type"] == "image" else {"action_id": secrets.token_urlsafe(4), **element}
