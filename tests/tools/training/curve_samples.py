"""A tool that learns something, for the tests of what its process draws at the end."""

from tools.contract import Inputs, JobContext, Parameters, Plan, Result, Tool
from tools.errors import UserFault


class LearnParameters(Parameters):
    diverges: bool = False


def learn(params: LearnParameters, context: JobContext) -> Result:
    for step in range(1, 21):
        context.progress("learning", step, 20, loss=2.0 / step)
    if params.diverges:
        raise UserFault("Training diverged at step 20; try again with a lower learning rate.")
    return Result(summary="Learned.")


def _plan(params: LearnParameters, inputs: Inputs) -> Plan:
    return Plan(steps=("learn",), seconds=1, memory_bytes=1)


TOOLS = {
    "learn": Tool(
        name="learn", title="learn", title_zh="learn", stage="assess", parameters=LearnParameters, plan=_plan,
        run="curve_samples:learn",
    )
}  # fmt: skip
