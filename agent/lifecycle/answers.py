"""Answers that people correct: what is wrong with one, and the answer that is pinned in its place."""

import re

from agent.lifecycle.decision import Decision, Refused, accept
from agent.lifecycle.events import CorrectAnswer, Event, PinAnswer, RejectCorrection
from agent.lifecycle.permissions import at_least
from agent.lifecycle.project import Correction, Project, Role

ALIKE = 0.8  # share of the words of two questions that makes them the same question
_WORD = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*|[\u3400-\u4dbf\u4e00-\u9fff]")
_SMALL = frozenset(
    ["a", "an", "the", "is", "are", "was", "do", "does", "of", "to", "in", "for", "what", "的", "了", "吗", "呢"]
)


def correct(project: Project, event: Event, body: CorrectAnswer) -> Decision:
    """Keep what is wrong and tell who gave the first source that a person gave; without one, every approver."""
    given = [project.documents[name].by for name in body.sources if name in project.documents]
    keeper = given[0] if given else None
    item = Correction(
        number=event.seq,
        question=body.question,
        said=body.said,
        sources=body.sources,
        reason=body.reason,
        keeper=keeper,
        by=event.actor,
        at=event.at,
    )
    who = keeper or ", ".join(sorted(p for p, role in project.members.items() if at_least(role, Role.APPROVER)))
    said = (
        f"Correction {item.number} by {event.actor}: the answer to “{item.question}” is wrong: {item.reason}."
        f" {who} can `pin answer {item.number} as …` or `reject answer {item.number} because …`."
    )
    return accept(project, said, corrections=(*project.corrections, item))


def pin(project: Project, event: Event, body: PinAnswer) -> Decision:
    """From now on this text answers the question; one that was pinned for the same question before gives way."""
    item = _decidable(project, event, body.number)
    pinned = item.model_copy(
        update={"outcome": "pinned", "text": body.text, "decided_by": event.actor, "decided_at": event.at}
    )
    corrections = [
        one.model_copy(update={"outcome": "replaced"})
        if one.outcome == "pinned" and one.number != item.number and alike(one.question, item.question)
        else one
        for one in _with(project, pinned)
    ]
    said = f"Answer {item.number} is pinned by {event.actor} for “{item.question}”: {body.text}"
    return accept(project, said, corrections=tuple(corrections))


def reject(project: Project, event: Event, body: RejectCorrection) -> Decision:
    item = _decidable(project, event, body.number)
    if item.outcome == "rejected":
        raise Refused(f"Correction {item.number} is rejected already, by {item.decided_by}.")
    rejected = item.model_copy(
        update={"outcome": "rejected", "why": body.reason, "decided_by": event.actor, "decided_at": event.at}
    )
    said = f"Correction {item.number} of the answer to “{item.question}” is rejected by {event.actor}: {body.reason}."
    return accept(project, said, corrections=tuple(_with(project, rejected)))


def pinned_for(project: Project, question: str) -> Correction | None:
    """The answer that is pinned for a question, the newest where there are several."""
    pinned = (one for one in reversed(project.corrections) if one.outcome == "pinned")
    return next((one for one in pinned if alike(one.question, question)), None)


def alike(first: str, second: str) -> bool:
    """Whether two questions ask the same in nearly the same words."""
    one, other = _words(first), _words(second)
    return bool(one | other) and len(one & other) / len(one | other) >= ALIKE


def _words(question: str) -> set[str]:
    found = set(_WORD.findall(question.lower()))
    return found - _SMALL or found


def _with(project: Project, changed: Correction) -> list[Correction]:
    return [changed if one.number == changed.number else one for one in project.corrections]


def _decidable(project: Project, event: Event, number: int) -> Correction:
    """The correction, if this person may decide it: who gave the source, or an approver."""
    item = next((one for one in project.corrections if one.number == number), None)
    if item is None:
        known = ", ".join(str(one.number) for one in project.corrections if one.outcome == "waiting") or "none"
        raise Refused(f"There is no correction {number} in {project.name} (waiting: {known}).")
    if event.actor != item.keeper and not at_least(project.role(event.actor), Role.APPROVER):
        who = f"{item.keeper}, who gave its source, or " if item.keeper else ""
        raise Refused(f"Correction {number} is decided by {who}somebody with at least the role approver.")
    return item
