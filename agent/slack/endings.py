"""How a job's end is noticed. Pure decisions.

Slack tells nobody that a card was updated. So a line is posted below it where somebody has to know: where it failed,
where somebody asked to wait for it, and where it took so long that people have turned to something else. A picture of
its curves is such a line already. What a person ended, and what was over at once, is on the card alone.
"""

import re
from pathlib import Path

from agent.lifecycle.project import JobPhase
from agent.slack.model import Block, Message, Place, Rank, Rendered
from agent.status import JobView

LONG = 60.0  # seconds after which people have turned to something else
_USER = re.compile(r"(?:T[A-Z0-9]+\.)?([UW][A-Z0-9]{2,})")
_FAILED = (JobPhase.FAILED, JobPhase.CRASHED, JobPhase.LOST)
_DRAWN = (JobPhase.SUCCEEDED, JobPhase.FAILED)  # what a person ended or a crash cut off is not worth a picture


def is_over(view: JobView) -> bool:
    """Whether what was waited for has come: a service that answers has."""
    return view.phase != JobPhase.ACTIVE


def rank(view: JobView) -> Rank:
    """`final` is a card that changes no more, unless the job is resumed."""
    match view.phase:
        case JobPhase.ACTIVE:
            return "progress"
        case JobPhase.SERVING:
            return "card"
        case _:
            return "final"


def is_drawn(view: JobView) -> bool:
    return view.phase in _DRAWN


def needs_line(view: JobView, seconds: float | None, *, drawn: bool, waited: bool) -> bool:
    """Whether the end gets a line of its own. `seconds` until it ended or answered; `drawn`: its curves are shown."""
    if view.phase in _FAILED or waited:
        return True
    ended_well = view.phase in (JobPhase.SUCCEEDED, JobPhase.SERVING)
    return ended_well and not drawn and (seconds or 0) >= LONG


def ended_key(project_id: str, view: JobView) -> str:
    ready = ":ready" if view.phase == JobPhase.SERVING else ""
    return f"ended:{project_id}:{view.id}:{view.attempt}{ready}"


def curve_message(key: str, place: Place, picture: Path) -> Message:
    """The picture, with its caption as alternative text."""
    caption = picture.with_suffix(".txt")
    text = caption.read_text(encoding="utf-8").strip() if caption.is_file() else "What the job measured over its steps."
    return Message(key=key, place=place, body=Rendered(text=text), rank="card", upload=picture)


def mentioning(body: Rendered, person: str) -> Rendered:
    """The body with a person called by it: nobody follows a thread that only Odyssey has written in."""
    found = _USER.fullmatch(person)
    if found is None:
        return body
    called = f"<@{found[1]}>"
    line: Block = {"type": "context", "elements": [{"type": "mrkdwn", "text": called}]}
    return Rendered(text=f"{called} {body.text}", blocks=(*body.blocks, line) if body.blocks else ())
