"""Quantization: fewer bits a weight."""

from typing import Literal

from pydantic import Field

from tools.contract import Need, Parameters, Tool
from tools.quantize.plan import plan


class QuantizeParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model to quantize")
    data: str = Field(
        default="", description="Registered task, labelled or tagged data for the parity check; empty: none"
    )
    name: str = Field(default="", max_length=60, description="What the new model is called; empty: MODEL-int8")
    method: Literal["int8"] = Field(default="int8", description="Weights in 8 bits")
    activations: Literal["float", "dynamic"] = Field(
        default="float", description="float: weights only; dynamic: activations in 8 bits too, as they come"
    )
    limit: int = Field(default=150, ge=1, le=100_000, description="Development rows for the parity check")
    margin: float = Field(default=0.03, gt=0, lt=0.5, description="How much worse it may be and still be at parity")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the bootstrap resamples")


TOOL = Tool(
    name="quantize",
    title="Quantize to int8",
    title_zh="量化为 int8",
    stage="deploy",
    parameters=QuantizeParameters,
    plan=plan,
    run="tools.quantize.run:run",
    models=("model",),
    datasets=("data",),
    needs=frozenset({Need.SNAPSHOT}),
)
