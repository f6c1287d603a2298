"""Comparing runs: which ones, by which metric."""

from typing import Any

from pydantic import Field, field_validator

from tools.compare.plan import plan
from tools.contract import Need, Parameters, Tool


class CompareParameters(Parameters):
    runs: tuple[str, ...] = Field(
        default=(), max_length=40, description="Jobs (j12) or models to compare; empty: every measured run"
    )
    metric: str = Field(default="", max_length=60, description="Metric to compare by; empty: the charter's")

    @field_validator("runs", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Several as a person types them: `j12,j15`."""
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given


TOOL = Tool(
    name="compare",
    title="Compare runs",
    title_zh="比较运行",
    stage="assess",
    parameters=CompareParameters,
    plan=plan,
    run="tools.compare.run:run",
    needs=frozenset({Need.SNAPSHOT}),
    heavy=False,
)
