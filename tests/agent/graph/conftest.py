"""Conversations on a desk in memory."""

from collections.abc import Callable

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent.graph.conversation import Conversation, Reply, Turn
from agent.lifecycle.events import SetRole
from agent.lifecycle.project import Role
from agent.lifecycle.stages import Stage
from tests.agent.graph.desk import MemoryDesk
from tests.walk import Walk

Say = Callable[..., Reply]


@pytest.fixture
def desk() -> MemoryDesk:
    """A desk with a project at `assess`: tickets, a pre-trained model, a baseline; ana owns it, bob is a viewer."""
    walk = Walk().to(Stage.ASSESS)
    walk.ok(SetRole(person="bob", role=Role.VIEWER))
    return MemoryDesk.holding(walk.project)


@pytest.fixture
def empty() -> MemoryDesk:
    return MemoryDesk()


def speaker(conversation: Conversation, actor: str = "ana", thread: str = "t") -> Say:
    def say(text: str, **more: str) -> Reply:
        return conversation.say(Turn(**{"actor": actor, "thread": thread, "text": text, **more}))

    return say


@pytest.fixture
def conversation(desk: MemoryDesk) -> Conversation:
    return Conversation(desk, InMemorySaver())


@pytest.fixture
def say(conversation: Conversation) -> Say:
    return speaker(conversation)


@pytest.fixture
def say_new(empty: MemoryDesk) -> Say:
    """A conversation where there is no project yet."""
    return speaker(Conversation(empty, InMemorySaver()))
