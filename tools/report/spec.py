"""The launch report and the model card, written from the record of the project."""

from pydantic import Field

from tools.contract import Need, Parameters, Tool
from tools.report.plan import plan


class ReportParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model the card describes")
    title: str = Field(default="", max_length=120, description="Title of the report; empty: the project's name")


TOOL = Tool(
    name="report",
    title="Write the report",
    title_zh="撰写报告",
    stage="integrate",
    parameters=ReportParameters,
    plan=plan,
    run="tools.report.run:run",
    models=("model",),
    needs=frozenset({Need.SNAPSHOT}),
    heavy=False,
)
