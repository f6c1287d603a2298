"""What Slack accepts, and what may never be shown: written from Slack's rules, not from the code under test."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.views import View as SdkView

from agent.slack.links import HOSTS
from agent.slack.model import Rendered

IN_MESSAGES = {
    "actions", "context", "context_actions", "divider", "header", "markdown", "plan", "rich_text", "section", "table",
    "task_card",
}  # fmt: skip
IN_VIEWS = {"actions", "context", "divider", "header", "input", "rich_text", "section"}
TEXTS = {"header": 150, "section": 3000, "markdown": 12_000}
DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>")
JOINERS = "\u2060\u200c\u200d"
SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # visible ones
LOCAL = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d+)?([\s`.,;)/|*_>~\]]|$)")


# --- limits ------------------------------------------------------------------------------------------------------


def check_message(rendered: Rendered) -> None:
    blocks: Sequence[Mapping[str, Any]] = rendered.blocks
    assert 0 < len(rendered.text) <= 3000
    assert len(blocks) <= 50
    kinds = [block["type"] for block in blocks]
    assert set(kinds) <= IN_MESSAGES
    assert kinds.count("table") <= 1
    assert not {"plan", "task_card"} <= set(kinds)
    assert sum(units(block["text"]) for block in blocks if block["type"] == "markdown") <= 12_000
    assert sum(units(text) for _, text in shown(blocks)) <= 13_200
    check_blocks(blocks)


def check_view(view: Mapping[str, Any]) -> None:
    SdkView(**view).validate_json()
    blocks = view["blocks"]
    assert 0 < len(blocks) <= 100
    assert {block["type"] for block in blocks} <= IN_VIEWS
    assert len(view.get("private_metadata", "")) <= 3000
    assert len(view.get("callback_id", "")) <= 255
    for name in ("title", "submit", "close"):
        if name in view:
            assert view[name]["type"] == "plain_text"
            assert 0 < units(view[name]["text"]) <= 24
    assert view["type"] == "home" or view["title"]
    check_blocks(blocks)


def check_blocks(blocks: Sequence[Mapping[str, Any]]) -> None:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(set(ids)) == len(ids)
    for block in blocks:
        check_block(block)


def check_block(block: Mapping[str, Any]) -> None:
    parsed = SdkBlock.parse(dict(block))
    assert parsed is not None, block["type"]
    parsed.validate_json()
    text = block.get("text")
    if text is not None:
        words = text if isinstance(text, str) else text["text"]
        assert 0 < units(words) <= TEXTS[block["type"]]
        assert words.strip()
    assert len(block.get("fields", [])) <= 10
    for field in block.get("fields", []):
        assert 0 < units(field["text"]) <= 2000
    check_elements(block)
    if block["type"] == "table":
        check_table(block)
    if block["type"] == "plan":
        ids = [task["task_id"] for task in block["tasks"]]
        assert len(ids) == len(set(ids)) <= 50
    for each in values(block, "rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        assert each["elements"]
    for each in values(block, "text", "link"):
        assert each["text"]


def check_elements(block: Mapping[str, Any]) -> None:
    if block["type"] in ("actions", "context", "context_actions"):
        assert 0 < len(block["elements"]) <= {"actions": 25, "context": 10, "context_actions": 5}[block["type"]]
    pressed = [*values(block, "button")]
    ids = [each["action_id"] for each in pressed]
    assert len(ids) == len(set(ids))
    for each in pressed:
        assert 0 < units(each["text"]["text"]) <= 75
        assert len(each["action_id"]) <= 255
        assert units(each.get("value", "")) <= 2000
    for each in values(block, "plain_text_input"):
        assert units(each.get("placeholder", {}).get("text", "")) <= 150
        assert each["max_length"] <= 3000


def check_table(block: Mapping[str, Any]) -> None:
    rows = block["rows"]
    assert 0 < len(rows) <= 100
    assert len({len(row) for row in rows}) == 1
    assert 0 < len(rows[0]) <= 20
    assert len(block["column_settings"]) <= 20
    assert all(cell["type"] in ("raw_text", "rich_text") for row in rows for cell in row)
    assert all(cell["text"] for row in rows for cell in row if cell["type"] == "raw_text")
    assert sum(units(text) for _, text in shown([block])) <= 10_000


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# --- what is shown -----------------------------------------------------------------------------------------------


def values(found: Any, *kinds: str) -> Iterator[dict[str, Any]]:
    """Every object of these types, at any depth."""
    if isinstance(found, Mapping):
        if found.get("type") in kinds:
            yield dict(found)
        for each in found.values():
            yield from values(each, *kinds)
    elif isinstance(found, list | tuple):
        for each in found:
            yield from values(each, *kinds)


def shown(found: Any, kind: str = "plain_text") -> Iterator[tuple[str, str]]:
    """Every text that is shown, with how Slack reads it; what buttons carry is not shown."""
    if isinstance(found, Mapping):
        kind = str(found.get("type", kind))
        for key, each in found.items():
            if key in ("text", "title", "accessibility_label") and isinstance(each, str):
                yield kind, each
            elif key not in ("value", "private_metadata", "action_id", "block_id"):
                yield from shown(each, kind)
    elif isinstance(found, list | tuple):
        for each in found:
            yield from shown(each, kind)


def assert_harmless(rendered: Rendered | Mapping[str, Any]) -> None:
    """No broadcast, no mention, no foreign link, nothing invisible, wherever Slack might look for one."""
    if isinstance(rendered, Rendered):
        assert_calls_nobody("mrkdwn", rendered.text)
        found: Any = rendered.blocks
    else:
        found = rendered
    for kind, text in shown(found):
        assert_calls_nobody(kind, text)
        assert_links_nowhere(text)
        assert_visible(text)
    for link in values(found, "link", "url"):
        assert host_of(link["url"]) in HOSTS
    assert not [*values(found, "image", "user", "usergroup", "channel", "broadcast")]


def assert_calls_nobody(kind: str, text: str) -> None:
    rest = DATE.sub("", text)
    assert not re.search(r"<[!@#]", rest), text
    assert not re.search(r"@(channel|here|everyone)(?![a-z0-9])", rest, re.IGNORECASE), text
    assert not re.search(r"&(lt|#60|#x3c);?[!@#]", rest, re.IGNORECASE) or kind == "mrkdwn", text
    if kind == "mrkdwn":
        assert "<" not in rest, text
        assert ">" not in re.sub(r"(?m)^> ", "", rest), text
        assert not re.search(r"&(?!(amp|lt|gt);)", rest), text


def assert_links_nowhere(text: str) -> None:
    for match in re.finditer(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2}\S*", text):
        assert host_of(match[0]) in HOSTS or LOCAL.match(match[0] + " "), text
    for match in re.finditer(r"\]\((.*)", prose(text)):
        assert host_of(match[1]) in HOSTS, text
    assert not re.search(r"(?m)^\s*\[[^\]]*\]:", prose(text)), text
    assert not re.search(r"(?<![\w/-])evil[\w-]*[.。]\w", prose(text), re.IGNORECASE), text
    assert not re.search(r"(?i)(?<![\w/-])www\.\w", prose(text)), text
    assert not re.search(r"(?i)\b(mailto|tel|javascript|data|vbscript):\S", prose(text)), text


def assert_visible(text: str) -> None:
    for character in text:
        kind = unicodedata.category(character)
        assert kind not in ("Cc", "Cs") or character in "\n\t", repr(text)
        assert kind != "Cf" or character in JOINERS or character in SIGNS, repr(text)


def prose(text: str) -> str:
    """The text without code: Slack links nothing there."""
    return re.sub(r"(?s)```.*?(```|$)|`[^`\n]*`", " ", text)


def host_of(url: str) -> str:
    """The host of a plain web address; empty for anything odd."""
    match = re.match(r"https?://([a-z0-9.-]+)(?=[/?#)|\s]|[.,;:!*_'\"`\]]*(\s|$))", url, re.IGNORECASE)
    return match[1].lower().rstrip(".") if match else ""
