"""A reward model: it learns from pairs which of two answers people prefer, and then scores answers alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset as Rows
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer

from tools import digest
from tools.contract import Candidate, JobContext, ModelKind
from tools.training import generation, models, trainers
from tools.training.progress import Follow, Watch

RATE = 1e-3
_BATCH = 16
_AT_ONCE = 64
_FOLDER = "reward"


def conversation(row: dict[str, Any], answer: str) -> list[dict[str, str]]:
    return [*generation.user(row["prompt"]), {"role": "assistant", "content": answer}]


class RewardModel:
    """Scores answers; higher is better."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self._tokenizer = tokenizer

    @torch.inference_mode()
    def score(self, conversations: Sequence[list[dict[str, str]]]) -> list[float]:
        """The reward of each conversation's last answer."""
        self.model.eval()
        scores: list[float] = []
        for start in range(0, len(conversations), _AT_ONCE):
            texts = [
                self._tokenizer.apply_chat_template(c, tokenize=False) for c in conversations[start : start + _AT_ONCE]
            ]
            batch = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            batch.pop("token_type_ids", None)
            scores += self.model(**batch.to(self.model.device)).logits[:, 0].float().tolist()
        return scores

    def accuracy(self, pairs: Sequence[dict[str, Any]]) -> list[float]:
        """For each pair 1 where the chosen answer scores higher, else 0."""
        chosen = self.score([conversation(row, row["chosen"]) for row in pairs])
        rejected = self.score([conversation(row, row["rejected"]) for row in pairs])
        return [float(a > b) for a, b in zip(chosen, rejected, strict=True)]


def untrained(parent: Candidate, tokenizer: Any, seed: int) -> RewardModel:
    """The parent's body with a new head that scores at random."""
    torch.manual_seed(seed)
    folder = models.check_folder(parent)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    return RewardModel(model, tokenizer)


def learn(
    context: JobContext, reward: RewardModel, tokenizer: Any, pairs: list[dict[str, Any]], steps: int, seed: int
) -> list[tuple[int, float]]:
    """Train on pairs (Bradley and Terry 1952: the chosen answer's margin through a sigmoid). Returns the losses."""
    follow = Follow(Watch(context, "learning to reward", steps))
    settings = trainers.settings(context, _FOLDER, steps=steps, batch=_BATCH, rate=RATE, seed=seed)
    rows = [
        {"chosen": conversation(row, row["chosen"]), "rejected": conversation(row, row["rejected"])} for row in pairs
    ]
    trainer = RewardTrainer(
        model=reward.model,
        args=RewardConfig(**settings, max_length=512),
        train_dataset=Rows.from_list(rows),
        processing_class=tokenizer,
        callbacks=[follow],
    )
    trainers.train(trainer, follow)
    return follow.watch.points


def save(context: JobContext, reward: RewardModel, tokenizer: Any, parent: Candidate) -> Candidate:
    folder = context.folder / "reward-model"
    reward.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Candidate(
        name=f"{parent.name}-reward",
        kind=ModelKind.REWARD,
        path=str(Path(folder).resolve()),
        digest=digest.of_path(folder),
        method="reward",
        parent=parent.name,
        parent_digest=parent.digest,
        job=context.spec.job,
        parameters=reward.model.num_parameters(),
        bytes=digest.size_of(folder),
        licence=parent.licence,
    )
