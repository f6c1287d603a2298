"""What buttons and modals carry, and how they become words.

Everything a button does is a command in words: its value is a `Press`, and an action whose id begins with `say` is
taken exactly as if the person had typed `Press.say`. The other ids only open a modal or store a vote. A modal that is
sent becomes a `Press`, too; what was typed in it is one argument of a command and can never be another command.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from agent.slack.model import Place
from agent.slack.sanitize import units
from knowledge.model import Citation
from tools.contract import Frozen

SAY = "say"  # `say:…`: the value is a Press
REASON = "reason"  # `reason:…`: the value is a Press that lacks its reason; also the modal that asks for it
PASSAGE = "passage"  # `passage:…`: the value is a Passage; also the modal that shows it
FEEDBACK = "feedback"  # the value is a Vote
FORM = "form"  # `form:…`: the value is a FormValue; also the modal that asks for a tool's parameters
NEW_PROJECT = "new_project"  # the button without a value; also the modal
HOME = "home"  # the App Home's callback id

REASON_FIELD = "reason_field"  # ids of a modal's inputs; block and action have the same
NAME_FIELD = "name_field"
DESCRIPTION_FIELD = "description_field"

LONGEST_VALUE = 2000  # characters of a button's value
LONGEST_REASON = 500
LONGEST_NAME = 60
LONGEST_DESCRIPTION = 500

_PRINTABLE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"
_SAID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # the names that `create project` takes
_NOT_NAMES = frozenset({"for", "to", "that", "which", "about", "with", "called", "named"})  # words of a sentence

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@/+-]{1,120}$")]


class _Value(Frozen):
    """What a button's value holds, as JSON."""

    def value(self) -> str:
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def parse(cls, value: str | None) -> Self | None:
        """None if it is not one: a value is what a client sends, so anything can stand there."""
        if not value or len(value) > LONGEST_VALUE:
            return None
        try:
            return cls.model_validate_json(value)
        except ValidationError:
            return None


class Press(_Value):
    """A command in words; `seen` is the digest of what the pressed card showed, `project` the id of what it is about.

    The bounds keep the JSON under 2,000 characters whatever the words are.
    """

    say: str = Field(min_length=1, max_length=800, pattern=_PRINTABLE)
    seen: Word | None = None
    project: Word | None = None


class FormValue(_Value):
    """The form of a tool as a proposal shows it."""

    tool: Word
    params: dict[str, JsonValue] = Field(default_factory=dict)
    project: Word | None = None

    def within(self, room: int = LONGEST_VALUE) -> Self:
        """The same, without its longest parameters where a value of `room` characters cannot hold them all."""
        form = self
        while units(form.value()) > room and form.params:
            longest = max(form.params, key=lambda name: len(str(form.params[name])))
            rest = {name: value for name, value in form.params.items() if name != longest}
            form = form.model_copy(update={"params": rest})
        return form


class Vote(_Value):
    """A vote on the answer of a turn."""

    turn: str = Field(min_length=1, max_length=400)
    good: bool


class Passage(_Value):
    """What the passage modal shows; `whole` is False where the value was too short for the whole quotation."""

    number: int
    scope: str
    source: str
    title: str
    heading: str
    quote: str
    whole: bool = True

    @classmethod
    def of(cls, cited: Citation, number: int, room: int = LONGEST_VALUE) -> Self:
        """The citation, its quotation cut where a value of `room` characters cannot hold it."""
        passage = cls(
            number=number,
            scope=cited.scope[:100],
            source=cited.source[:200],
            title=cited.title[:150],
            heading=cited.heading[:200],
            quote=cited.quote,
        )
        while (excess := units(passage.value()) - room) > 0 and passage.quote:
            kept = min(room, len(passage.quote) - max(1, excess // 6))  # a character takes at most six in JSON
            passage = passage.model_copy(update={"quote": passage.quote[: max(0, kept)], "whole": False})
        return passage


class Origin(Frozen):
    """A modal's private metadata: what it was opened for, and where its answer belongs."""

    press: Press | None = None
    place: Place | None = None  # of the card whose button was pressed
    thread: str | None = None  # the conversation's key

    def metadata(self) -> str:
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def parse(cls, metadata: str | None) -> Self:
        try:
            return cls.model_validate_json(metadata or "{}")
        except ValidationError:
            return cls()


class Submission(Frozen):
    """What sending a modal means: a command, or what is wrong by input's block id; neither for a modal that asks
    for nothing."""

    press: Press | None = None
    origin: Origin = Origin()
    faults: dict[str, str] = Field(default_factory=dict)


def pressed(action: Mapping[str, JsonValue]) -> Press | None:
    """The command of a button of a message or view; None if the action is another one or is not ours."""
    action_id, value = action.get("action_id"), action.get("value")
    if not isinstance(action_id, str) or not isinstance(value, str):
        return None
    return Press.parse(value) if action_id.partition(":")[0] == SAY else None


def submitted(view: Mapping[str, JsonValue]) -> Submission:
    """What a sent modal means. `view` is the payload's own."""
    metadata = view.get("private_metadata")
    origin = Origin.parse(metadata if isinstance(metadata, str) else None)
    match view.get("callback_id"):
        case "reason":
            return _reason(origin, _typed(view, REASON_FIELD))
        case "new_project":
            return _project(origin, _typed(view, NAME_FIELD), _typed(view, DESCRIPTION_FIELD))
        case _:
            return Submission(origin=origin)


def one_line(text: str, most: int) -> str:
    """What was typed, as one printable line of at most `most` characters: nothing in it can begin a new line."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:most].rstrip()


def _reason(origin: Origin, typed: str) -> Submission:
    reason = one_line(typed, LONGEST_REASON)
    if not any(character.isalnum() for character in reason):
        return Submission(origin=origin, faults={REASON_FIELD: "Say in a few words why."})
    if origin.press is None:
        fault = "This window has lost what it was about; close it and press the button again."
        return Submission(origin=origin, faults={REASON_FIELD: fault})
    said = origin.press.model_copy(update={"say": f"{origin.press.say} because {reason}"})
    return Submission(press=said, origin=origin)


def _project(origin: Origin, name: str, description: str) -> Submission:
    name, described = one_line(name, 10 * LONGEST_NAME), one_line(description, LONGEST_DESCRIPTION)
    if not _SAID.fullmatch(name) or len(name) > LONGEST_NAME or name.lower() in _NOT_NAMES:
        fault = f"A name has letters, digits, dots, dashes and underscores, no spaces, at most {LONGEST_NAME} of them."
        return Submission(origin=origin, faults={NAME_FIELD: fault})
    rest = f": {described}" if any(character.isalnum() for character in described) else ""
    return Submission(press=Press(say=f"create project {name}{rest}"), origin=origin)


def _typed(view: Mapping[str, JsonValue], field: str) -> str:
    """The text of an input; empty where it is missing."""
    found: JsonValue = dict(view)
    for key in ("state", "values", field, field, "value"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
