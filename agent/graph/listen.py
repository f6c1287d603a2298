"""What the conversation decides without any model: a yes or no, a number, an approval, a command, a charter's field."""

import re

from agent.graph import charter, grammar
from agent.graph.follow_up import complete
from agent.graph.intents import MEANINGS, Intent, call_of
from agent.graph.replies import Turn
from agent.graph.requests import propose_charter
from agent.graph.session import BODY, MOST_KEPT, Asked, Call, Proposal, Said, Session
from agent.graph.understand import is_question, understand
from agent.lifecycle.events import Approve, Body, Reject
from agent.lifecycle.gates import missing_fields
from tools.contract import Frozen

LONGEST = 8000  # characters of one turn; a longer text belongs into a file
CLEARLY = 0.9  # while a field is asked for, only a sentence this surely a request is taken for one
_ID = re.compile(r"p-[0-9a-f]{10}")  # a project's
_LATER = frozenset({"later", "stop", "stop asking", "not now", "skip", "enough", "以后", "稍后", "停"})


class Heard(Frozen):
    """What to do about a turn: say something, carry something out, make a call, or ask the model (all empty)."""

    said: Said | None = None
    execute: Proposal | None = None
    call: Call | None = None


def hear(session: Session, turn: Turn) -> Heard:
    """Decide about a turn as far as no model is needed. Changes the session's memory only."""
    if turn.project is not None and (refused := _bind(session, turn.project)):
        return Heard(said=refused)
    if session.project_id is None and turn.fallback and session.desk.find_project(session.actor, turn.fallback):
        session.project_id = turn.fallback
    if fault := _unusable(turn.text):
        return Heard(said=fault)
    options, session.options = session.options, ()
    line = turn.text
    if (reading := grammar.decision(line)) is not None:
        return _decide(session, reading.intent, reading.arguments, turn.seen)
    if (number := grammar.picked(line)) is not None and options:
        if 1 <= number <= len(options):
            return Heard(call=options[number - 1].call)
        session.options = options
        return Heard(said=Said(text=f"There are {len(options)} choices; say 1 to {len(options)}.", kind="choices"))
    if confirmed := grammar.confirms(line):
        return _confirm(session, confirmed)
    if grammar.declines(line):
        return _decline(session)
    if session.asking is not None and (heard := _answer_field(session, line)) is not None:
        return heard
    return _follow_up(session, line) or _command(session, line)


def _bind(session: Session, name: str) -> Said | None:
    project = session.desk.find_project(session.actor, name)
    if project is None and _ID.fullmatch(name):  # of a card's button: nobody typed it
        return Said(text=str(session.outside()), kind="refused")
    if project is None:
        known = ", ".join(p.name for p in session.desk.projects(session.actor)) or "none yet"
        return Said(text=f"{session.actor} sees no project called {name} (sees: {known}).", kind="refused")
    if session.project_id != project.id:
        session.project_id, session.asking, session.draft = project.id, None, {}
    return None


def _unusable(text: str) -> Said | None:
    if not grammar.normalise(text):
        return Said(text="I heard nothing. `help` shows what I understand.", kind="refused")
    if len(text) > LONGEST:
        return Said(
            text=f"That is {len(text):,} characters; say it in at most {LONGEST:,}, or give me the file:"
            " `register data PATH as NAME` or `add documents PATH`.",
            kind="refused",
        )
    return None


# --- yes, no and approvals ---------------------------------------------------------------------------------------


def _confirm(session: Session, confirmed: int | bool) -> Heard:
    proposal = session.proposal
    if proposal is None:
        project = session.project
        waiting = project.approval.number if project and project.approval else None
        hint = f" An approval is given by `approve {waiting}` alone." if waiting else ""
        told = "Nothing waits for a yes." if confirmed is True else f"Proposal {confirmed} does not wait any more."
        return Heard(said=Said(text=told + hint, kind="refused"))
    if confirmed is not True and confirmed != proposal.number:
        text = f"Proposal {confirmed} does not wait any more; {proposal.number} ({proposal.title}) does."
        return Heard(said=Said(text=text, kind="refused"))
    if confirmed is True and session.actor != proposal.actor:
        number = proposal.number
        text = f"Proposal {number} was shown to {proposal.actor}; `confirm {number}` does it as {session.actor}."
        return Heard(said=Said(text=text, kind="refused"))
    session.proposal = None
    return Heard(execute=proposal)


