"""What every trainer of trl is given here, and how a stopped one goes on."""

import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import torch
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging

from tools.contract import JobContext
from tools.errors import UserFault
from tools.jobs.launcher import world
from tools.training import machine
from tools.training.machine import Gpu, Load
from tools.training.progress import Follow

_COMPLETE = "complete"  # a file in a checkpoint whose every part is written: their sizes in bytes, as JSON


def settings(
    context: JobContext, folder: str, *, steps: int, batch: int, rate: float, seed: int, load: Load | None = None
) -> dict[str, Any]:
    """Arguments of a TrainingArguments that hold for all of them: quiet, offline, 32 bit on a CPU.

    `batch` is that of all processes that share the training together. With `load`, of one process, it is fitted into
    a GPU's memory.
    """
    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    gpu = gpu_here()
    return {
        "output_dir": str(context.folder / folder),
        "max_steps": steps,
        "per_device_train_batch_size": share(batch, world()),
        **({"ddp_backend": "gloo"} if world() > 1 and gpu is None else {}),
        "learning_rate": rate,
        "warmup_steps": min(10, steps // 5),
        "seed": seed,
        "logging_steps": 1,
        "report_to": [],
        "disable_tqdm": True,
        "bf16": gpu is not None and gpu.bf16,
        "use_cpu": gpu is None,
        "activation_checkpointing": False,
        "logging_nan_inf_filter": False,  # else a diverged run looks as if it stood still
        "dataloader_pin_memory": False,
        "save_strategy": "no",
        **(fitted(load, gpu) if load else {}),
    }


def fitted(load: Load, gpu: Gpu | None) -> dict[str, Any]:
    """A step of `load.rows` rows as the machine takes it."""
    found = machine.fit(load, gpu)
    return {
        "activation_checkpointing": found.recompute,
        "per_device_train_batch_size": load.rows // found.parts,
        "gradient_accumulation_steps": found.parts,
    }


def gpu_here() -> Gpu | None:
    """The GPU this process trains on."""
    if not torch.cuda.is_available():
        return None
    return Gpu(torch.cuda.get_device_properties(0).total_memory, torch.cuda.is_bf16_supported())


def share(batch: int, processes: int) -> int:
    """Rows a step of each process. Raises `UserFault` where they cannot be shared evenly."""
    if batch % processes:
        raise UserFault(
            f"batch={batch} cannot be shared by {processes} processes evenly; choose a multiple of {processes}."
        )
    return batch // processes


class MarkComplete(TrainerCallback):  # type: ignore[misc]
    """Marks a checkpoint once all of it is written: a truncated one raises when read, and nothing falls back."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        (folder / _COMPLETE).write_text(json.dumps(_sizes(folder)), encoding="utf-8")


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file() and path.name != _COMPLETE}


def _whole(folder: Path) -> bool:
    """Whether everything that was written is still there: a power cut or a full disk can cut files short."""
    try:
        return bool(json.loads((folder / _COMPLETE).read_bytes()) == _sizes(folder))
    except (OSError, ValueError):
        return False


def newest_complete(folder: Path) -> Path | None:
    """The checkpoint to go on from; those that were not finished, or lost a part, are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for path in found:
        if not _whole(path):
            shutil.rmtree(path, ignore_errors=True)
    return next((path for path in found if path.exists()), None)


def train(trainer: Any, follow: Follow, resume_from: Path | None = None) -> None:
    """Run a trainer quietly. Raises `Cancelled` after its checkpoint is saved, `UserFault` when it diverges."""
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    if follow.cancelled:
        follow.watch.context.stop_if_cancelled()
