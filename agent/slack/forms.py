"""A tool's parameters as a form's inputs, and the sent form as a command in words. Pure."""

import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue, ValidationError
from pydantic.fields import FieldInfo

from agent.slack.actions import Origin, Press, Submission, one_line
from tools.contract import Frozen, Parameters, Tool

Kind = Literal["choice", "whole", "decimal", "text"]

LONGEST_TEXT = 600  # characters of one input; a command has 800
LOST = "This window has lost what it was about; close it and press the button again."
_PREFIX = "set_"
_YES, _NO = "true", "false"


class Entry(Frozen):
    """One input of the form. `value` is what stands in it when it opens."""

    name: str
    kind: Kind
    about: str
    required: bool
    options: tuple[str, ...] = ()
    value: str | None = None

    @property
    def id(self) -> str:
        """Of its block and of its action."""
        return _PREFIX + self.name


def entries(tool: Tool, given: Mapping[str, JsonValue]) -> tuple[Entry, ...]:
    """The tool's parameters, those that must be given first; what is not in `given` stands at its default."""
    found = [_entry(name, field, given) for name, field in tool.parameters.model_fields.items()]
    return tuple(sorted(found, key=lambda entry: not entry.required))


def _entry(name: str, field: FieldInfo, given: Mapping[str, JsonValue]) -> Entry:
    kind, options = _kind(field.annotation)
    value = given.get(name, None if field.is_required() else field.default)
    return Entry(
        name=name,
        kind=kind,
        about=(field.description or name).rstrip("."),
        required=field.is_required(),
        options=options,
        value=_written(value),
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = [each for each in get_args(annotation) if each is not type(None)][:1]
    if annotation is bool:
        return "choice", (_YES, _NO)
    if get_origin(annotation) is Literal:
        return "choice", tuple(str(each) for each in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "choice", tuple(str(each.value) for each in annotation)
    return ("whole" if annotation is int else "decimal" if annotation is float else "text"), ()


def _written(value: Any) -> str | None:
    """A value as a person types it: `0.0002`, `0,1,3`; several texts with | between where a comma stands in one."""
    if value is None or value == () or value == "":
        return None
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, list | tuple):
        parts = [_written(each) or "" for each in value]
        return ("|" if any(not part or "," in part for part in parts) else ",").join(parts)
    return str(value.value if isinstance(value, Enum) else value)


def submitted(view: Mapping[str, JsonValue], catalogue: Mapping[str, Tool]) -> Submission:
    """What sending the form means: the tool's command, or what is wrong by input."""
    metadata = view.get("private_metadata")
    origin = Origin.parse(metadata if isinstance(metadata, str) else None)
    tool = catalogue.get(origin.press.say) if origin.press else None
    typed = dict(_typed(view))
    if tool is None or origin.press is None:
        return Submission(origin=origin, faults=dict.fromkeys([*typed][:1], LOST))
    known = {entry.id: entry.name for entry in entries(tool, {})}
    values = {known[block]: text for block, text in typed.items() if block in known and text}
    checked = _checked(tool, values)
    if isinstance(checked, dict):
        shown = [block for block in typed if block in known]
        first = [*shown, _PREFIX][0]
        return Submission(origin=origin, faults={(b if b in shown else first): said for b, said in checked.items()})
    said = _command(tool, values, checked)
    if len(said) > Press.model_fields["say"].metadata[1].max_length:
        longest = max(values, key=lambda name: len(values[name]))
        return Submission(origin=origin, faults={_PREFIX + longest: "All together this is too long; shorten it."})
    return Submission(press=origin.press.model_copy(update={"say": said}), origin=origin)


def _typed(view: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Block id and what was typed or chosen, in the order of the form."""
    state = view.get("state")
    blocks = state.get("values") if isinstance(state, dict) else None
    for block, actions in blocks.items() if isinstance(blocks, dict) else ():
        element = actions.get(block) if isinstance(actions, dict) else None
        if not block.startswith(_PREFIX) or not isinstance(element, dict):
            continue
        chosen = element.get("selected_option")
        value = chosen.get("value") if isinstance(chosen, dict) else element.get("value")
        yield block, one_line(value, LONGEST_TEXT) if isinstance(value, str) else ""


def _checked(tool: Tool, values: Mapping[str, str]) -> Parameters | dict[str, str]:
    try:
        return tool.parameters.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        return {_PREFIX + str((fault["loc"] or ("",))[0]): _sentence(fault["msg"]) for fault in faults}


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ").strip().rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."[:150]


def _command(tool: Tool, values: Mapping[str, str], checked: Parameters) -> str:
    """`finetune data=tickets rank=8`: what differs from the defaults, and what has none."""
    fields = tool.parameters.model_fields
    kept = [name for name in values if fields[name].is_required() or getattr(checked, name) != fields[name].default]
    return " ".join([tool.name, *(f"{name}={_quoted(values[name])}" for name in kept)])


def _quoted(text: str) -> str:
    """As the grammar of commands reads it back: what has a blank or a sign of its own in quotes."""
    if not set(text) & set(" \t,;='\"|"):
        return text
    return f"'{text.replace(chr(39), '’')}'" if '"' in text else f'"{text}"'
