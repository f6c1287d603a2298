"""What alignment will do, and what it needs."""

from typing import TYPE_CHECKING

from tools.contract import Inputs, ModelKind, Part, Plan
from tools.models import require_kind, require_whole
from tools.training import cost

if TYPE_CHECKING:
    from tools.rlhf.spec import RlhfParameters

STEPS = {"grpo": 25, "dpo": 40}
BETA = {"grpo": 0.1, "dpo": 0.1}  # trl's default of 0 for GRPO lets the policy drift from its task
RATE = {"grpo": 4e-4, "dpo": 1e-4}  # DPO at 3e-4 cost the tiny model what its task does not test: copying, .83 to .18
_TOKENS_A_ROW = 80
_CHECKED = 60  # prompts answered before and after


def plan(params: "RlhfParameters", inputs: Inputs) -> Plan:
    """Raises `UserFault` for what would fail once it runs."""
    model = inputs.models.get("model")
    if model is not None:
        require_kind(model, ModelKind.CAUSAL, tool="Alignment")
        require_whole(model, "alignment")
    weights = cost.size_of(model)
    steps = params.steps or STEPS[params.method]
    rows = params.batch * (params.generations if params.method == "grpo" else 2)
    policy = cost.training_seconds(weights, rows * _TOKENS_A_ROW * steps, steps)
    checking = 2 * cost.generation_seconds(weights, _CHECKED, params.max_new_tokens)
    if params.method == "dpo":
        work: tuple[str, ...] = (f"Train on the pairs of {params.preferences} with DPO for {steps} steps.",)
        learning, seconds = 0.0, 1.5 * policy
    else:
        work = (
            f"Train a reward model on the pairs of {params.preferences} for {params.reward_steps} steps.",
            f"Draw {params.generations} answers a prompt and train against it with GRPO for {steps} steps.",
        )
        drawing = steps * cost.generation_seconds(weights, rows, params.max_new_tokens)
        learning = cost.training_seconds(weights, 2 * _TOKENS_A_ROW * 16 * params.reward_steps, params.reward_steps)
        seconds = policy + drawing + learning
    return Plan(
        steps=(*work, "Measure reward, drift, the checklist nobody trained on, and the task, before and after."),
        seconds=5 + seconds + checking,
        memory_bytes=cost.training_memory(2 * weights, weights, rows * _TOKENS_A_ROW),
        parts=(
            *([Part(step="learning to reward", seconds=learning)] if params.method == "grpo" else []),
            Part(step=f"aligning with {params.method.upper()}", seconds=seconds - learning),
            Part(step="measuring after", seconds=checking / 2),
        ),
    )
