"""TensorBoard event files, one folder an attempt: `tensorboard --logdir HOME/tensorboard`."""

import shutil
from pathlib import Path

from tensorboardX import SummaryWriter

from tools.tracking.attempt import Attempt


def write(attempt: Attempt, home: Path) -> str:
    """Write curves, final figures and texts. Writing an attempt again replaces it. Returns where it lies."""
    folder = home / "tensorboard" / attempt.project / attempt.name
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for curve in attempt.curves:
            for step, value in curve.points:
                writer.add_scalar(f"{curve.work}/{curve.metric}".replace(" ", "_"), value, step)
        for name, value in attempt.figures.items():
            writer.add_scalar(f"result/{name}", value)
        rows = {**attempt.tags, **attempt.parameters, "ended": attempt.ended}
        table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows.items())
        writer.add_text("run", f"| what | value |\n|---|---|\n{table}")
    return str(folder)


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
