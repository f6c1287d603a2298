"""The life cycle as a LangGraph state machine: stages as nodes, gates as edges, approvals as interrupts.

A waiting node has one interrupt at its top and after it only the pure decision, so running it again after a
crash repeats nothing. The state holds the number of the last event applied and that event's decision; the applier
compares the number with the record and writes what is missing there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from agent.lifecycle.apply import apply
from agent.lifecycle.decision import Decision
from agent.lifecycle.events import Event
from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Catalogue
from agent.lifecycle.stages import ORDER, Stage, following

REVISIT = "revisit"  # the way back to an earlier stage


class LifecycleState(TypedDict):
    """Plain JSON values only: strict msgpack admits nothing else."""

    project: dict[str, Any]
    seq: int
    decision: dict[str, Any]


LifecycleGraph = CompiledStateGraph[LifecycleState, None, LifecycleState, LifecycleState]


def thread(project_id: str) -> RunnableConfig:
    """The configuration of a project's thread."""
    return {"configurable": {"thread_id": f"lifecycle:{project_id}"}}


def state_of(event: Event, decision: Decision) -> LifecycleState:
    return {
        "project": decision.project.model_dump(mode="json"),
        "seq": event.seq,
        "decision": decision.model_dump(mode="json", exclude={"project"}),
    }


def decision_of(state: Mapping[str, Any]) -> Decision:
    return Decision.model_validate({**state["decision"], "project": state["project"]})


def node_of(project: Project) -> str:
    """Where a project waits: at its stage, or at the approval before leaving it."""
    return f"approve_{project.stage.value}" if project.approval is not None else project.stage.value


class _Node(Protocol):
    def __call__(self, state: LifecycleState) -> LifecycleState: ...


def _waiting(catalogue: Catalogue) -> _Node:
    def wait(state: LifecycleState) -> LifecycleState:
        event = Event.model_validate(interrupt({"seq": state["seq"]}))
        return state_of(event, apply(Project.model_validate(state["project"]), event, catalogue))

    return wait


def _pass_on(state: LifecycleState) -> LifecycleState:
    return state


def _edge(stage: Stage) -> Callable[[LifecycleState], str]:
    def leave(state: LifecycleState) -> str:
        project = Project.model_validate(state["project"])
        earlier = ORDER.index(project.stage) < ORDER.index(stage)
        return REVISIT if earlier else node_of(project)

    return leave


def _position(state: LifecycleState) -> str:
    return node_of(Project.model_validate(state["project"]))


def build(catalogue: Catalogue, checkpointer: BaseCheckpointSaver[Any] | None = None) -> LifecycleGraph:
    """The compiled state machine; `odyssey lifecycle --mermaid` draws it."""
    graph = StateGraph(LifecycleState)
    wait = _waiting(catalogue)
    for stage in ORDER:
        graph.add_node(stage.value, wait)
        last = stage is Stage.LAUNCHED
        exits = [stage.value] if last else [stage.value, f"approve_{stage.value}", following(stage).value]
        if stage is not Stage.SCOPE:
            exits.append(REVISIT)
        graph.add_conditional_edges(stage.value, _edge(stage), exits)
        if not last:
            graph.add_node(f"approve_{stage.value}", wait)
            graph.add_conditional_edges(
                f"approve_{stage.value}",
                _edge(stage),
                [f"approve_{stage.value}", stage.value, following(stage).value]
                + ([] if stage is Stage.SCOPE else [REVISIT]),
            )
    graph.add_node(REVISIT, _pass_on)
    graph.add_conditional_edges(REVISIT, _position, [s.value for s in ORDER if s is not Stage.LAUNCHED])
    graph.add_edge(START, Stage.SCOPE.value)
    return graph.compile(checkpointer=checkpointer)


def mermaid() -> str:
    """The drawing of the state machine, as Mermaid text."""
    return build({}).get_graph().draw_mermaid()
