"""What writing the report will do."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan

if TYPE_CHECKING:
    from tools.report.spec import ReportParameters

_SECONDS = 6.0  # four plots and two renderings
_MEMORY = 200_000_000  # bytes of a process with matplotlib


def plan(params: "ReportParameters", inputs: Inputs) -> Plan:
    return Plan(
        steps=(
            "Read the project's record: evidence, gates, approvals, jobs.",
            "Draw the plots of what was measured.",
            f"Write the model card of {params.model} and the launch report as Markdown and HTML.",
        ),
        seconds=_SECONDS,
        memory_bytes=_MEMORY,
    )
