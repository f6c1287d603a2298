"""Moving a policy towards what people prefer: GRPO against rewards, DPO on the pairs themselves."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset as Rows
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer

from tools.contract import JobContext
from tools.evaluate import metrics
from tools.rlhf.plan import BETA, RATE, STEPS
from tools.rlhf.spec import RlhfParameters
from tools.training import generation, trainers
from tools.training.progress import Follow, Watch
from tools.training.reward import RewardModel

TASK_SHARE = 0.25  # of the prompts come from the task, so that it is not unlearned
TASK_REWARD = 4.0  # what a right answer to the task earns; about the spread of the reward model's scores
_CHECKPOINT = 50  # steps between two checkpoints

Row = dict[str, Any]
Answer = list[dict[str, str]]


def mixed(pairs: Sequence[Row], task: Sequence[Row], seed: int) -> list[Row]:
    """Preference rows with task rows among them; the latter are known by their `completion`."""
    chance = random.Random(seed)
    wanted = round(len(pairs) * TASK_SHARE / (1 - TASK_SHARE))
    rows = [*pairs, *chance.sample(list(task), min(wanted, len(task)))]
    chance.shuffle(rows)
    return rows


def reward_function(reward: RewardModel) -> Callable[..., list[float]]:
    """Rewards as GRPO asks for them: the reward model's score, or for a row of the task whether it is right."""

    def score(prompts: list[Answer], completions: list[Answer], wanted: list[str], **_: Any) -> list[float]:
        whole = [[*prompt, *answer] for prompt, answer in zip(prompts, completions, strict=True)]
        scores = reward.score(whole)
        return [
            TASK_REWARD * metrics.exact_match(answer[0]["content"], right) if right else score
            for answer, right, score in zip(completions, wanted, scores, strict=True)
        ]

    return score


def grpo(
    params: RlhfParameters, context: JobContext, model: Any, tokenizer: Any, rows: list[Row], reward: RewardModel
) -> tuple[Any, Follow]:
    """Group relative policy optimisation (Shao et al. 2024): answers are compared with others to the same prompt."""
    follow, settings = _settings(params, context, batch=params.batch * params.generations)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward_function(reward),
        args=GRPOConfig(
            **settings,
            num_generations=params.generations,
            max_completion_length=params.max_new_tokens,
            beta=BETA["grpo"] if params.beta is None else params.beta,
            temperature=1.0,
        ),
        train_dataset=Rows.from_list(
            [{"prompt": generation.user(row["prompt"]), "wanted": row.get("completion", "")} for row in rows]
        ),
        processing_class=tokenizer,
        callbacks=[follow, trainers.MarkComplete()],
    )
    trainers.train(trainer, follow, trainers.newest_complete(Path(settings["output_dir"])))
    return trainer.model, follow


def dpo(params: RlhfParameters, context: JobContext, model: Any, tokenizer: Any, rows: list[Row]) -> tuple[Any, Follow]:
    """Direct preference optimisation (Rafailov et al. 2023); a task row's answer is preferred to another row's."""
    follow, settings = _settings(params, context, batch=params.batch)
    answers = sorted({row["completion"] for row in rows if "completion" in row})
    chance = random.Random(params.seed)
    pairs = []
    for row in rows:
        chosen, rejected = row.get("chosen"), row.get("rejected")
        if "completion" in row:
            chosen = row["completion"]
            rejected = next((a for a in chance.sample(answers, min(2, len(answers))) if a != chosen), None)
        if chosen is not None and rejected is not None:
            pairs.append(
                {
                    "prompt": generation.user(row["prompt"]),
                    "chosen": [{"role": "assistant", "content": chosen}],
                    "rejected": [{"role": "assistant", "content": rejected}],
                }
            )
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            **settings, beta=BETA["dpo"] if params.beta is None else params.beta, precompute_ref_log_probs=False
        ),
        train_dataset=Rows.from_list(pairs),
        processing_class=tokenizer,
        callbacks=[follow, trainers.MarkComplete()],
    )
    trainers.train(trainer, follow, trainers.newest_complete(Path(settings["output_dir"])))
    return trainer.model, follow


def _settings(params: RlhfParameters, context: JobContext, batch: int) -> tuple[Follow, dict[str, Any]]:
    steps = params.steps or STEPS[params.method]
    follow = Follow(Watch(context, f"aligning with {params.method.upper()}", steps))
    settings = trainers.settings(
        context, "checkpoints", steps=steps, batch=batch, rate=params.lr or RATE[params.method], seed=params.seed
    )
    settings |= {"save_strategy": "steps", "save_steps": _CHECKPOINT, "save_total_limit": 2}
    return follow, settings
