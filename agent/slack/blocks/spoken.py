"""A card in the language of who asked for it: what Odyssey says on it; names, commands and figures stay."""

from collections.abc import Callable

from pydantic import JsonValue

from agent.language.detect import Language
from agent.language.translation import chinese
from agent.slack.model import Rendered

_SHOWN = frozenset({"text", "title"})  # keys whose strings people read
_APART = " · "


def spoken(body: Rendered, language: Language) -> Rendered:
    if language == "en":
        return body
    return Rendered(text=_said(body.text), blocks=tuple(_told(block, _said) for block in body.blocks))


def _said(text: str) -> str:
    return "\n".join(_APART.join(map(chinese().reply, line.split(_APART))) for line in text.split("\n"))


def _told(piece: dict[str, JsonValue], say: Callable[[str], str]) -> dict[str, JsonValue]:
    return {key: _value(key, value, say) for key, value in piece.items()}


def _value(key: str, value: JsonValue, say: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return say(value) if key in _SHOWN else value
    if isinstance(value, dict):
        return _told(value, say)
    return [_value("", each, say) for each in value] if isinstance(value, list) else value
