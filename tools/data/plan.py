"""What registering data will do."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan

if TYPE_CHECKING:
    from tools.data.spec import DataParameters

_MEMORY = 120_000_000  # bytes of a process that reads some ten thousand rows


def plan(params: "DataParameters", inputs: Inputs) -> Plan:
    return Plan(
        steps=(
            f"Read {params.path} and check every row.",
            "Drop repeated rows, so that no text stands in two splits.",
            *(("Replace personal data by its sort, before anything is kept.",) if params.mask else ()),
            "Split it, and look for near duplicates across the splits and for personal data.",
            "Write each split as JSONL with its digest, and a card with what was found.",
        ),
        seconds=4.0,
        memory_bytes=_MEMORY,
    )
