"""Trackio runs, one an attempt, in a project of the same name: `trackio show --project NAME`.

`TRACKIO_DIR` and `TRACKIO_SERVER_URL` are read as everywhere; without them runs go to a folder of the home.
"""

import os
from pathlib import Path

from tools.tracking.attempt import Attempt


def write(attempt: Attempt, home: Path) -> str:
    """Write the run. Returns where it lies."""
    folder = os.environ.setdefault("TRACKIO_DIR", str(home / "trackio"))
    import trackio  # here: it reads its folder when it is imported

    config = {**attempt.parameters, **attempt.tags, "ended": attempt.ended}
    trackio.init(
        project=attempt.project, name=attempt.name, config=config, embed=False, auto_log_cpu=False, auto_log_gpu=False
    )
    steps: dict[int, dict[str, float]] = {}
    for curve in attempt.curves:
        for step, value in curve.points:
            steps.setdefault(step, {})[f"{curve.work}/{curve.metric}"] = value
    for step in sorted(steps):
        trackio.log(steps[step], step=step)
    trackio.log(attempt.figures, step=max(steps, default=0) + 1)
    trackio.finish()
    return os.environ.get("TRACKIO_SERVER_URL") or folder
