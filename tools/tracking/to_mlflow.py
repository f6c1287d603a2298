"""MLflow runs, one an attempt, in an experiment a project.

`MLFLOW_TRACKING_URI` names the server, as for every client of it; without it they go to a SQLite file of the home.
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from tools.tracking.attempt import Attempt

_AT_ONCE = 1000  # metrics of one request (REST API, "Log Batch": at most 1000)
_PARAMETERS = 100  # parameters of one request, as said there
_LONGEST = 500  # characters of a parameter that every server takes
_Item = TypeVar("_Item")
_STATUS = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}


def write(attempt: Attempt, home: Path) -> str:
    """Make the run, or find the one an earlier try began, and fill it. Returns where it lies."""
    named = os.environ.get("MLFLOW_TRACKING_URI")
    uri = named or f"sqlite:///{home / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    run = _run(client, attempt, files=None if named else (home / "mlflow").as_uri())
    now = int(1000 * time.time())
    points = [
        Metric(f"{curve.work}/{curve.metric}", value, now, step)
        for curve in attempt.curves
        for step, value in curve.points
    ]
    points += [Metric(name, value, now, 0) for name, value in attempt.figures.items()]
    for some in _parts(points, _AT_ONCE):
        client.log_batch(run, metrics=some)
    parameters = [Param(name, value[:_LONGEST]) for name, value in attempt.parameters.items()]
    for few in _parts(parameters, _PARAMETERS):
        client.log_batch(run, params=few)
    client.log_batch(run, tags=[RunTag(f"odyssey.{name}", value) for name, value in attempt.tags.items()])
    for file in attempt.files:
        client.log_artifact(run, file)
    client.set_terminated(run, _STATUS[attempt.ended])
    return uri


def _run(client: MlflowClient, attempt: Attempt, files: str | None) -> str:
    """The id of the attempt's run; `files` is where a new experiment keeps files where no server decides."""
    known = client.get_experiment_by_name(attempt.project)
    experiment = known.experiment_id if known else client.create_experiment(attempt.project, artifact_location=files)
    found = client.search_runs([experiment], f"attributes.run_name = '{attempt.name}'", max_results=1)
    return str((found[0] if found else client.create_run(experiment, run_name=attempt.name)).info.run_id)


def _parts(items: Sequence[_Item], size: int) -> Iterator[list[_Item]]:
    yield from (list(items[start : start + size]) for start in range(0, len(items), size))
