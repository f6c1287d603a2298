"""What a comparison will do."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan

if TYPE_CHECKING:
    from tools.compare.spec import CompareParameters

_MEMORY = 200_000_000  # bytes of a process that draws a picture


def plan(params: "CompareParameters", inputs: Inputs) -> Plan:
    what = ", ".join(params.runs) or "every measured run"
    return Plan(
        steps=(
            f"Read what was measured of {what}.",
            "Test the others against the best on the same items, corrected for their number.",
            "Write one table and draw one picture.",
        ),
        seconds=4.0,
        memory_bytes=_MEMORY,
    )
