"""What to do next and why, with a button that says it."""

import re

from agent.lifecycle.project import Advice
from agent.lifecycle.recommendations import Recommendation
from agent.slack.blocks.elements import named, say, section
from agent.slack.model import Block

_TO_FILL_IN = re.compile(r"\b[A-Z]{3,}\b|…|\.\.\.")  # PATH, NAME: a person has to type these
_LONGEST = 800  # characters of a command that a button's value has room for


def next_block(
    project_id: str | None, step: Advice | Recommendation, name: str = "next", *, offered: bool = True
) -> Block:
    """A button where the command needs nothing to be filled in and is `offered` to who reads it.

    `name` tells it from others in the message.
    """
    told = (
        f"*Next: {named(step.title, None, 100)}*\n{named(step.reason, None, 400)}\n`{named(step.command, None, 200)}`"
    )
    ready = 0 < len(step.command) <= _LONGEST and step.command.isprintable() and not _TO_FILL_IN.search(step.command)
    return section(told, say("Do it", name, step.command, project=project_id) if ready and offered else None)
