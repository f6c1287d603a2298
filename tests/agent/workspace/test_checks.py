"""Block Kit, checked: what Slack takes and what it refuses, with the same numbers."""

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk

from agent.workspace.blocks import Surface
from agent.workspace.checks import checked_blocks, text_size
from agent.workspace.errors import Refused
from agent.workspace.limits import SLACK
from agent.workspace.views import checked_view

Doc = dict[str, Any]


def plain(text: str) -> Doc:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Doc:
    return {"type": "mrkdwn", "text": text}


def button(action: str = "go", **more: Any) -> Doc:
    return {"type": "button", "text": plain("Go"), "action_id": action, **more}


def section(**more: Any) -> Doc:
    return {"type": "section", **more}


def actions(*elements: Doc) -> Doc:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "v") -> Doc:
    return {"text": plain("Choice"), "value": value}


def rich(text: str = "x") -> Doc:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}],
    }


def cell(text: str = "c") -> Doc:
    return {"type": "raw_text", "text": text}


def task(**more: Any) -> Doc:
    return {"type": "task_card", "task_id": "t1", "title": "Train", "status": "in_progress", **more}


FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
TRASH = {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "action_id": "remove"}
IMAGE = {"type": "image", "image_url": "https://example.org/p.png", "alt_text": "A curve"}

GOOD: list[Doc] = [
    section(text=mrkdwn("x" * 3000)),
    section(fields=[mrkdwn("x" * 2000)] * 6),
    section(text=plain("t"), accessory=button(value="x" * 2000, style="danger", confirm=None)),
    section(text=plain("t"), accessory={"type": "overflow", "options": [option()]}),
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {**IMAGE, "title": plain("Loss")},
    actions(*[button(f"b{number}") for number in range(25)]),
    actions({"type": "static_select", "placeholder": plain("p"), "options": [option()], "action_id": "s"}),
    {"type": "context", "elements": [mrkdwn("as of now"), IMAGE]},
    {"type": "context_actions", "elements": [FEEDBACK, TRASH]},
    {"type": "markdown", "text": "# " + "x" * 11_998},
    {"type": "table", "rows": [[cell()] * 20] * 100, "column_settings": [{"align": "right"}, None]},
    {"type": "table", "rows": [[rich(), {"type": "raw_number", "value": 1.5, "text": "1.5"}]]},
    task(details=rich(), sources=[{"type": "url", "url": "https://example.org", "text": "source"}]),
    {"type": "plan", "title": "Plan", "tasks": [task()]},
    {"type": "card", "title": mrkdwn("t"), "body": mrkdwn("x" * 200), "actions": [button()]},
    {"type": "carousel", "elements": [{"type": "card", "title": plain("t")}]},
    {"type": "container", "title": plain("t"), "child_blocks": [section(text=plain("inside"))]},
    rich(),
    {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "multiline": True}},
]

