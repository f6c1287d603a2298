"""The tools, one line each."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from tools.augment.spec import TOOL as AUGMENT
from tools.compare.spec import TOOL as COMPARE
from tools.contract import Tool
from tools.data.spec import TOOL as DATA
from tools.errors import Defect
from tools.evaluate.spec import TOOL as EVALUATE
from tools.finetune.spec import TOOL as FINETUNE
from tools.pretrain.spec import TOOL as PRETRAIN
from tools.prompt.spec import TOOL as PROMPT
from tools.quantize.spec import TOOL as QUANTIZE
from tools.report.spec import TOOL as REPORT
from tools.rlhf.spec import TOOL as RLHF
from tools.select.spec import TOOL as SELECT
from tools.serve.spec import TOOL as SERVE

DEFAULT = "tools.registry:TOOLS"

_ALL = (
    DATA,  # register data: check, split, hash
    SELECT,  # candidates by size, licence, memory and cost
    PRETRAIN,  # a tokenizer and a tiny model from raw text
    PROMPT,  # zero-, one- and few-shot on the development split
    FINETUNE,  # LoRA and full fine-tuning
    EVALUATE,  # metrics with intervals, paired comparison
    COMPARE,  # any runs in one table and one plot
    RLHF,  # reward model, GRPO against it, DPO
    QUANTIZE,  # int8 with parity
    SERVE,  # an endpoint on loopback
    AUGMENT,  # what retrieval or abstaining adds
    REPORT,  # the launch report
)

TOOLS: dict[str, Tool] = {tool.name: tool for tool in _ALL}


def load(reference: str = DEFAULT) -> Mapping[str, Tool]:
    """The registry at an import path `module:attribute`."""
    tools: Mapping[str, Tool] = _import(reference)
    return tools


def load_run(tool: Tool, reference: str = DEFAULT) -> Callable[..., Any]:
    """A tool's work. In the default registry it can only lie below `tools`."""
    if reference == DEFAULT and not tool.run.startswith("tools."):
        raise Defect(f"The work of {tool.name} must lie below `tools`, not at {tool.run}.")
    run: Callable[..., Any] = _import(tool.run)
    return run


def _import(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)
