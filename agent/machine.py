"""What a plan means on this machine."""

from tools.contract import Plan


def checked(plan: Plan, memory: int) -> Plan:
    """The plan, with a warning where it needs more than the machine's `memory` in bytes."""
    if plan.memory_bytes <= memory:
        return plan
    warning = (
        f"It needs about {plan.memory_bytes / 1e9:.1f} GB of memory and this machine has {memory / 1e9:.1f} GB:"
        " use a smaller batch, a shorter context or a smaller model, or a larger machine."
    )
    return plan.model_copy(update={"warnings": (*plan.warnings, warning)})
