"""A card in the language of who asked for it: what Odyssey says on it; names, commands and figures stay."""

from pydantic import JsonValue

from agent.language.detect import Language
from agent.language.translation import chinese
from agent.slack.model import Block, Rendered

_SHOWN = frozenset({"text", "title", "accessibility_label"})  # keys whose strings people read, or hear
_APART = " · "


def spoken(body: Rendered, language: Language) -> Rendered:
    if language == "en":
        return body
    return Rendered(text=_said(body.text), blocks=tuple(_told(block) for block in body.blocks))


def spoken_block(block: Block, language: Language) -> Block:
    return block if language == "en" else _told(block)


def _told(piece: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        key: _said(value) if key in _SHOWN and isinstance(value, str) else _within(value)
        for key, value in piece.items()
    }


def _within(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return _told(value)
    return [_within(each) for each in value] if isinstance(value, list) else value


def _said(text: str) -> str:
    return "\n".join(_APART.join(map(chinese().reply, line.split(_APART))) for line in text.split("\n"))
