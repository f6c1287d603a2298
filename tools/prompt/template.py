"""A prompt as data: it turns rows into messages and answers into what is scored. Light, no torch.

The instruction stands at the head of the first question, for not every chat template knows a system turn; solved
examples stand before the question as earlier turns of the conversation.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools import digest
from tools.contract import DataKind, Frozen

Message = dict[str, str]  # {"role": "user", "content": …}
MARKER = "Answer:"
_FIELD = "answer"


class Item(Frozen):
    """A question, as the turns that lead to it, and the answer that is wanted."""

    turns: tuple[Message, ...]  # the last is the user's
    wanted: str

    @property
    def question(self) -> str:
        return self.turns[-1]["content"]


def item_of(row: Mapping[str, Any], kind: DataKind) -> Item:
    """A row of task, conversation or labelled data; a conversation's last turn is the wanted answer."""
    if kind is DataKind.CONVERSATION:
        turns = tuple({"role": str(t["role"]), "content": str(t["content"])} for t in row["messages"])
        return Item(turns=turns[:-1], wanted=turns[-1]["content"])
    question, wanted = ("text", "label") if kind is DataKind.LABELLED else ("prompt", "completion")
    return Item(turns=({"role": "user", "content": str(row[question])},), wanted=str(row[wanted]))


@dataclass(frozen=True)
class Read:
    """What an answer says. `valid` is false where it lacks the form that was asked for."""

    text: str
    valid: bool


class Prompt(Frozen):
    """What stands before a question, and how its answer is read."""

    instruction: str = ""
    labels: tuple[str, ...] = ()  # the answers to choose from
    shots: int = 0
    selection: str = "fixed"
    reasoning: str = "none"
    format: str = "text"
    examples: tuple[Item, ...] = ()  # where every question gets the same ones

    @property
    def digest(self) -> str:
        return digest.of_json(self.model_dump(mode="json"))

    @property
    def thinks(self) -> bool:
        return self.reasoning != "none"

    @property
    def plain(self) -> bool:
        """Whether it is the bare question."""
        return not (self.instruction or self.shots or self.thinks or self.format == "json")

    @property
    def title(self) -> str:
        parts = [{0: "zero-shot", 1: "one-shot"}.get(self.shots, f"{self.shots}-shot")]
        parts += ["similar examples"] if self.shots and self.selection == "similar" else []
        parts += ["chain of thought"] if self.thinks else []
        parts += ["JSON"] if self.format == "json" else []
        return ", ".join(parts) + (f", “{_cut(self.instruction)}”" if self.instruction else "")

    def head(self) -> str:
        """What the first question begins with; empty for a bare question."""
        parts = [self.instruction]
        if self.labels:
            parts.append(f"Answer with one of these labels: {', '.join(self.labels)}.")
        if self.format == "json":
            steps = '"reasoning": "your steps", ' if self.thinks else ""
            parts.append(f'Answer with one JSON object: {{{steps}"{_FIELD}": "…"}}.')
        elif self.thinks:
            parts.append(f"Think step by step, then write the final answer behind “{MARKER}”.")
        return " ".join(part for part in parts if part)

    def messages(self, item: Item, similar: Sequence[Item] = ()) -> list[Message]:
        """The conversation up to where the answer begins; `similar` are examples chosen for this question."""
        found = [dict(turn) for turn in item.turns if turn["role"] == "system"]
        for example in (*self.examples, *similar):
            found += [dict(turn) for turn in example.turns if turn["role"] != "system"]
            found.append({"role": "assistant", "content": self.write(example.wanted)})
        found += [dict(turn) for turn in item.turns if turn["role"] != "system"]
        if head := self.head():
            first = next(turn for turn in found if turn["role"] == "user")
            first["content"] = f"{head}\n\n{first['content']}"
        return found

    def write(self, answer: str) -> str:
        """A solved example's answer, in the form that is asked for."""
        if self.format == "json":
            return json.dumps({_FIELD: answer}, ensure_ascii=False)
        return f"{MARKER} {answer}" if self.thinks else answer

    def read(self, answer: str) -> Read:
        """What is scored of an answer; without the form that was asked for, nothing (JSON) or its last line."""
        if self.format == "json":
            found = _object(answer)
            value = found.get(_FIELD) if found else None
            if isinstance(value, dict | list) or value is None:
                return Read("", False)
            return Read(value if isinstance(value, str) else json.dumps(value), True)
        if self.thinks:
            _, marker, said = answer.rpartition(MARKER)
            return Read(_last_line(said if marker else answer), bool(marker))
        return Read(answer, True)


def _object(answer: str) -> dict[str, Any] | None:
    """The first JSON object in a text."""
    start = answer.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(answer[start:])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _cut(text: str, most: int = 30) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
