"""Evaluating a model: on which data, against which other model."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from tools.contract import Need, Parameters, Tool
from tools.evaluate.plan import plan

TextMetric = Literal["exact_match", "token_f1", "rouge1", "rouge2", "rougeL"]
LabelMetric = Literal["accuracy", "macro_f1"]
TagMetric = Literal["entity_f1", "exact_match"]
RetrievalMetric = Literal["recall@1", "recall@5", "mrr", "ndcg@10"]
TEXT_METRICS, LABEL_METRICS, TAG_METRICS = get_args(TextMetric), get_args(LabelMetric), get_args(TagMetric)
Known = Literal[TextMetric, LabelMetric, TagMetric, RetrievalMetric]
RETRIEVAL_METRICS: tuple[RetrievalMetric, ...] = get_args(RetrievalMetric)


def _listed(value: Any) -> Any:
    """Names in one text, with commas between them, as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class EvaluateParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model to measure")
    data: str = Field(description="Registered task, checklist, labelled or tagged data to measure on")
    tasks: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(),
        max_length=50,
        description="lm-eval task files (YAML) to measure by instead of data, with commas between",
    )
    fewshot: int | None = Field(
        default=None, ge=0, le=64, description="Solved examples before each question of a task file; empty: as it says"
    )
    split: Literal["test", "dev"] = Field(default="test", description="Split to measure on")
    prompt: str = Field(
        default="",
        max_length=80,
        pattern=r"^([^@]+(@\d+)?)?$",
        description="A prompt found by `prompt`, such as triage@2, to put before every question; empty: none",
    )
    compare_to: str = Field(default="", description="Another model to measure on the same items; empty: none")
    judge: str = Field(
        default="", description="A reward model that also judges whose answers are better, with compare_to; empty: none"
    )
    judge_url: str = Field(
        default="",
        max_length=200,
        pattern=r"^(http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/[\w./-]*)?)?$",
        description="Instead a chat model that judges: an OpenAI-compatible endpoint on this machine, with its /v1",
    )
    metrics: Annotated[tuple[Known, ...], BeforeValidator(_listed)] = Field(
        default=(),
        description="What decides, the main one first: exact_match, rougeL, entity_f1, mrr …; empty: the charter's",
    )
    slices: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(),
        max_length=10,
        description="Fields to cut by: language, length, any of the data; empty: all that fit",
    )
    margin: float = Field(
        default=0.03, ge=0, lt=1, description="How much lower than the other model still counts as no worse"
    )
    limit: int | None = Field(default=None, ge=1, description="Measure on at most this many items; empty: all")
    max_new_tokens: int | None = Field(
        default=None, ge=1, le=4096, description="Longest answer; empty: fitting the data"
    )
    latency_items: int = Field(default=20, ge=1, le=1000, description="Items answered one by one to measure latency")
    resamples: int = Field(default=4000, ge=2000, le=100_000, description="Bootstrap resamples behind the intervals")
    batch: int = Field(default=64, ge=1, le=4096, description="Items answered at once")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the bootstrap resamples")

    @model_validator(mode="before")
    @classmethod
    def _own_rows(cls, given: Any) -> Any:
        """Task files bring rows of their own, so that the charter's test set is not meant with them."""
        return {**given, "data": ""} if isinstance(given, dict) and given.get("tasks") else given

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.tasks and self.prompt:
            raise ValueError("task files write their own prompts; leave prompt out")
        if (self.judge or self.judge_url) and (not self.compare_to or self.tasks):
            raise ValueError("a judge compares answers to data: name compare_to, and no task files")
        if self.judge and self.judge_url:
            raise ValueError("name one judge: judge or judge_url")
        if not self.data and not self.tasks:
            raise ValueError("name the data to measure on, or task files")
        return self


TOOL = Tool(
    name="evaluate",
    title="Evaluate a model",
    title_zh="评估模型",
    stage="assess",
    parameters=EvaluateParameters,
    plan=plan,
    run="tools.evaluate.run:run",
    models=("model", "compare_to", "judge"),
    datasets=("data",),
    needs=frozenset({Need.SNAPSHOT}),
    paths=("tasks", "judge_url"),
)