BAD: list[tuple[Any, str]] = [
    (
        section(text=mrkdwn("x" * 3001)),
        "must be less than 3001 characters [json-pointer:/blocks/0/text]",
    ),
    (section(text=plain("😀" * 1501)), "must be less than 3001 characters"),
    (section(), "missing required field: text or fields"),
    (section(text="bare"), "/text"),
    (section(text=mrkdwn("")), "at least 1 character"),
    (section(fields=[mrkdwn("x")] * 11), "at most 10 items"),
    (section(text=plain("t"), colour="red"), "invalid additional property"),
    ({"type": "header", "text": plain("x" * 151)}, "must be less than 151"),
    ({"type": "header", "text": mrkdwn("bold")}, "plain_text"),
    ({"type": "image", "alt_text": "no picture"}, "exactly one of image_url and slack_file"),
    ({"type": "image", "image_url": "https://example.org"}, "missing required field"),
    (actions(), "at least 1 item"),
    (actions(*[button(f"b{number}") for number in range(26)]), "at most 25 items"),
    (actions(button(), button()), "`action_id` `go` already exists"),
    (actions({**button(), "text": plain("x" * 76)}), "must be less than 76"),
    (actions(button(value="x" * 2001)), "at most 2000 characters"),
    (actions(button(style="green")), "primary"),
    (actions({"type": "static_select", "action_id": "s"}), "exactly one of options and option_groups"),
    (actions({"type": "overflow", "options": [option()] * 6}), "at most 5 items"),
    (actions({"type": "plain_text_input"}), "does not match any of the expected tags"),
    ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters"),
    ({"type": "table", "rows": [[cell()] * 21]}, "at most 20 items"),
    ({"type": "table", "rows": [[cell()]] * 101}, "at most 100 items"),
    ({"type": "table", "rows": [[cell("")]]}, "at least 1 character"),
    (task(status="done"), "pending"),
    ({"type": "alert", "text": mrkdwn("only in modals")}, "does not match any of the expected tags"),
    ({"type": "card", "subtitle": plain("nothing else")}, "at least one of"),
    ({"type": "container", "child_blocks": [{"type": "divider"}]}, "title or rich_text_title"),
    ({"type": "container", "title": plain("t"), "child_blocks": [{"type": "nonsense"}]}, "child_blocks/0"),
    ({"type": "nonsense"}, "does not match any of the expected tags"),
    ({"text": "no type"}, "Unable to extract tag"),
    ("not a block", ""),
    (None, ""),
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_what_slack_takes(block: Doc) -> None:
    block = {name: value for name, value in block.items() if value is not None}
    if block["type"] == "section" and "accessory" in block:
        block["accessory"] = {name: each for name, each in block["accessory"].items() if each is not None}
    checked = checked_blocks([block], SLACK, most=50)
    assert checked[0]["block_id"]
    assert sdk.Block.parse(checked[0]) is not None


@pytest.mark.parametrize(("block", "sentence"), BAD)
def test_what_slack_refuses(block: Any, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_blocks([block], SLACK, most=50)
    assert caught.value.code == "invalid_blocks"
    assert any(sentence in each for each in caught.value.messages)


def test_a_message_has_50_blocks_and_a_view_100() -> None:
    dividers = [{"type": "divider"}] * 101
    assert len(checked_blocks(dividers[:50], SLACK, most=50)) == 50
    with pytest.raises(Refused, match="invalid_blocks"):
        checked_blocks(dividers[:51], SLACK, most=50)
    view = {"type": "home", "blocks": dividers[:100]}
    assert len(checked_view(view, SLACK, "home")["blocks"]) == 100
    with pytest.raises(Refused):
        checked_view({"type": "home", "blocks": dividers}, SLACK, "home")


def test_all_text_of_a_message_is_limited() -> None:
    blocks = [section(text=mrkdwn("x" * 3000))] * 4
    assert text_size(blocks) == 12_000
    checked_blocks([*blocks, section(text=mrkdwn("x" * 1200))], SLACK, most=50)
    with pytest.raises(Refused, match="msg_blocks_too_long"):
        checked_blocks([*blocks, section(text=mrkdwn("x" * 1201))], SLACK, most=50)


def test_one_table_and_either_a_plan_or_task_cards() -> None:
    table = {"type": "table", "rows": [[cell()]]}
    with pytest.raises(Refused) as caught:
        checked_blocks([table, table], SLACK, most=50)
    assert (caught.value.code, caught.value.messages) == ("invalid_attachments", ("only_one_table_allowed",))
    with pytest.raises(Refused, match="invalid_blocks"):
        checked_blocks([task(), {"type": "plan", "title": "p", "tasks": []}], SLACK, most=50)


def test_block_ids_are_unique() -> None:
    with pytest.raises(Refused, match="invalid_blocks"):
        checked_blocks([{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}], SLACK, most=50)
    ids = [each["block_id"] for each in checked_blocks([{"type": "divider"}] * 50, SLACK, most=50)]
    assert len(set(ids)) == 50


@pytest.mark.parametrize(
    ("surface", "kind", "taken"),
    [
        ("modal", "alert", True),
        ("home", "alert", False),
        ("modal", "markdown", False),
        ("home", "table", False),
        ("home", "carousel", True),
        ("modal", "carousel", False),
    ],
)
def test_some_blocks_stand_only_on_some_surfaces(surface: Surface, kind: str, taken: bool) -> None:
    known = {each["type"]: each for each in GOOD} | {"alert": {"type": "alert", "text": plain("Careful")}}
    if taken:
        checked_blocks([known[kind]], SLACK, most=100, surface=surface)
    else:
        with pytest.raises(Refused):
            checked_blocks([known[kind]], SLACK, most=100, surface=surface)


MODAL = {"type": "modal", "title": plain("Reason"), "blocks": [{"type": "divider"}]}
INPUT = {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input"}}


@pytest.mark.parametrize(
    "change",
    [
        {"title": plain("x" * 25)},
        {"title": None},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"submit": mrkdwn("Send")},
        {"blocks": [INPUT]},
        {"surprise": 1},
        {"blocks": "nothing"},
    ],
)
def test_a_modals_own_limits(change: Doc) -> None:
    checked_view(MODAL | {"private_metadata": "x" * 3000, "submit": plain("Send"), "blocks": [INPUT]}, SLACK, "modal")
    with pytest.raises(Refused, match="invalid_arguments"):
        checked_view(MODAL | change, SLACK, "modal")
