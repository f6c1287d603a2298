import pytest

from tools.contract import DataKind, Dataset, Inputs
from tools.prompt.plan import plan
from tools.prompt.spec import PromptParameters
from tools.prompt.variants import variants

DATA = Dataset(name="tickets", kind=DataKind.TASK, digest="sha256:1", splits={})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"shots": (0,), "instructions": ("",)},
        {"format": "json"},
        {"shots": "1,3", "reasoning": "none,chain_of_thought", "selection": "similar"},
    ],
)
def test_as_many_prompts_are_planned_as_are_tried(params: dict[str, object]) -> None:
    given = PromptParameters.model_validate({"data": "tickets", **params})
    count = len(variants(given, DATA, []))
    assert f"with each of {count} prompts" in plan(given, Inputs()).steps[1]
