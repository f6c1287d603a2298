"""Alignment with people's preferences: against a reward model, or on the pairs themselves."""

from typing import Literal

from pydantic import Field

from tools.contract import DataKind, Parameters, Tool
from tools.rlhf.plan import plan


class RlhfParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model to align")
    preferences: str = Field(min_length=1, description="Registered preference pairs")
    method: Literal["grpo", "dpo"] = Field(
        default="grpo", description="grpo: a reward model, then policy gradient against it; dpo: on the pairs directly"
    )
    task: str = Field(default="", description="Registered task that must not get worse; empty: not measured")
    checks: str = Field(default="", description="Registered checklist the reward model never sees; empty: not measured")
    name: str = Field(default="", max_length=60, description="What the new model is called; empty: MODEL-METHOD")
    steps: int | None = Field(default=None, ge=1, le=100_000, description="Policy steps; empty: fitting the method")
    reward_steps: int = Field(default=50, ge=1, le=100_000, description="Steps of the reward model (grpo)")
    beta: float | None = Field(default=None, ge=0, le=10, description="How strongly it is held to the old model")
    lr: float | None = Field(default=None, gt=0, lt=1, description="Learning rate of the policy")
    batch: int = Field(default=8, ge=1, le=1024, description="Prompts a step")
    generations: int = Field(default=4, ge=2, le=64, description="Answers drawn for each prompt (grpo)")
    max_new_tokens: int = Field(default=48, ge=4, le=4096, description="Longest answer while training")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws prompts and answers")


TOOL = Tool(
    name="rlhf",
    title="Align with preferences",
    title_zh="人类偏好对齐",
    stage="align",
    parameters=RlhfParameters,
    plan=plan,
    run="tools.rlhf.run:run",
    models=("model",),
    datasets=("preferences", "task", "checks"),
    kinds={"preferences": DataKind.PREFERENCE, "task": DataKind.TASK, "checks": DataKind.CHECKLIST},
)
