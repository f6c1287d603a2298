import subprocess
import sys

import pytest

from tools import registry
from tools.contract import Parameters, Plan, Tool
from tools.errors import Defect


def a_tool(run: str) -> Tool:
    plan = Plan(steps=(), seconds=0, memory_bytes=0)
    return Tool("x", "X", "X", "assess", Parameters, lambda params, inputs: plan, run)


def test_every_tool_is_called_by_its_name_and_works_below_tools() -> None:
    for name, tool in registry.load().items():
        assert tool.name == name
        assert tool.run == f"tools.{name}.run:run"
        assert tool.parameters.model_json_schema()["properties"] is not None
        assert all(field.description for field in tool.parameters.model_fields.values()), name


def test_declarations_are_light() -> None:
    heavy = "torch transformers trl peft datasets pandas sklearn chromadb langchain langgraph"
    check = f"import sys, tools.registry; print(*[m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_default_registry_runs_nothing_from_elsewhere() -> None:
    with pytest.raises(Defect, match="must lie below `tools`"):
        registry.load_run(a_tool("os:system"))


def test_another_registry_brings_its_own_work() -> None:
    assert registry.load_run(a_tool("json:dumps"), "somewhere:TOOLS")({"a": 1}) == '{"a": 1}'
