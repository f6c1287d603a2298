"""A chat model in place of the rules: the same confirmations, the same effects; and what happens when it fails."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from agent.graph.chat import MOST_CALLS, Hearing
from agent.graph.conversation import Conversation, Turn
from agent.graph.writer import ModelWriter
from agent.lifecycle.events import StartJob
from knowledge.errors import WriterFailed
from knowledge.model import Hit
from tests.agent.graph.conftest import Say, speaker
from tests.agent.graph.desk import MemoryDesk

Message = dict[str, Any]
Script = Callable[[list[Message]], Message]  # the messages so far to the assistant's next one


def calls(name: str, **arguments: Any) -> Message:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


def says(text: str) -> Message:
    return {"role": "assistant", "content": text}


class Stub:
    """An OpenAI-compatible endpoint on loopback that answers by a script and keeps what it was asked."""

    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.requests.append(request)
                message = script(request["messages"])
                reason = "tool_calls" if message.get("tool_calls") else "stop"
                body = json.dumps(
                    {"id": "x", "object": "chat.completion", "created": 0, "model": "stub",
                     "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
                ).encode()  # fmt: skip
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def model(self) -> Any:
        return init_chat_model("openai:stub", base_url=self.url, api_key="none", timeout=5, max_retries=0)


@pytest.fixture
def stubs() -> Iterator[Callable[[Script], Stub]]:
    made: list[Stub] = []

    def make(script: Script) -> Stub:
        made.append(Stub(script))
        return made[-1]

    yield make
    for stub in made:
        stub.server.shutdown()
        stub.server.server_close()


def planner(messages: list[Message]) -> Message:
    """What a capable model would do with the five turns below."""
    last = messages[-1]
    if last["role"] == "tool":
        return says(f"Here it is. {last['content'][:60]}")
    text = last["content"]
    if "train" in text:
        return calls("run_finetune", model="tiny", data="tickets", rank=16)
    if "where" in text:
        return calls("show_status", query="where")
    if "lora" in text:
        return calls("ask_knowledge", question=text)
    return calls("set_rules", approvers=2)


TURNS = (
    "please train on tickets, with rank 16",
    "tell me where we are",
    "say something on lora",
    "yes",
    "two people must approve",
)


def test_five_turns_have_the_same_effects_as_with_the_rules(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    stub = stubs(planner)
    with_model = speaker(Conversation(desk, InMemorySaver(), model=stub.model()))
    replies = [with_model(text) for text in TURNS]
    assert [reply.kind for reply in replies] == ["proposal", "answer", "answer", "done", "proposal"]
    assert [reply.proposal for reply in replies] == [1, 1, 1, None, 2]
    assert "rank=16" in replies[0].text
    assert replies[2].citations[0].source == "lora.md"

    other = MemoryDesk.holding(next(iter(desk.held.values())).model_copy(update={"jobs": {}}))
    by_rules = speaker(Conversation(other, InMemorySaver()))
    for text in TURNS:
        by_rules(text)
    [(_, with_it)], [(_, without)] = desk.submitted, other.submitted
    assert isinstance(with_it, StartJob)
    assert isinstance(without, StartJob)
    assert (with_it.tool, with_it.params) == (without.tool, without.params)
    assert with_model("yes").kind == by_rules("yes").kind == "done"
    assert next(iter(desk.held.values())).rules == next(iter(other.held.values())).rules
    assert len(stub.requests) == 7  # four sentences; what a yes does needs no model, and a cited answer is final


def test_the_model_is_offered_no_approval_and_every_tool(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    stub = stubs(lambda messages: says("Hm."))
    speaker(Conversation(desk, InMemorySaver(), model=stub.model()))("please help me a bit here")
    offered = {tool["function"]["name"] for tool in stub.requests[0]["tools"]}
    assert not {name for name in offered if ("approve" in name and name != "explain_approval") or "reject" in name}
    assert {f"run_{name}" for name in desk.catalogue} <= offered


@pytest.mark.parametrize(
    "message",
    [
        calls("approve", number=31),
        calls("confirm", number=1),
        calls("run_finetune", data="ghost"),
        calls("run_finetune", data="tickets", rank="lots"),
        calls("go_back", stage=7),
        calls("set_rules", nonsense=1),
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "advance", "arguments": "{not json"}}]},
    ],
)  # fmt: skip
def test_wrong_calls_come_back_as_sentences_and_do_nothing(
    stubs: Callable[[Script], Stub], desk: MemoryDesk, message: Message
) -> None:
    stub = stubs(lambda messages: says("I could not.") if messages[-1]["role"] == "tool" else message)
    reply = speaker(Conversation(desk, InMemorySaver(), model=stub.model()))("do something useful please")
    assert reply.kind in ("answer", "refused")
    assert (reply.proposal, desk.submitted) == (None, [])


def test_a_model_that_never_stops_is_stopped(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    stub = stubs(lambda messages: calls("show_status", query="gate"))
    reply = speaker(Conversation(desk, InMemorySaver(), model=stub.model()))("look around for a while please")
    assert reply.kind == "answer"
    assert len(stub.requests) == MOST_CALLS


def test_a_model_cannot_confirm_what_it_proposed(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    proposals = iter([calls("set_rules", approvers=2), calls("set_rules", approvers=3)])
    stub = stubs(lambda messages: next(proposals, says("yes")))
    reply = speaker(Conversation(desk, InMemorySaver(), model=stub.model()))(
        "please make it two approvers, and do it now"
    )
    assert desk.submitted == []
    assert (reply.proposal, "approvers: 2" in reply.text) == (1, True)


def test_what_a_document_says_is_no_instruction(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    """Even a model that obeys a passage gets no further than a proposal the person sees."""

    def obeys(messages: list[Message]) -> Message:
        return calls("waive", requirement="target", reason="the document told me") if len(messages) > 3 else says("ok")

    say = speaker(Conversation(desk, InMemorySaver(), model=stubs(obeys).model()))
    say("what do the documents say about waivers, tell me")
    reply = say("and then what do they say, tell me more")
    assert reply.proposal == 1
    assert "the document told me" in reply.text
    assert desk.submitted == []


def test_a_dead_model_is_replaced_by_the_rules_and_that_is_said(desk: MemoryDesk) -> None:
    dead = init_chat_model("openai:stub", base_url="http://127.0.0.1:9/v1", api_key="none", timeout=1, max_retries=0)
    say = speaker(Conversation(desk, InMemorySaver(), model=dead))
    reply = say("could you fine-tune tiny on tickets for 2 epochs")
    assert (reply.kind, reply.proposal) == ("proposal", 1)
    assert "did not answer" in reply.text
    assert "epochs=2" in reply.text
    assert say("yes").kind == "done"


def test_a_model_that_cannot_be_made_is_replaced_too(desk: MemoryDesk) -> None:
    def no_key() -> Any:
        raise ValueError("api_key must be set")

    reply = speaker(Conversation(desk, InMemorySaver(), model=no_key))("could you evaluate tiny on tickets")
    assert reply.proposal == 1
    assert "did not answer (ValueError" in reply.text
    assert "api_key" not in reply.text
    with pytest.raises(WriterFailed):
        ModelWriter(no_key).write("what is LoRA", [])


def test_commands_need_no_model(stubs: Callable[[Script], Stub], desk: MemoryDesk) -> None:
    stub = stubs(lambda messages: says("Hm."))
    say: Say = speaker(Conversation(desk, InMemorySaver(), model=stub.model()))
    for line in ("status", "gate", "rules approvers=2", "yes", "approve 99"):
        say(line)
    assert stub.requests == []


def test_a_model_writes_from_passages(stubs: Callable[[Script], Stub]) -> None:
    stub = stubs(lambda messages: says("Two matrices."))
    hit = Hit(
        scope="guides", source="lora.md", title="LoRA", heading="What", text="Two matrices.", score=1, start=0, end=13
    )
    assert ModelWriter(stub.model()).write("what is LoRA", [hit]) == "Two matrices."
    assert "Two matrices." in stub.requests[0]["messages"][1]["content"]
    dead = init_chat_model("openai:stub", base_url="http://127.0.0.1:9/v1", api_key="none", timeout=1, max_retries=0)
    with pytest.raises(WriterFailed):
        ModelWriter(dead).write("what is LoRA", [hit])


class Reciting(BaseChatModel):
    """Says words one by one and calls `between` after each."""

    words: tuple[str, ...]
    between: Callable[[str], None]

    @property
    def _llm_type(self) -> str:
        return "reciting"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "Reciting":
        return self

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("".join(self.words)))])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for word in self.words:
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
            self.between(word)


def test_a_models_words_are_told_as_they_come(desk: MemoryDesk) -> None:
    told: list[str] = []
    heard_by_then: list[int] = []
    model = Reciting(words=("It ", "takes ", "time."), between=lambda word: heard_by_then.append(len(told)))
    turn = Turn(actor="ana", thread="t", text="tell me a story of patience")
    reply = Conversation(desk, InMemorySaver(), model=model).say(turn, Hearing(tell=told.append))
    assert reply.text == "It takes time."
    assert told[:3] == ["It ", "takes ", "time."]
    assert heard_by_then == [1, 2, 3]


def test_a_stopped_turn_ends_at_the_next_word(desk: MemoryDesk) -> None:
    stop = threading.Event()
    told: list[str] = []
    model = Reciting(words=("one ", "two ", "three "), between=lambda word: stop.set())
    conversation = Conversation(desk, InMemorySaver(), model=model)
    turn = Turn(actor="ana", thread="t", text="tell me a story of patience", id="d1")
    reply = conversation.say(turn, Hearing(tell=told.append, stop=stop))
    assert (reply.data, told) == ({"stopped": True}, ["one "])
    assert conversation.say(Turn(actor="ana", thread="t", text="where are we?", id="d2")).kind == "answer"
