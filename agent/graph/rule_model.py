"""The rules in the place of a chat model: a thin adapter from `understand` to tool calls.

It makes one call a turn, repeats what the call answered, and never plans. The graph treats it like any other model.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from agent.graph.intents import Context, Intent, Reading, Understanding, call_of, describe
from agent.graph.session import Call, Option
from agent.graph.understand import is_question, unclear, understand


def call_for(found: Understanding, line: str) -> Call:
    """The call an understanding leads to: the thing itself, or the choices where it is unclear.

    A question that may be about methods or documents is looked up first: what is known is better than a choice.
    """
    unsure, unknown = unclear(found), found.intent is Intent.UNKNOWN
    asked = found.intent is Intent.ASK_KNOWLEDGE or ((unsure or unknown) and is_question(line))
    if not found.exact and (asked or unknown):
        others = (reading for reading in found.alternatives if unsure and not reading.effect)
        options = [o.model_dump(mode="json") for o in _options(others) if o.call.name != "ask_knowledge"]
        return Call(name="look_up", arguments={"question": line, "options": options, "understood": asked})
    if unsure and len(choices := _options(found.alternatives)) > 1:
        return Call(name="offer_choices", arguments={"options": [one.model_dump(mode="json") for one in choices]})
    call = call_of(found.intent, found.arguments) or call_of(Intent.UNKNOWN, {})
    assert call is not None  # noqa: S101 - UNKNOWN has a call
    return Call(name=call[0], arguments=call[1])


def _options(readings: Iterable[Reading]) -> list[Option]:
    """What can be picked; readings that come to the same are one."""
    options: list[Option] = []
    for reading in readings:
        call = call_of(reading.intent, reading.arguments)
        if reading.intent is Intent.UNKNOWN or call is None:
            continue
        made = Call(name=call[0], arguments=call[1])
        if made not in [option.call for option in options]:
            options.append(Option(label=describe(reading), call=made))
    return options[:3]


class RuleModel(BaseChatModel):
    """Understands the last thing a person said, where `context` holds."""

    context: Context = Context()

    @property
    def _llm_type(self) -> str:
        return "odyssey-rules"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The rules know the toolset already."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _answer(self, messages: Sequence[BaseMessage]) -> AIMessage:
        last = messages[-1] if messages else None
        if isinstance(last, ToolMessage):
            return AIMessage(content=str(last.content))
        text = str(last.content) if isinstance(last, HumanMessage) else ""
        call = call_for(understand(text, self.context), text)
        return AIMessage(
            content="",
            tool_calls=[
                {"name": call.name, "args": call.arguments, "id": f"rule-{len(messages)}", "type": "tool_call"}
            ],
        )
