"""The state of a conversation, as its checkpoints hold it: plain JSON, for strict msgpack admits nothing else."""

from typing import Any, TypedDict


class State(TypedDict, total=False):
    """The memory lasts; the rest belongs to the turn."""

    memory: dict[str, Any]  # session.Memory
    window: list[dict[str, str]]  # the last messages: "role" and "text"
    executing: dict[str, Any] | None  # the proposal being carried out
    turn: dict[str, Any]
    exchange: list[dict[str, Any]]  # this turn's calls and what they answered, as the model sees them
    calls: list[dict[str, Any]]  # to be made next
    said: list[dict[str, Any]]  # what was answered in this turn
    direct: bool  # a command: its answer is the reply
    text: str  # the model's own words
    notes: list[str]
    reply: dict[str, Any]
