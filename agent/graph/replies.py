"""What goes into a conversation and what comes out: a turn, and the reply to it. Both cross the socket as JSON."""

from typing import Literal

from pydantic import Field, JsonValue

from knowledge.model import Citation
from tools.contract import Frozen

ReplyKind = Literal["answer", "proposal", "done", "refused", "choices", "question", "wait", "error"]


class Audience(Frozen):
    """Where a turn is said: a channel, or a direct message, in which the person is alone with Odyssey."""

    channel: str
    direct: bool = False


class Turn(Frozen):
    """What a person said.

    The same `id` said again in a row is the same turn: it has its effect once and the same reply.
    """

    actor: str
    thread: str
    text: str
    project: str | None = None  # a name or id: binds the thread to that project
    fallback: str | None = None  # id of the project of the place it was said in, where the thread is bound to none
    seen: str | None = None  # digest of what a pressed card showed: an approval of anything else is stale
    id: str | None = None
    audience: Audience | None = None  # who hears the answer; None: the person alone


class Choice(Frozen):
    """One reading of an unclear sentence; saying its number picks it."""

    number: int
    label: str


class ToolForm(Frozen):
    """The parameters of a job that is proposed, for a form in which they can be changed."""

    tool: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class Reply(Frozen):
    """The answer to a turn. `text` is Markdown."""

    text: str
    kind: ReplyKind = "answer"
    citations: tuple[Citation, ...] = ()
    choices: tuple[Choice, ...] = ()
    proposal: int | None = None  # number of the proposal that waits for a yes
    form: ToolForm | None = None  # of that proposal, where it is one job's
    project: str | None = None  # id of the project the thread is bound to
    place: str = ""  # that project's name and stage, for a prompt
    data: dict[str, JsonValue] = Field(default_factory=dict)  # "job": started or waited for; "private": for them alone

    def as_text(self) -> str:
        """With its sources below it, as a terminal without markup shows it."""
        return "\n".join([self.text, *(["", *self.sources()] if self.citations else [])])

    def as_answer(self) -> dict[str, JsonValue]:
        """For scripts: the answer as JSON; `as_of` where it was read off the state."""
        return {
            "answer": self.text,
            "kind": self.kind,
            "language": self.data.get("language", "en"),
            "abstained": self.data.get("abstained", False),
            "as_of": self.data.get("as_of"),
            "event": self.data.get("event"),
            "citations": [cited.model_dump(mode="json") for cited in self.citations],
            "searched": self.data.get("searched", []),
            "choices": [choice.model_dump(mode="json") for choice in self.choices],
        }

    def sources(self) -> tuple[str, ...]:
        """One line a citation, numbered as in the text."""
        return tuple(f"[{number}] {_place(cited)} ({cited.source})" for number, cited in enumerate(self.citations, 1))


def _place(cited: Citation) -> str:
    """The heading with all above it; a document's title where the heading does not begin with it."""
    if not cited.heading or cited.heading.startswith(cited.title):
        return cited.heading or cited.title
    return f"{cited.title} › {cited.heading}"
