"""Pictures of training and comparisons; none uses matplotlib's global state."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from tools.contract import Artefact, JobContext

Points = Sequence[tuple[int, float]]
_WIDTH = 7.5  # inches
COLOURS = ("#2f6f9f", "#d9822b", "#4d9f6b", "#9f4d7a")


def curve(
    context: JobContext, name: str, title: str, series: Mapping[str, Points], xlabel: str, ylabel: str
) -> Artefact:
    """Lines over steps, each faint as it was and bold when smoothed."""
    figure = Figure(figsize=(_WIDTH, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for colour, (label, points) in zip(COLOURS, series.items(), strict=False):
        steps, values = [s for s, _ in points], [v for _, v in points]
        if len(points) > 30:
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
            axes.plot(steps, smooth(values), color=colour, label=label)
        else:
            axes.plot(steps, values, color=colour, marker="o", markersize=4, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(series) > 1:
        axes.legend(frameon=False)
    return save(context, figure, name)


def intervals(
    context: JobContext,
    name: str,
    title: str,
    bars: Sequence[tuple[str, float, float | None, float | None]],
    xlabel: str,
    span: tuple[float, float] | None = (0.0, 1.0),
    line: float | None = None,
    colours: int = len(COLOURS),
) -> Artefact:
    """Horizontal bars of (label, value, low, high) with their intervals, the first on top; `line` marks a limit.

    The first `colours` colours are taken in turn: 2 where bars come in pairs of before and after.
    """
    figure = Figure(figsize=(_WIDTH, 1.3 + 0.5 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    for place, (_, value, low, high) in enumerate(reversed(bars)):
        colour = COLOURS[(len(bars) - 1 - place) % colours]
        axes.barh(place, value, color=colour, height=0.62)
        if low is not None and high is not None:
            axes.errorbar(
                value,
                place,
                xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                color="#222222",
                capsize=4,
                linewidth=1.2,
            )
        edge = max(value, high or value)
        axes.annotate(f"{value:.3g}", (edge, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(bars)), [label for label, *_ in reversed(bars)])
    axes.set(xlabel=xlabel, title=title)
    if span is not None:
        axes.set_xlim(span[0], span[1] * 1.12 if span[1] == 1.0 else span[1])
    else:
        axes.margins(x=0.15)
    if line is not None:
        axes.axvline(line, color="#777777", linestyle="--", linewidth=1)
    return save(context, figure, name)


def smooth(values: Sequence[float], memory: float = 0.93) -> list[float]:
    """Exponential moving average, corrected for its start (Kingma and Ba 2015, section 3)."""
    smoothed, mean = [], 0.0
    for number, value in enumerate(values, 1):
        mean = memory * mean + (1 - memory) * value
        smoothed.append(mean / (1 - memory**number))
    return smoothed


def save(context: JobContext, figure: Any, name: str) -> Artefact:
    for axes in figure.axes:
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    path = context.folder / f"{name.replace(' ', '-')}.png"
    figure.savefig(path, dpi=120)
    return context.artefact(name, "plot", path)
