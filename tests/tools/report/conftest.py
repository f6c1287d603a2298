"""The report's job, run on records of made-up projects."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from walk import Numbers, Walk, record

from agent.lifecycle.stages import Stage
from tools import digest
from tools.contract import File, Inputs, JobContext, JobEvent, Result, Spec
from tools.report.run import run
from tools.report.spec import ReportParameters

Report = Callable[..., tuple[Result, Path]]


def start(home: Path, walk: Walk, **params: Any) -> tuple[Result, Path]:
    """Runs the job on a walk's record, as the runner would; its result and its folder."""
    folder = home / "jobs" / "j900"
    folder.mkdir(parents=True)
    path = home / "snapshot.json"
    path.write_text(json.dumps(record(walk)), encoding="utf-8")
    model = walk.project.model
    assert model is not None
    inputs = Inputs(models={"model": model}, files={"snapshot": File(path=str(path), digest=digest.of_file(path))})
    events: list[JobEvent] = []
    spec = Spec(job="j900", tool="report", params=params, inputs=inputs)
    context = JobContext(spec, folder, events.append, lambda: False, lambda: datetime(2026, 3, 2))
    return run(ReportParameters(**params), context), folder


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return lambda walk, **params: start(tmp_path, walk, **params)


@pytest.fixture(scope="module")
def desk() -> Walk:
    """At the last gate, the card not yet written: where the report is written for the first time."""
    return Walk(numbers=Numbers(model_card=False)).to(Stage.INTEGRATE, work=True)


@pytest.fixture(scope="module")
def desk_report(desk: Walk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    return start(tmp_path_factory.mktemp("desk"), desk, title="support-desk 客服助手")
