"""Questions that are looked up: answered for who hears them, with an offer where a person may see more."""

from pydantic import Field, JsonValue

from agent.graph.audience import alone, everybody
from agent.graph.corrections import pinned_answer
from agent.graph.effort import of_phase, phase_asked, taken
from agent.graph.follow_up import in_chinese
from agent.graph.reading import Nothing, as_of, not_understood
from agent.graph.replies import Audience
from agent.graph.session import MOST_SAID, Call, Option, Said, Session
from agent.language.detect import Language
from agent.lifecycle.estimates import Phase
from agent.lifecycle.project import Role
from knowledge.model import Answer, state_scope
from tools.contract import Frozen

OTHERWISE = "If you meant something about the project, say its number."


class Question(Frozen):
    question: str = Field(min_length=1, description="the question as the person asked it")
    language: Language | None = Field(default=None, description="of the answer, where it is not the question's own")


def ask_knowledge(session: Session, arguments: Question) -> Said:
    project = session.project
    session.note(arguments.question, "ask_knowledge")
    if (pinned := pinned_answer(session, arguments.question)) is not None:
        return pinned
    phase = phase_asked(arguments.question)
    answer, more = _looked_up(session, arguments, phase)
    own = taken(project, phase) if project is not None and phase is not None else ""
    text = _said(session, answer) + (f"\n\n{own}" if own else "")
    data: dict[str, JsonValue] = {
        "language": answer.language,
        "abstained": answer.abstained,
        "searched": list(answer.searched),
    }
    if session.asked is not None and answer.citations:
        sources = tuple(dict.fromkeys(cited.source for cited in answer.citations))
        session.asked = session.asked.model_copy(update={"said": text[:MOST_SAID], "sources": sources})
    if project is not None and (own or any(cited.scope == state_scope(project.id) for cited in answer.citations)):
        data |= as_of(project, session.desk.now())
    if more:
        data["more"] = more
        text += "\n\n" + _offer(session, arguments, more)
    return Said(text=text, citations=answer.citations, data=data, final=True)


def _looked_up(session: Session, arguments: Question, phase: Phase | None) -> tuple[Answer, int]:
    """The answer, and how many more documents this person may see. What takes time is looked up by its phase; what is
    known in one language only is told in that."""
    question = in_chinese(arguments.question) if arguments.language == "zh" else arguments.question
    found = _answer(session, of_phase(phase, question) if phase else question, session.audience)
    if found[0].abstained and question != arguments.question:
        return _answer(session, arguments.question, session.audience)
    return found


def _said(session: Session, answer: Answer) -> str:
    """Its text; of one that was not found also where it was looked for, and who may know."""
    text = _without_hidden(answer)
    if not answer.abstained:
        return text
    if answer.searched and not any(place in text for place in answer.searched):
        text += f" I searched {', '.join(answer.searched)}."
    return text + _whom_to_ask(session)


class Lookup(Question):
    options: tuple[Option, ...] = Field(default=(), max_length=3, description="what else may have been meant")
    understood: bool = Field(default=True, description="whether it is a question at all")


def look_up(session: Session, arguments: Lookup) -> Said:
    """The answer, where there is one; otherwise what else may have been meant is offered beside "I don't know"."""
    before = session.asked
    said = ask_knowledge(session, Question(question=arguments.question, language=arguments.language))
    if not said.data.get("abstained") or session.options:
        return said
    if not arguments.understood:
        session.asked = before
        return not_understood(session, Nothing())
    if not arguments.options:
        return said
    session.options = arguments.options
    lines = [f"{number}. {option.label}" for number, option in enumerate(arguments.options, 1)]
    return said.model_copy(update={"text": "\n".join([said.text, "", OTHERWISE, "", *lines]), "kind": "choices"})


def ask_alone(session: Session, arguments: Question) -> Said:
    """The answer with what the person may see and others here may not: for the person alone."""
    session.audience = None
    said = ask_knowledge(session, arguments)
    if session.asked is not None:  # a correction would quote it to everybody
        session.asked = session.asked.model_copy(update={"said": "", "sources": ()})
    return said.model_copy(update={"data": {**said.data, "private": True}})


def _answer(session: Session, question: str, place: Audience | None) -> tuple[Answer, int]:
    """The answer for who hears it, and how many documents more this person may see that speak to it."""
    project, desk = session.project, session.desk
    if project is None:
        return desk.answer(question, None), 0
    own = alone(project, session.actor, place)
    if place is None or place.direct:
        return desk.answer(question, project.id, own), 0
    answer = desk.answer(question, project.id, everybody(project, place, session.place))
    if not answer.hidden:
        return answer, 0
    return answer, max(0, answer.hidden - desk.answer(question, project.id, own).hidden)


def _whom_to_ask(session: Session) -> str:
    """The project's owners, but for who asks."""
    project = session.project
    owners = [name for name, role in project.members.items() if role is Role.OWNER] if project else []
    others = [name for name in owners if name != session.actor]
    if project is None or not others:
        return ""
    return f"\n\n{', '.join(others[:3])}, who owns {project.name}, may know."


def _without_hidden(answer: Answer) -> str:
    """Its text without the last paragraph, which tells of documents that this person may not see either."""
    return answer.answer.rpartition("\n\n")[0] if answer.hidden else answer.answer


def _offer(session: Session, arguments: Question, more: int) -> str:
    call = Call(name="ask_alone", arguments=arguments.model_dump(mode="json"))
    session.options = (Option(label="show it to me only", call=call),)
    if more == 1:
        return (
            "One more document that you may see speaks to this, but not everybody here may: `1` shows it to you only."
        )
    return (
        f"{more} more documents that you may see speak to this, but not everybody here may: `1` shows them to you only."
    )
