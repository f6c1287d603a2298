from agent.machine import checked
from tools.contract import Plan

PLAN = Plan(steps=("train",), seconds=60, memory_bytes=10**9, warnings=("The rate is high.",))


def test_a_plan_beyond_the_machine_is_warned_of() -> None:
    assert checked(PLAN, 10**9) == PLAN
    first, second = checked(PLAN, 5 * 10**8).warnings
    assert first == "The rate is high."
    assert "needs about 1.0 GB of memory and this machine has 0.5 GB: use a smaller batch" in second
