"""Calls on wrong answers: saying so, pinning the right one, rejecting a correction; and finding a pinned answer."""

from pydantic import Field, JsonValue

from agent.errors import Mendable
from agent.facts import pinned
from agent.graph.audience import alone, everybody
from agent.graph.proposals import propose
from agent.graph.session import Said, Session
from agent.lifecycle.answers import pinned_for
from agent.lifecycle.events import CorrectAnswer, PinAnswer, RejectCorrection
from knowledge.model import PROJECT_AUDIENCE, Citation, state_scope
from tools.contract import Frozen

LONGEST = 2000  # characters of a reason or an answer, as the events take it


class Wrong(Frozen):
    question: str = Field(default="", description="the question whose answer is wrong; empty: the last one asked")
    reason: str | None = Field(default=None, description="what is wrong, in the person's words")


class Right(Frozen):
    number: int = Field(description="number of the correction")
    text: str = Field(min_length=1, max_length=LONGEST, description="the right answer, in the person's words")


class Refusal(Frozen):
    number: int = Field(description="number of the correction")
    reason: str | None = Field(default=None, description="why, in the person's words")


def correct_answer(session: Session, arguments: Wrong) -> Said:
    project, asked = session.require_project(), session.asked
    if asked is not None and (asked.call != "ask_knowledge" or asked.project not in (None, project.id)):
        asked = None
    last = asked is not None and arguments.question in ("", asked.question)
    question = asked.question if asked is not None and last else arguments.question
    if not question:
        raise Mendable('Which answer is wrong? Ask first, or say `correct answer to "QUESTION" because …`.')
    reason = _reason(arguments.reason, "that is wrong because …")
    body = CorrectAnswer(
        question=question,
        said=asked.said if asked is not None and last else "",
        sources=asked.sources if asked is not None and last else (),
        reason=reason,
    )
    lines = [f"question: {question}", *(f"source: {name}" for name in body.sources), f"because {reason}"]
    return propose(session, "record that an answer is wrong", lines, project=project, bodies=[body])


def pin_answer(session: Session, arguments: Right) -> Said:
    project = session.require_project()
    body = PinAnswer(number=arguments.number, text=arguments.text)
    return propose(session, f"pin answer {arguments.number}", [arguments.text], project=project, bodies=[body])


def reject_correction(session: Session, arguments: Refusal) -> Said:
    project = session.require_project()
    reason = _reason(arguments.reason, f"reject answer {arguments.number} because …")
    body = RejectCorrection(number=arguments.number, reason=reason)
    return propose(
        session, f"reject correction {arguments.number}", [f"because {reason}"], project=project, bodies=[body]
    )


def _reason(given: str | None, form: str) -> str:
    reason = (given or "").strip()
    if len(reason) < 3:
        raise Mendable(f"Why? The record keeps the reason: `{form}`.")
    return reason[:LONGEST]


def pinned_answer(session: Session, question: str) -> Said | None:
    """The answer that is pinned for a question, cited as such, where everybody who hears it may see it."""
    project, place = session.project, session.audience
    if project is None or (item := pinned_for(project, question)) is None:
        return None
    heard = alone(project, session.actor) if place is None or place.direct else everybody(project, place, session.place)
    if PROJECT_AUDIENCE not in heard:
        return None
    whole = pinned(project, item)
    start = whole.index(item.text, len(item.question))
    end = start + len(item.text)
    cited = Citation(
        scope=state_scope(project.id),
        source=f"answer/{item.number}",
        title=f"Answer {item.number}, pinned by {item.decided_by}",
        heading="",
        quote=item.text,
        start=start,
        end=end,
        best_start=start,
        best_end=end,
    )
    data: dict[str, JsonValue] = {
        "language": session.language,
        "abstained": False,
        "searched": [],
        "as_of": session.desk.now().isoformat(),
        "event": project.seq,
        "pinned": item.number,
    }
    return Said(text=f"{item.text} [1]", citations=(cited,), data=data, final=True)
