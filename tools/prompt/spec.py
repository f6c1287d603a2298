"""Trying prompts: instructions, solved examples, reasoning and the form of the answer."""

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator

from tools.contract import Need, Parameters, Tool
from tools.prompt.plan import plan

VARIANTS = 24  # more would pick a winner by luck: the best of 24 equal prompts lies two standard errors too high
ANSWER_ONLY = "Give only the answer, in exactly the form that is asked for."


class Selection(StrEnum):
    FIXED = "fixed"  # the same examples for every question, drawn once; balanced over the labels
    SIMILAR = "similar"  # those nearest to the question by embedding (Liu et al. 2022)


class Reasoning(StrEnum):
    NONE = "none"
    CHAIN_OF_THOUGHT = "chain_of_thought"  # steps first, the answer behind a marker (Wei et al. 2022)


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"  # an object with the field "answer"


class PromptParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model to prompt")
    data: str = Field(
        min_length=1,
        description="Registered tasks, conversations or labelled texts; variants are tried on its dev split",
    )
    instructions: tuple[str, ...] = Field(
        default=("", ANSWER_ONLY), description="Instructions to try, | between; an empty one asks the bare question"
    )
    shots: tuple[int, ...] = Field(default=(0, 1, 3), description="Numbers of solved examples to try")
    selection: tuple[Selection, ...] = Field(
        default=(Selection.FIXED,), description="How examples are chosen: fixed, similar (by embedding), or both"
    )
    reasoning: tuple[Reasoning, ...] = Field(
        default=(Reasoning.NONE,), description="Whether the model thinks aloud first: none, chain_of_thought, or both"
    )
    format: tuple[Format, ...] = Field(
        default=(Format.TEXT,), description="Form of the answer: text, json, or both; json reports how often it parses"
    )
    test: bool = Field(
        default=True, description="Measure the winner once on the test split, which is then one look poorer"
    )
    limit: int = Field(default=100, ge=1, le=100_000, description="Development rows to measure on")
    max_new_tokens: int = Field(default=32, ge=1, le=4096, description="Longest answer in tokens")
    reasoning_tokens: int = Field(default=128, ge=1, le=8192, description="Tokens more for thinking aloud")
    name: str = Field(default="prompt", min_length=1, max_length=60, description="What the best prompt is called")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the examples from the training split")

    @field_validator("instructions", mode="before")
    @classmethod
    def _one(cls, given: Any) -> Any:
        """One, or several with | between: a sentence may have commas."""
        return tuple(given.split("|")) if isinstance(given, str) else given

    @field_validator("shots", "selection", "reasoning", "format", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """One value, or several as a person types them: `0,1,3`."""
        if isinstance(given, str):
            return tuple(part.strip() for part in given.split(","))
        return (given,) if isinstance(given, int) else given

    @field_validator("instructions")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if not texts or any(len(text) > 8000 for text in texts):
            raise ValueError("name at least one instruction, each of at most 8,000 characters")
        return tuple(dict.fromkeys(text.strip() for text in texts))

    @field_validator("selection", "reasoning", "format")
    @classmethod
    def _named(cls, found: tuple[StrEnum, ...]) -> tuple[StrEnum, ...]:
        if not found:
            raise ValueError("name at least one")
        return tuple(dict.fromkeys(found))

    @field_validator("shots")
    @classmethod
    def _sensible(cls, shots: tuple[int, ...]) -> tuple[int, ...]:
        if not shots or len(shots) > 8 or any(n < 0 or n > 64 for n in shots):
            raise ValueError("name one to eight numbers of examples, each from 0 to 64")
        return tuple(sorted(set(shots)))


TOOL = Tool(
    name="prompt",
    title="Try prompts",
    title_zh="试验提示",
    stage="assess",
    parameters=PromptParameters,
    plan=plan,
    run="tools.prompt.run:run",
    models=("model",),
    datasets=("data",),
    needs=frozenset({Need.SNAPSHOT}),
)
