"""An answer as messages: its text, its sources with buttons that show them, and what can be pressed next."""

import json
from collections.abc import Collection, Iterator, Sequence

from agent.graph.replies import Choice, Reply, ToolForm
from agent.language.detect import Language
from agent.slack import sanitize
from agent.slack.actions import FEEDBACK, FORM, PASSAGE, FormValue, Passage, Vote
from agent.slack.blocks import markdown
from agent.slack.blocks.elements import Piece, actions, button, context, named, plain_text, say
from agent.slack.blocks.spoken import spoken_block
from agent.slack.model import Block, Delivery, Message, Names, Rendered
from agent.slack.sanitize import HOSTS
from knowledge.model import Citation

MOST_PASSAGES = 8
MOST_CHOICES = 9  # more cannot be picked by a digit
_LONGEST_SOURCES = 1_200
_ROOM = 12_500  # characters of JSON up to which sources and buttons stand in the message of the text
_LEAST_ROOM = 4_500  # what they need
_BOUND = "This channel is about it from now on, for everybody in it; `use NAME` in a thread is for that thread alone."


def messages(
    delivery: Delivery, reply: Reply, names: Names | None = None, hosts: Collection[str] = HOSTS
) -> tuple[Message, ...]:
    """What is posted for an answer, under the keys `reply:{delivery}:0`, `:1`, …

    The answer to a slash command, a refusal that answers a button or a modal, and what others in the channel may not
    see are for the person alone.
    """
    refused = delivery.way in ("button", "modal") and reply.kind == "refused"
    private = delivery.way == "command" or refused or reply.data.get("private") is True
    pages = [*markdown.render(reply.text, hosts=hosts, names=names)]
    if binds(delivery, reply):
        pages[-1] = pages[-1].model_copy(update={"blocks": (*pages[-1].blocks, context(_BOUND))})
    more = [*below(reply, delivery.id, room=_ROOM - _size(pages[-1].blocks), names=names, private=private)]
    if more and _size(pages[-1].blocks) + _size(more) > _ROOM:
        more = [*below(reply, delivery.id, names=names, private=private)]
        pages.append(Rendered(text="Sources and choices", blocks=tuple(more)))
    elif more:
        pages[-1] = pages[-1].model_copy(update={"blocks": (*pages[-1].blocks, *more)})
    return tuple(
        Message(
            key=f"reply:{delivery.id}:{number}",
            place=delivery.place,
            body=page,
            ephemeral_for=delivery.actor if private else None,
        )
        for number, page in enumerate(pages)
    )


def binds(delivery: Delivery, reply: Reply) -> bool:
    """Whether the answer makes a channel one about a project: the slash command does, for everybody in it."""
    in_channel = delivery.way == "command" and not delivery.place.channel.startswith("D")
    return in_channel and isinstance(reply.data.get("bound"), str)


def below(
    reply: Reply, turn: str, *, room: int = _ROOM, names: Names | None = None, private: bool = False
) -> Iterator[Block]:
    """The blocks below an answer's text: sources, choices or the two answers to a proposal, votes, the place.

    They also end a streamed answer, whose text stands above them already.
    """
    language: Language = "zh" if reply.data.get("language") == "zh" else "en"
    return (spoken_block(block, language) for block in _below(reply, turn, room, names, private))


def _below(reply: Reply, turn: str, room: int, names: Names | None, private: bool) -> Iterator[Block]:
    cited = reply.citations
    if cited:
        yield context(sources(cited, names))
        yield _passages(cited, room)
    if reply.choices:
        yield _choices(reply.choices)
    if reply.proposal is not None:
        yield _proposal(reply.proposal, reply.form, reply.project)
    if reply.kind == "done" and reply.place:
        yield context(named(reply.place, names, 120))
    if reply.kind == "answer" and not private:
        yield _feedback(turn)


def sources(cited: Sequence[Citation], names: Names | None = None) -> str:
    """One compact line: `Sources: [1] LoRA › Merging · [2] …`, as mrkdwn."""
    most = max(20, _LONGEST_SOURCES // len(cited) - 10)
    shown = [f"[{number}] {named(_where(each), names, min(90, most))}" for number, each in enumerate(cited, 1)]
    kept = shown[:40]
    return "Sources: " + " · ".join([*kept, *([f"and {len(shown) - 40} more"] if len(shown) > 40 else [])])


def _where(cited: Citation) -> str:
    """The heading with all above it; a document's title where the heading does not begin with it."""
    if not cited.heading or cited.heading.startswith(cited.title):
        return cited.heading or cited.title or cited.source
    return f"{cited.title} › {cited.heading}"


def _passages(cited: Sequence[Citation], room: int) -> Block:
    shown = cited[:MOST_PASSAGES]
    each = min(2000, max(400, (room - _LONGEST_SOURCES - 1_000) // len(shown) - 150))
    return actions(
        [
            button(f"Passage {number}", f"{PASSAGE}:{number}", Passage.of(one, number, each).value())
            for number, one in enumerate(shown, 1)
        ]
    )


def _choices(choices: Sequence[Choice]) -> Block:
    return actions(
        [
            say(f"{choice.number} {sanitize.clean(choice.label)}", f"choice:{choice.number}", str(choice.number))
            for choice in choices[:MOST_CHOICES]
        ]
    )


def _proposal(number: int, form: ToolForm | None, project: str | None) -> Block:
    answers = [say("Do it", "confirm", f"confirm {number}", style="primary"), say("Leave it", "decline", "no")]
    if form is not None:
        value = FormValue(tool=form.tool, params=form.params, project=project).within().value()
        answers.insert(1, button("Change settings…", f"{FORM}:{number}", value))
    return actions(answers)


def _feedback(turn: str) -> Block:
    buttons: Piece = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": _vote("Helpful", "This answer was helpful", Vote(turn=turn, good=True)),
        "negative_button": _vote("Not helpful", "This answer was not helpful", Vote(turn=turn, good=False)),
    }
    return {"type": "context_actions", "elements": [buttons]}


def _vote(words: str, heard: str, vote: Vote) -> Piece:
    return {"text": plain_text(words, 75), "accessibility_label": heard, "value": vote.value()}


def _size(blocks: Sequence[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))
