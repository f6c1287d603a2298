"""The modals: a reason, a cited passage, a new project, a tool's parameters, a job's details."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agent.slack import sanitize
from agent.slack.actions import (
    DESCRIPTION_FIELD,
    FORM,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_REASON,
    NAME_FIELD,
    NEW_PROJECT,
    PASSAGE,
    REASON,
    REASON_FIELD,
    Origin,
    Passage,
)
from agent.slack.blocks import job
from agent.slack.blocks.elements import Piece, context, named, paragraph, plain_text, rich_text, section
from agent.slack.forms import LONGEST_TEXT, Entry, Kind, entries
from agent.slack.model import Block, Names
from agent.status import JobView
from tools.contract import Tool

View = dict[str, JsonValue]

LONGEST_TITLE = 24
_NO_ORIGIN = Origin()


def reason_modal(origin: Origin) -> View:
    """Asks why; `origin.press` is the command that lacks its reason, as `reject 31`."""
    asked = sanitize.line(origin.press.say.capitalize() if origin.press else "Why?", LONGEST_TITLE)
    verb = asked.partition(" ")[0] if origin.press else "Send"
    told = "The reason stands in the project's record, and the person who asked reads it."
    typed = _typed(REASON_FIELD, "Why?", "What would have to be different", LONGEST_REASON, lines=True)
    return _modal(REASON, asked, [context(told), typed], submit=verb, metadata=origin.metadata())


def passage_modal(passage: Passage) -> View:
    """Shows a cited passage, literally."""
    where = named(passage.heading or passage.title or passage.source, None, 200)
    cut = "" if passage.whole else " The quotation is longer than what is shown here."
    blocks = [
        section(f"*{where}*"),
        rich_text(paragraph(passage.quote or "–", style="rich_text_quote")),
        context(f"[{passage.number}] {named(passage.title, None, 150)}, in {named(passage.source, None, 200)}.{cut}"),
    ]
    return _modal(PASSAGE, f"Passage {passage.number}", blocks)


def new_project_modal(origin: Origin = _NO_ORIGIN) -> View:
    """Asks for a name and a description."""
    blocks = [
        _typed(NAME_FIELD, "Name", "support-desk", LONGEST_NAME),
        _typed(DESCRIPTION_FIELD, "What is built?", "Routes a ticket to its team", LONGEST_DESCRIPTION, lines=True),
        context("You become its owner. Name: letters, digits, dots, dashes, underscores. All else is asked for later."),
    ]
    return _modal(NEW_PROJECT, "New project", blocks, submit="Create", metadata=origin.metadata())


def form_modal(origin: Origin, tool: Tool, given: Mapping[str, JsonValue]) -> View:
    """Asks for a tool's parameters; `origin.press` is the tool's name. Nothing starts before it is confirmed."""
    told = "What you send is proposed anew, with its plan; nothing starts before you confirm it."
    blocks = [context(told), *(_entry(entry) for entry in entries(tool, given))]
    return _modal(FORM, tool.title, blocks, submit="Propose", metadata=origin.metadata())


def _entry(entry: Entry) -> Block:
    element: Piece = {"type": _ELEMENTS[entry.kind], "action_id": entry.id}
    if entry.kind == "choice":
        options: dict[str, JsonValue] = {
            value: {"text": plain_text(value.replace("_", " "), 75), "value": value} for value in entry.options
        }
        element |= {"options": [*options.values()]}
        element |= {"initial_option": options[entry.value]} if entry.value in options else {}
    else:
        element |= {"is_decimal_allowed": entry.kind == "decimal"} if entry.kind != "text" else {}
        element |= {"max_length": LONGEST_TEXT} if entry.kind == "text" else {}
        element |= {"initial_value": entry.value[:LONGEST_TEXT]} if entry.value else {}
    return {
        "type": "input",
        "block_id": entry.id,
        "label": plain_text(entry.name.replace("_", " ").capitalize(), 75),
        "hint": plain_text(entry.about, 300),
        "element": element,
        "optional": not entry.required,
    }


_ELEMENTS: dict[Kind, str] = {
    "choice": "static_select",
    "whole": "number_input",
    "decimal": "number_input",
    "text": "plain_text_input",
}


def job_modal(view: JobView, *, names: Names | None = None) -> View:
    """Everything known about a job."""
    rows = [
        ("State", job.state(view)),
        ("Step", " · ".join(part for part in (view.step, job.bar(view), job.pace(view)) if part)),
        ("Metrics", job.numbers(view)),
        ("Problem", view.error or ""),
        ("Project", view.project),
        ("Asked by", names(view.requested_by) if names else view.requested_by),
        ("Attempt", str(view.attempt)),
    ]
    lines = [f"*{title}*  {named(value, None, 500)}" for title, value in rows if value]
    return _modal("job", f"Job {view.id}", [section(f"*{named(view.title, None, 120)}*"), section("\n".join(lines))])


def _modal(
    callback: str, title: str, blocks: Sequence[Block], *, submit: str | None = None, metadata: str | None = None
) -> View:
    view: View = {
        "type": "modal",
        "callback_id": callback,
        "title": plain_text(title, LONGEST_TITLE),
        "close": plain_text("Close" if submit is None else "Cancel", LONGEST_TITLE),
        "blocks": [*blocks],
    }
    if submit is not None:
        view["submit"] = plain_text(submit, LONGEST_TITLE)
    return {**view, "private_metadata": metadata} if metadata else view


def _typed(field: str, title: str, example: str, most: int, *, lines: bool = False) -> Block:
    element: Piece = {
        "type": "plain_text_input",
        "action_id": field,
        "multiline": lines,
        "max_length": most,
        "placeholder": plain_text(example, 150),
    }
    optional = field == DESCRIPTION_FIELD
    return {
        "type": "input",
        "block_id": field,
        "label": plain_text(title, 75),
        "element": element,
        "optional": optional,
    }
