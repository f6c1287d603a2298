"""The conversation: one small graph for every way in, with a chat model or with the rules in its place.

    listen ─┬─ act ──────────────┐     listen  what needs no model: a yes, a number, an approval, a command
            ├─ tools ─┬──────────┤     act     carries out what a person confirmed
            ├─ model ─┘ ⇄ tools  ├─ answer     model   a chat model, or the rules
            └────────────────────┘     tools   makes the calls; an effect only ever becomes a proposal

The state is plain JSON: strict msgpack admits nothing else. What was confirmed leaves the memory in the checkpoint
before it is carried out, so a crash in between cannot do it twice; the next turn says that it was cut off. A turn with
an id that is said again goes on where it was cut off, and what it submits has ids made of its own.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.errors import OdysseyError, new_reference
from agent.graph import charter, grammar
from agent.graph.chat import MOST_CALLS, Hearing, Stopped, answered, listened, messages, spoken
from agent.graph.listen import hear
from agent.graph.proposals import carry_out, form_of
from agent.graph.replies import Choice, Reply, ReplyKind, Turn
from agent.graph.rule_model import RuleModel
from agent.graph.session import Call, Memory, Proposal, RecordedDesk, Said, Session
from agent.graph.state import State
from agent.graph.toolset import capabilities, perform
from agent.language.detect import Language
from agent.language.translation import chinese
from agent.lifecycle.resolve import Unresolved
from agent.lifecycle.stages import label
from knowledge.errors import KnowledgeError
from tools.errors import Defect, ToolError

__all__ = ["Conversation", "Hearing", "Reply", "Turn"]

log = logging.getLogger(__name__)

WINDOW = 20  # messages kept for the model; the whole transcript is in the ledger
LONGEST_LINE = 4000  # characters of a message kept in the window
UNSEEN = "(shown to this person alone)"  # a channel's window and transcript are everybody's
_STEPS = 4 * MOST_CALLS + 8

ConversationGraph = CompiledStateGraph[State, Hearing, State, State]


class Conversation:
    """Answers turns. One at a time in each thread; different threads run side by side."""

    def __init__(
        self,
        desk: RecordedDesk,
        checkpointer: BaseCheckpointSaver[Any],
        model: BaseChatModel | Callable[[], BaseChatModel] | None = None,
        prune: Callable[[str], None] | None = None,
    ) -> None:
        """`model` may be a function that makes it: it is called when a sentence first needs it, not before.

        `prune` drops all but the newest checkpoint of a thread of the saver; without it a thousand turns keep 70 MB.
        """
        self._desk = desk
        self._model = model
        self._known = capabilities(desk.catalogue)
        self._graph = self._build(checkpointer)
        self._prune = prune
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._guard = threading.Lock()

    def say(self, turn: Turn, hearing: Hearing | None = None) -> Reply:
        """One turn. Never raises for what a person said; what is unexpected is logged under a reference."""
        start: State = {
            "turn": turn.model_dump(mode="json"),
            "exchange": [],
            "calls": [],
            "said": [],
            "direct": False,
            "text": "",
            "notes": [],
        }
        with self._lock(turn.thread):
            try:
                ended = self._run(turn.id, start, _config(turn.thread), hearing or Hearing())
                if self._prune is not None:
                    self._prune(_name(turn.thread))
                return Reply.model_validate(ended["reply"])
            except Stopped:
                return Reply(text="Stopped. Nothing more is done about that.", data={"stopped": True})
            except Exception:  # the boundary of a turn: a person must get an answer
                reference = new_reference()
                log.exception("%s: a turn of %s failed", reference, turn.thread)
                text = f"Something went wrong in Odyssey, not with what you said; the log has it under {reference}."
                return Reply(text=text, kind="error", data={"reference": reference})

    def language(self, thread: str, actor: str) -> Language:
        """What a person spoke last in a conversation, or asked to be answered in."""
        kept = self._graph.get_state(_config(thread)).values.get("memory") or {}
        return Memory.model_validate(kept).languages.get(actor, "en")

    def _run(self, turn: str | None, start: State, config: Any, hearing: Hearing) -> dict[str, Any]:
        """The state after the turn. One that was cut off goes on where it was; one that is over is not done again."""
        again = None
        if turn is not None:
            snapshot = self._graph.get_state(config)
            if snapshot.values.get("turn", {}).get("id") == turn:
                # Not `next`: a node that was done when the process ended, its result not yet taken over, is not in it.
                if not snapshot.tasks:
                    return dict(snapshot.values)
                again = snapshot
        given = None if again else start
        return dict(self._graph.invoke(given, config, context=hearing, durability="sync"))

    def mermaid(self) -> str:
        return self._graph.get_graph().draw_mermaid()

    def _lock(self, thread: str) -> threading.Lock:
        with self._guard:
            lock = self._locks.get(thread) or threading.Lock()
            self._locks[thread] = lock
            return lock

    def _build(self, checkpointer: BaseCheckpointSaver[Any]) -> ConversationGraph:
        graph = StateGraph(State, context_schema=Hearing)
        graph.add_node("listen", self._listen)
        graph.add_node("act", self._act)
        graph.add_node("model", self._ask_model)
        graph.add_node("tools", self._make_calls)
        graph.add_node("answer", self._answer)
        graph.add_edge(START, "listen")
        graph.add_conditional_edges("listen", _after_listening, ["act", "tools", "model", "answer"])
        graph.add_conditional_edges("model", _after_model, ["tools", "answer"])
        graph.add_conditional_edges("tools", _after_calls, ["model", "answer"])
        graph.add_edge("act", "answer")
        graph.add_edge("answer", END)
        return graph.compile(checkpointer=checkpointer)

    # --- nodes ---------------------------------------------------------------------------------------------------

    def _listen(self, state: State) -> State:
        turn = Turn.model_validate(state["turn"])
        session = self._session(state)
        line = turn.text[:LONGEST_LINE]
        session.hear(line, command=grammar.parse(line, session.context()) is not None)
        notes, cut_off = [], state.get("executing")
        if cut_off:
            notes.append(f"I was cut off while doing “{cut_off['title']}”; `audit` shows whether it was done.")
        try:
            heard = hear(session, turn)
        except (OdysseyError, Unresolved, ToolError) as error:
            said = Said(text=str(error), kind="refused")
            return {"memory": _dump(session), "said": [_json(said)], "executing": None, "notes": notes}
        return {
            "memory": _dump(session),
            "executing": _json(heard.execute) if heard.execute else None,
            "calls": [{**_json(heard.call), "id": "command"}] if heard.call else [],
            "direct": heard.call is not None,
            "said": [_json(heard.said)] if heard.said else [],
            "notes": notes,
        }

    def _act(self, state: State) -> State:
        session = self._session(state)
        proposal = Proposal.model_validate(state["executing"])
        try:
            said = carry_out(session, proposal)
        except Defect:
            raise
        except (OdysseyError, Unresolved, ToolError, KnowledgeError) as error:
            said = Said(text=str(error), kind="refused")
        if said.kind == "done":
            said = _afterwards(session, proposal, said)
        return {"memory": _dump(session), "said": [_json(said)], "executing": None}

    def _ask_model(self, state: State, runtime: Runtime[Hearing]) -> State:
        session = self._session(state)
        rules = RuleModel(context=session.context())
        read = messages(state, session)
        if self._model is None:
            return answered(rules.invoke(read), state)
        schemas = [c.schema() for c in self._known.values() if not c.hidden]
        try:
            if not isinstance(self._model, BaseChatModel):
                self._model = self._model()
            return answered(listened(self._model.bind_tools(schemas), read, runtime.context), state)
        except Stopped:
            raise
        except Exception as error:  # every provider raises its own kinds; the person is answered all the same
            reference = new_reference()
            log.exception("%s: the chat model failed", reference)
            note = (
                f"The chat model did not answer ({type(error).__name__}, {reference});"
                " I understood this by my rules instead."
            )
            return {**answered(rules.invoke([read[0], spoken(state)]), state), "notes": [*state["notes"], note]}

    def _make_calls(self, state: State, runtime: Runtime[Hearing]) -> State:
        if runtime.context.stopped:
            raise Stopped
        session = self._session(state)
        session.proposed_now = any(said["kind"] == "proposal" for said in state["said"])
        saids, results = [], []
        for raw in state["calls"]:
            said = perform(self._known, session, Call(name=raw["name"], arguments=raw["arguments"]))
            saids.append(_json(said))
            results.append({"role": "tool", "text": said.text, "id": raw["id"]})
        return {
            "memory": _dump(session),
            "said": [*state["said"], *saids],
            "exchange": [*state["exchange"], *results],
            "calls": [],
        }

    def _answer(self, state: State) -> State:
        session = self._session(state)
        saids = [Said.model_validate(raw) for raw in state["said"]]
        text = _text(state, saids)
        kinds: list[ReplyKind] = [said.kind for said in reversed(saids)] or ["answer"]
        kind = next((kind for kind in kinds if kind in _TELLING), kinds[0])
        window = [
            *state.get("window", []),
            {"role": "person", "text": f"[{session.actor}] {state['turn']['text'][:LONGEST_LINE]}"},
            {
                "role": "assistant",
                "text": UNSEEN if any(s.data.get("private") for s in saids) else text[:LONGEST_LINE],
            },
        ]
        project = session.project
        said = chinese().reply if session.language == "zh" else str
        reply = Reply(
            text=said("\n\n".join([*state["notes"], text, *_reminder(session, kind)])),
            kind=kind,
            citations=tuple(cited for said in saids for cited in said.citations),
            choices=tuple(Choice(number=n, label=said(o.label)) for n, o in enumerate(session.options, 1)),
            proposal=session.proposal.number if session.proposal else None,
            form=form_of(session.proposal, self._desk.catalogue) if session.proposal else None,
            project=project.id if project else None,
            place=f"{project.name} · {said(label(project.stage))}" if project else "",
            data={"language": session.language} | {key: value for one in saids for key, value in one.data.items()},
        )
        return {"window": window[-WINDOW:], "reply": _json(reply)}

    # --- help ----------------------------------------------------------------------------------------------------

    def _session(self, state: State) -> Session:
        memory = Memory.model_validate(state.get("memory") or {})
        return Session.of(self._desk, memory, Turn.model_validate(state["turn"]))


_TELLING = ("proposal", "choices", "question", "wait", "done")  # kinds that matter more than a plain answer


def _name(thread: str) -> str:
    return f"conversation:{thread}"


def _config(thread: str) -> Any:
    return {"configurable": {"thread_id": _name(thread)}, "recursion_limit": _STEPS}


def _after_listening(state: State) -> str:
    if state.get("executing"):
        return "act"
    if state["calls"]:
        return "tools"
    return "answer" if state["said"] else "model"


def _after_model(state: State) -> str:
    return "tools" if state["calls"] else "answer"


def _after_calls(state: State) -> str:
    made = sum(line["role"] == "tool" for line in state["exchange"])
    final = state["said"][-1]["final"]
    return "answer" if state["direct"] or final or made >= MOST_CALLS else "model"


def _afterwards(session: Session, proposal: Proposal, said: Said) -> Said:
    """What follows when something was done: a new project's charter is asked for, a set charter's draft is over."""
    kinds = {event["kind"] for event in proposal.events}
    project = session.project
    if "set_charter" in kinds:
        session.draft, session.asking = {}, None
    if "create_project" not in kinds or project is None:
        return said
    session.draft = {}
    asked = charter.begin(session, project)
    return said.model_copy(update={"text": f"{said.text}\n\nIts charter comes first. {asked}" if asked else said.text})


def _text(state: State, saids: Sequence[Said]) -> str:
    """The model's words, and what people must see whatever the model says: proposals, choices, questions."""
    told = [said.text for said in saids]
    if state["direct"] or not state["text"] or (saids and saids[-1].final):
        return "\n\n".join(told) or "I have no answer to that; `help` shows what I can do."
    must = [said.text for said in saids if said.kind in _TELLING and said.text not in state["text"]]
    if saids and saids[-1].kind == "refused" and saids[-1].text not in state["text"]:
        must.append(saids[-1].text)  # whatever the model makes of it
    return "\n\n".join([state["text"], *must])


def _reminder(session: Session, kind: ReplyKind) -> list[str]:
    """What still waits after something else was answered."""
    if session.proposal is not None and kind not in ("proposal", "done"):
        number = session.proposal.number
        return [f"_Proposal {number} ({session.proposal.title}) still waits: `yes` or `no`._"]
    project = session.project
    if session.asking is not None and project is not None and kind == "answer":
        return [charter.question(session, project)]
    return []


def _json(value: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = value.model_dump(mode="json")
    return dumped


def _dump(session: Session) -> dict[str, Any]:
    return _json(session.memory())
