"""A turn whose process ends at any of its checkpoints, said again: it goes on, acts once and gives its own answer."""

import contextlib
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent.graph.conversation import Conversation, Reply, Turn
from tests.agent.graph.desk import MemoryDesk

MOMENTS = 14  # more than the writes of any turn here


class Ended(BaseException):
    """The process is no more."""


class Dying(InMemorySaver):
    """Ends the process at its n-th write, just before or just after it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.before = False

    def put(self, *given: Any, **named: Any) -> Any:
        return self._write(super().put, *given, **named)

    def put_writes(self, *given: Any, **named: Any) -> Any:
        return self._write(super().put_writes, *given, **named)

    def _write(self, write: Any, *given: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == 0 and self.before:
            raise Ended
        result = write(*given, **named)
        if self.left == 0:
            raise Ended
        return result


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("moment", range(1, MOMENTS))
def test_a_turn_that_ends_anywhere_is_finished_by_saying_it_again(moment, before):
    saver = Dying()
    desk = MemoryDesk()
    conversation = Conversation(desk, saver)

    def say(text: str, name: str) -> Reply:
        return conversation.say(Turn(actor="ana", thread="t", text=text, id=name))

    def interrupted(text: str, name: str) -> Reply:
        saver.left, saver.before = moment, before
        with contextlib.suppress(Ended):
            say(text, name)
        saver.left = 0
        return say(text, name)

    assert interrupted("create project desk", "1").kind == "proposal"
    assert interrupted("yes", "2").kind == "done"
    assert "create project" in interrupted("help", "3").text
    assert interrupted("role bob member", "4").kind == "proposal"
    assert interrupted("yes", "5").text.startswith("bob is member")
    kinds = [body.kind for _, body in desk.submitted]
    assert kinds == ["create_project", "set_role"]
