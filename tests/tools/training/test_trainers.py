"""A step that is recomputed and taken in parts learns what a whole one does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from datasets import Dataset as Rows
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from tools.contract import Candidate, Dataset
from tools.data.formats import rows_of
from tools.training import models, trainers
from tools.training.machine import Gpu, Load, fit
from tools.training.progress import Follow, Watch

LOAD = Load(weights=3_000_000_000, trained=150_000_000, rows=12, tokens=1024)
TIGHT = Gpu(20 * 2**30, bf16=True)


@pytest.mark.parametrize("adapted", [True, False])
def test_what_is_chosen_for_a_tight_gpu_changes_no_loss(
    tool_job: Callable[..., Any], taught: Candidate, lesson: Dataset, adapted: bool
) -> None:
    assert fit(LOAD, TIGHT).recompute and fit(LOAD, TIGHT).parts > 1

    def losses(gpu: Gpu | None) -> list[float]:
        context = tool_job({"model": taught}, {"data": lesson})
        given = trainers.settings(context, "checkpoints", steps=4, batch=12, rate=1e-3, seed=7)
        follow = Follow(Watch(context, "fine-tuning", 4))
        model, tokenizer = models.load_causal(taught)
        torch.manual_seed(7)  # of the adapters
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(**{**given, **trainers.fitted(LOAD, gpu)}),
            train_dataset=Rows.from_list(rows_of(lesson.splits["train"])),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=4, target_modules="all-linear") if adapted else None,
            callbacks=[follow],
        )
        trainers.train(trainer, follow)
        return [loss for _, loss in follow.watch.points]

    whole, divided = losses(None), losses(TIGHT)
    assert len(whole) == len(divided) == 4
    assert divided == pytest.approx(whole, rel=1e-3)
