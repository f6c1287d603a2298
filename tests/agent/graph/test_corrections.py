"""A wrong answer is corrected in the conversation: said, told to who keeps the source, pinned, found first, cited."""

from agent.graph.conversation import Conversation, Turn
from agent.graph.replies import Reply
from agent.lifecycle.events import AddDocument, SetRole
from agent.lifecycle.project import Role
from tests.agent.graph.conftest import Say, speaker
from tests.agent.graph.desk import MemoryDesk


def corrected(say: Say) -> int:
    """Say that the answer on LoRA is wrong; the correction's number."""
    say("what is LoRA?")
    card = say("that is wrong because it has three matrices here")
    assert card.kind == "proposal" and "question: what is LoRA?" in card.text and "source: lora.md" in card.text
    done = say("yes")
    assert done.kind == "done", done.text
    return int(done.text.split()[1])


def test_an_answer_is_corrected_pinned_and_found_first(say: Say, desk: MemoryDesk) -> None:
    desk.submit("ana", "p1", AddDocument(name="lora.md", path="/kept", digest="sha256:1"))
    number = corrected(say)
    assert desk.held["p1"].corrections[0].keeper == "ana"
    assert say(f"pin answer {number} as Here LoRA trains three matrices.").kind == "proposal"
    assert say("yes").kind == "done"
    asked = len(desk.asked)
    reply = say("What is LoRA?")
    assert reply.text.startswith("Here LoRA trains three matrices. [1]")
    cited = reply.citations[0]
    assert (cited.source, cited.quote) == (f"answer/{number}", "Here LoRA trains three matrices.")
    assert "pinned by ana" in cited.title
    assert reply.as_answer()["as_of"] is not None
    assert len(desk.asked) == asked  # nothing was looked up
    assert {event for _, event in ((actor, body.kind) for actor, body in desk.submitted)} >= {
        "correct_answer", "pin_answer"
    }  # fmt: skip


def test_in_chinese_too(say: Say, desk: MemoryDesk) -> None:
    say("what is LoRA?")
    assert say("这不对，因为这里有三个矩阵").kind == "proposal"
    say("是")
    number = desk.held["p1"].corrections[0].number
    assert say(f"驳回更正 {number}，因为文档是对的").kind == "proposal"
    assert say("是").kind == "done"
    assert desk.held["p1"].corrections[0].outcome == "rejected"


def test_without_an_answer_or_a_reason_nothing_is_proposed(say: Say, desk: MemoryDesk) -> None:
    assert "Which answer is wrong?" in say("that is wrong because it is").text
    say("what is LoRA?")
    assert "Why?" in say("that is wrong").text
    assert desk.submitted == []


def test_a_viewer_corrects_nothing(desk: MemoryDesk, conversation: Conversation) -> None:
    desk.submit("ana", "p1", SetRole(person="vic", role=Role.VIEWER))
    say = speaker(conversation, actor="vic")
    say("what is LoRA?", project="p1")
    refused = say("that is wrong because it has three matrices")
    assert refused.kind == "refused" and "at least the role member" in refused.text


def test_a_pinned_answer_of_the_project_is_not_told_in_another_channel(
    say: Say, desk: MemoryDesk, conversation: Conversation
) -> None:
    number = corrected(say)
    say(f"pin answer {number} as Three matrices.")
    say("yes")

    def ask(**place: object) -> Reply:
        turn = {"actor": "ana", "thread": "c", "text": "what is LoRA?", "project": "p1", "audience": place}
        return conversation.say(Turn.model_validate(turn))

    assert "Three matrices." not in ask(channel="C1").text
    assert "Three matrices." in ask(channel="D1", direct=True).text
