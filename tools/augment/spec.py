"""What the model alone cannot do: facts from documents, and knowing when to leave a decision to a person."""

from typing import Literal

from pydantic import Field

from tools.augment.plan import plan, retrieves
from tools.contract import Need, Parameters, Tool


class AugmentParameters(Parameters):
    kind: Literal["retrieval", "abstain"] = Field(
        default="retrieval",
        description="retrieval: answer from retrieved passages; abstain: leave the least certain decisions to people",
    )
    model: str = Field(default="current", min_length=1, description="Model that is served")
    data: str = Field(
        min_length=1, description="Registered facts (question, answer), labelled or tagged data, pairs to be found"
    )
    limit: int | None = Field(default=None, ge=1, description="Use at most this many questions; empty: all")
    passages: int = Field(default=3, ge=1, le=20, description="Retrieved passages to read for a question")
    window: int = Field(default=1, ge=1, le=50, description="Sentences of them that go into the prompt")
    max_new_tokens: int = Field(default=24, ge=1, le=4096, description="Longest answer in tokens")
    coverage: float = Field(default=0.9, gt=0, le=1, description="Share of decisions to keep (abstain)")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the bootstrap resamples")


TOOL = Tool(
    name="augment",
    title="Add what the model lacks",
    title_zh="增强集成",
    stage="integrate",
    parameters=AugmentParameters,
    plan=plan,
    run="tools.augment.run:run",
    models=("model",),
    datasets=("data",),
    needs=frozenset({Need.PASSAGES}),
    asks=retrieves,
)
