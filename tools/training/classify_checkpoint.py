"""Checkpoints of a classifier in training: trained weights and the optimizer's moments, as safetensors.

A checkpoint is written under another name and renamed when it is whole, so one that exists is complete; one that
still cannot be read (a failing disk) is passed over for the one before it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tools.contract import Frozen
from tools.errors import UserFault

KEPT = 2  # checkpoints left on disk
_PREFIX = "step-"
_TENSORS = "state.safetensors"
_NOTES = "notes.json"
_BEST = "best.safetensors"


class Look(Frozen):
    """What the development rows said after a step."""

    step: int
    score: float  # accuracy, or what else the lesson is about
    loss: float  # what early stopping goes by: of a classifier nats a row, at the temperature that suits the rows


class Notes(Frozen):
    """Where training stood."""

    step: int
    recipe: str  # digest of recipe and rows: a checkpoint of another run is none of ours
    losses: tuple[tuple[int, float], ...] = ()
    looks: tuple[Look, ...] = ()


def save_checkpoint(
    folder: Path, notes: Notes, parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> None:
    """Write a checkpoint for `notes.step` and drop all but the newest ones."""
    unfinished = folder / f".{_PREFIX}{notes.step}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(_flatten(parameters, optimizer), unfinished / _TENSORS)
    (unfinished / _NOTES).write_text(notes.model_dump_json(), encoding="utf-8")
    final = folder / f"{_PREFIX}{notes.step:08d}"
    shutil.rmtree(final, ignore_errors=True)
    unfinished.replace(final)
    for old in _found(folder)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def resume(folder: Path, recipe: str, parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> Notes:
    """Put the newest whole checkpoint of this recipe into parameters and optimizer; step 0 where there is none."""
    for path in _found(folder):
        try:
            notes = Notes.model_validate(json.loads((path / _NOTES).read_text(encoding="utf-8")))
            if notes.recipe != recipe:
                continue
            tensors = load_file(path / _TENSORS)
            _restore(tensors, parameters, optimizer)
        except (OSError, SafetensorError, ValueError, KeyError, ValidationError):
            continue
        return notes
    return Notes(step=0, recipe=recipe)


def save_best(folder: Path, parameters: dict[str, Tensor]) -> None:
    """Keep these weights beside the checkpoints as the best so far."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{_BEST}"
    save_file({name: value.detach().clone().contiguous() for name, value in parameters.items()}, unfinished)
    unfinished.replace(folder / _BEST)


def load_best(folder: Path, parameters: dict[str, Tensor]) -> None:
    """Put the best weights back. Raises `UserFault` where they cannot be read any more."""
    try:
        kept = load_file(folder / _BEST)
        with torch.no_grad():
            for name, value in parameters.items():
                value.copy_(kept[name])
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise UserFault(f"{folder / _BEST} with the best weights cannot be read ({error}); train again.") from error


def _found(folder: Path) -> list[Path]:
    """Newest first."""
    return sorted(folder.glob(f"{_PREFIX}*"), reverse=True)


def _flatten(parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"weight/{name}": value.detach().clone().contiguous() for name, value in parameters.items()}
    for name, value in parameters.items():
        for key, moment in optimizer.state.get(value, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(moment).detach().clone().contiguous()
    return tensors


def _restore(tensors: dict[str, Tensor], parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
    states: dict[str, dict[str, Any]] = {name: {} for name in parameters}
    for key, tensor in tensors.items():
        kind, _, name = key.partition("/")
        states[name][kind] = tensor
    if any("weight" not in state for state in states.values()):
        raise KeyError("weight")
    with torch.no_grad():
        for name, state in states.items():
            parameters[name].copy_(state.pop("weight"))
            optimizer.state[parameters[name]] = state
