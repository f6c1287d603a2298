"""An attempt of a job as experiment trackers take it: parameters, tags, curves, final figures, small files."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from tools.contract import Artefact, Frozen, Metric, Spec
from tools.errors import UserFault
from tools.jobs.folder import AttemptFolder
from tools.training.history import Series, read_series

_SMALL = 20_000_000  # bytes; weights stay where they are, by digest
_FILES = ("plot", "table", "report", "prompt", "predictions")


class Attempt(Frozen):
    """What one attempt was asked and what it found. `ended` is its outcome: succeeded, failed or cancelled."""

    project: str
    name: str  # finetune-j12-1
    ended: str
    seconds: float
    parameters: dict[str, str]
    tags: dict[str, str]
    curves: tuple[Series, ...]
    figures: dict[str, float]
    files: tuple[str, ...]  # absolute paths


def read_attempt(job: Path, attempt: int, project: str) -> Attempt:
    """Read it back from the job's folder. Raises `UserFault` where it has not ended."""
    folder = AttemptFolder(job, attempt)
    ending = folder.read_ending()
    if ending is None:
        raise UserFault(f"Attempt {attempt} in {job} has not ended; only what has ended is exported.")
    spec = Spec.model_validate_json(folder.spec.read_bytes())
    result = ending.result
    return Attempt(
        project=project,
        name=f"{spec.tool}-{spec.job}-{attempt}",
        ended=ending.outcome,
        seconds=ending.seconds,
        parameters={name: _text(value) for name, value in spec.params.items()},
        tags=dict(_tags(spec, attempt)) | ({"summary": result.summary} if result else {"error": ending.error or ""}),
        curves=read_series(job),
        figures=dict(_figures(result.metrics if result else ())) | {"wall_seconds": ending.seconds},
        files=tuple(str(job / one.path) for one in (result.artefacts if result else ()) if _travels(job, one)),
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tags(spec: Spec, attempt: int) -> Iterator[tuple[str, str]]:
    yield from (("tool", spec.tool), ("job", spec.job), ("attempt", str(attempt)), ("seed", str(spec.seed)))
    for parameter, model in spec.inputs.models.items():
        yield from ((parameter, model.name), (f"{parameter}_digest", model.digest))
    for parameter, data in spec.inputs.data.items():
        yield from ((parameter, data.name), (f"{parameter}_digest", data.digest))


def _figures(metrics: tuple[Metric, ...]) -> Iterator[tuple[str, float]]:
    for metric in metrics:
        name = f"{metric.split}/{metric.name}" if metric.split else metric.name
        yield name, metric.value
        if metric.low is not None and metric.high is not None:
            yield from ((f"{name}_low", metric.low), (f"{name}_high", metric.high))


def _travels(job: Path, artefact: Artefact) -> bool:
    path = job / artefact.path
    return artefact.kind in _FILES and artefact.bytes <= _SMALL and path.is_file()
