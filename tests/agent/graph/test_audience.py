"""In a channel only what everybody there may see is cited; more is offered to who may see it, for them alone."""

from typing import Any

from agent.graph.conversation import Conversation, Turn
from agent.graph.replies import Reply
from tests.agent.graph.desk import MemoryDesk


def ask(conversation: Conversation, text: str, actor: str = "ana", **where: Any) -> Reply:
    return conversation.say(
        Turn.model_validate({"actor": actor, "thread": "t", "text": text, "project": "p1", **where})
    )


def sources(reply: Reply) -> set[str]:
    return {cited.source for cited in reply.citations}


QUESTION = "what is the secret of LoRA?"
ELSEWHERE = {"channel": "C1"}


def test_alone_everything_the_person_may_see_is_cited(conversation: Conversation) -> None:
    for audience in (None, {"channel": "D7", "direct": True}):
        reply = ask(conversation, QUESTION, audience=audience)
        assert sources(reply) == {"plan.md"}
        # Nothing is told of a document that this person may not see either.
        assert "more document" not in reply.text and "more" not in reply.data


def test_a_channel_hears_what_all_in_it_may_see(conversation: Conversation, desk: MemoryDesk) -> None:
    assert sources(ask(conversation, QUESTION, audience=ELSEWHERE)) == set()
    assert sources(ask(conversation, QUESTION, audience={"channel": "C9"})) == {"prices.md"}
    assert sources(ask(conversation, QUESTION, audience=ELSEWHERE, fallback="p1")) == {"plan.md"}
    assert sources(ask(conversation, QUESTION, audience={"channel": "C9"}, fallback="p1")) == {"plan.md", "prices.md"}


def test_more_is_offered_and_shown_to_the_person_only(conversation: Conversation, desk: MemoryDesk) -> None:
    reply = ask(conversation, QUESTION, audience=ELSEWHERE)
    assert reply.data["more"] == 1
    assert "`1` shows it to you only" in reply.text
    assert [choice.label for choice in reply.choices] == ["show it to me only"]
    assert "plan.md" not in reply.text
    private = ask(conversation, "1", audience=ELSEWHERE)
    assert private.data["private"] is True
    assert sources(private) == {"plan.md"}


def test_somebody_else_who_takes_the_offer_sees_no_more_than_their_own(conversation: Conversation) -> None:
    ask(conversation, QUESTION, audience=ELSEWHERE)
    stranger = conversation.say(Turn(actor="eve", thread="t", text="1"))
    assert not sources(stranger) & {"plan.md", "prices.md"}


def test_what_was_shown_to_one_is_not_kept_for_the_channel(desk: MemoryDesk) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    conversation = Conversation(desk, saver)
    ask(conversation, QUESTION, audience=ELSEWHERE)
    ask(conversation, "1", audience=ELSEWHERE)
    ask(conversation, "status", audience=ELSEWHERE)
    kept = saver.get({"configurable": {"thread_id": "conversation:t"}})
    assert kept is not None
    assert "plan.md" not in str(kept["channel_values"]["window"])