def _decline(session: Session) -> Heard:
    if session.proposal is not None:
        dropped, session.proposal = session.proposal, None
        return Heard(said=Said(text=f"Proposal {dropped.number} ({dropped.title}) is dropped; nothing has changed."))
    if session.asking is not None:
        session.asking = None
        return Heard(said=Said(text="All right; `charter` goes on where we are."))
    return Heard(said=Said(text="All right, nothing is started or changed."))


def _decide(session: Session, intent: Intent, arguments: grammar.Arguments, seen: str | None) -> Heard:
    """The exact command is the person's own decision: it is carried out as it stands."""
    project = session.require_project()
    number = int(str(arguments["number"]))
    if intent is Intent.REJECT and len(str(arguments.get("reason") or "")) < 3:
        return Heard(said=Said(text=f"Why? The record keeps the reason: `reject {number} because …`.", kind="refused"))
    body: Body = (
        Approve(number=number, digest=seen)
        if intent is Intent.APPROVE
        else Reject(number=number, reason=str(arguments["reason"])[:2000])
    )
    raw = BODY.dump_python(body, mode="json")
    title = f"{intent.value} {number}"
    execute = Proposal(number=0, actor=session.actor, title=title, text="", project=project.id, events=(raw,))
    return Heard(execute=execute)


# --- the charter's fields ----------------------------------------------------------------------------------------


def _answer_field(session: Session, line: str) -> Heard | None:
    """The line as the answer to the field that is asked for; None if it is something else."""
    project = session.project
    if project is None or session.asking not in missing_fields(project):
        session.asking, session.draft = None, {}
        return None
    if grammar.normalise(line).lower().rstrip(".!") in _LATER:
        session.asking = None
        return Heard(said=Said(text="All right; `charter` goes on where we are."))
    several = grammar.pairs(grammar.normalise(line)) or {}
    if several and set(several) <= {*charter.QUESTIONS, "margin"}:
        session.draft = {**session.draft, **several}
        return Heard(said=_go_on(session, f"{', '.join(several)} noted."))
    found = understand(line, session.context())
    if found.exact:
        if found.effect:
            session.asking = None
        return None
    clearly = found.effect and found.confidence >= CLEARLY and found.intent is not Intent.SET_CHARTER
    if is_question(line) or clearly:
        return None
    noted = charter.settle(session, project, line)
    if noted is None:
        return Heard(said=Said(text=f"That is no answer to it. {charter.question(session, project)}", kind="question"))
    return Heard(said=_go_on(session, noted))


def _go_on(session: Session, noted: str) -> Said:
    """The next question; the proposal once all is said."""
    project = session.require_project()
    asked = charter.begin(session, project)
    if asked:
        return Said(text=f"{noted} {asked}", kind="question")
    proposed = propose_charter(session, project, session.draft)
    return proposed.model_copy(update={"text": f"{noted}\n\n{proposed.text}"})


# --- questions that lean on the one before ---


def _follow_up(session: Session, line: str) -> Heard | None:
    """The question that an elliptical one completes to; None where it asks for something of its own or to be done."""
    asked = session.asked
    if asked is None or asked.project != session.project_id:
        return None
    if (completed := complete(line, asked.question)) is None:
        return None
    if understand(line, session.context()).effect:
        return None
    found = understand(completed.question, session.context())
    if asked.call == "ask_knowledge":
        arguments: grammar.Arguments = {"question": completed.question, "language": completed.language}
        call: tuple[str, grammar.Arguments] | None = ("ask_knowledge", arguments)
    else:
        call = None if found.effect else call_of(found.intent, found.arguments)
    if call is None or call[0] not in ("ask_knowledge", "show_status"):
        return None
    session.asked = Asked(question=completed.question[:MOST_KEPT], call=call[0], project=asked.project)
    if completed.language is not None:
        session.languages[session.actor] = completed.language
    return Heard(call=Call(name=call[0], arguments=call[1]))


# --- commands ----------------------------------------------------------------------------------------------------


def _command(session: Session, line: str) -> Heard:
    command = grammar.parse(line, session.context())
    if command is None:
        return Heard()
    call = call_of(command.intent, command.arguments)
    if call is None:
        return Heard(
            said=Said(text="There is nothing to choose from now; `help` shows what I understand.", kind="refused")
        )
    if MEANINGS[command.intent].effect:
        session.asking = None
    return Heard(call=Call(name=call[0], arguments=call[1]))
