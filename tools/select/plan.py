"""What listing the candidates will do."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, Plan

if TYPE_CHECKING:
    from tools.select.spec import SelectParameters

_MEMORY = 250_000_000  # bytes of a process that draws a picture and asks the hub
_ONLY_OWN = "Only models the project has are compared; name others with folder=PATH or hub=MAKER/MODEL."
_A_HUB_MODEL = 2.0  # seconds


def plan(params: "SelectParameters", inputs: Inputs) -> Plan:
    steps = ["Read the headers of the project's own candidates; no weights are loaded."]
    if params.folder:
        steps.append(f"Look for models below {params.folder}, and name what cannot be used.")
    if params.hub:
        steps.append(f"Ask the hub for card, configuration and headers of {', '.join(params.hub)}.")
    steps.append("Work out memory for inference and for each way of training, and what pre-training would take.")
    steps.append("Write one table and draw one picture, with a recommendation and its reasons.")
    warnings = () if params.folder or params.hub else (_ONLY_OWN,)
    return Plan(
        steps=tuple(steps), seconds=4.0 + _A_HUB_MODEL * len(params.hub), memory_bytes=_MEMORY, warnings=warnings
    )
