"""The picture of what a job measured while it ran, drawn by its own process when it ends: `curve.png`, `curve.txt`."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tools.training.history import Series, describe, ends, read_series
from tools.training.plots import COLOURS

PICTURE = "curve.png"
CAPTION = "curve.txt"  # the same in a sentence, for people who do not see the picture
_MOST = 4  # series that are shown
_WIDTH, _DPI = 8.0, 150  # inches; 1200 pixels are sharp where Slack shows a third of them
_MANY = 30  # points from which the line is smoothed and what was measured shows faintly behind it


def draw_curve(job: Path, title: str) -> Path | None:
    """Draw what the job in folder `job` measured, and write its caption; None where it measured nothing over steps.

    Both files are written whole or not at all; drawing again replaces them.
    """
    series = read_series(job)[:_MOST]
    if not series:
        return None
    figure = _figure(series, title)
    draft = job / f".{PICTURE}"
    figure.savefig(draft, format="png", dpi=_DPI, facecolor="white")
    (job / CAPTION).write_text(describe(series) + "\n", encoding="utf-8")
    return draft.replace(job / PICTURE)


def _figure(series: Sequence[Series], title: str) -> Any:
    columns = 1 if len(series) == 1 else 2
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(_WIDTH, 1.0 + 3.2 * rows), layout="constrained")
    works = {one.work for one in series}
    told = f"{title}: {series[0].work}" if len(works) == 1 else title
    figure.suptitle(told.replace("$", r"\$"), fontsize=13)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, colour, one in zip(panels, COLOURS, series, strict=False):
        _panel(axes, one, colour)
        if len(works) > 1:
            axes.set_title(one.work.replace("$", r"\$"), fontsize=11)
    for axes in panels[len(series) :]:
        axes.set_axis_off()
    return figure


def _panel(axes: Any, one: Series, colour: str) -> None:
    steps, values = [step for step, _ in one.points], [value for _, value in one.points]
    many = len(values) > _MANY
    if many:
        axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.9)
    line = _smooth(values) if many else values
    axes.plot(steps, line, color=colour, linewidth=2, marker=None if many else "o", markersize=4)
    last = (steps[-1], line[-1])
    end = f"{ends(one.points)[1]:.3g}"
    axes.annotate(end, last, (0, 8), textcoords="offset points", ha="center", fontsize=11, fontweight="bold")
    axes.set_xlabel("step", fontsize=11)
    axes.set_ylabel(one.metric.replace("_", " "), fontsize=11)
    axes.tick_params(labelsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    axes.margins(x=0.06, y=0.1)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _smooth(values: Sequence[float]) -> list[float]:
    """Each value's mean with those around it, a twentieth of all: unlike a running mean it does not lag behind."""
    half = max(1, len(values) // 40)
    sums = [0.0, *accumulate(values)]
    spans = [(max(0, place - half), min(len(values), place + half + 1)) for place in range(len(values))]
    return [(sums[end] - sums[begin]) / (end - begin) for begin, end in spans]
