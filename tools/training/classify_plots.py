"""Drawings of how a classifier learned, what it confuses, and what abstaining brings."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tools.contract import Artefact, JobContext
from tools.training.plots import COLOURS, save, smooth

_WIDTH = 7.5  # inches


def confusions(context: JobContext, pairs: Sequence[tuple[str, str, int]]) -> Artefact:
    """The pairs of labels most often taken for each other."""
    shown = list(pairs)[::-1]
    figure = Figure(figsize=(_WIDTH, 1.2 + 0.3 * max(len(shown), 2)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(
        [f"{_short(right)} → {_short(given)}" for right, given, _ in shown],
        [times for *_, times in shown],
        color=COLOURS[0],
    )
    axes.set_xlabel("rows")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle("Most confused: right label → given label" if shown else "No row was labelled wrongly")
    return save(context, figure, "confusions")


def learning(
    context: JobContext,
    losses: Sequence[tuple[int, float]],
    scores: Sequence[tuple[int, float]],
    score: str = "accuracy",
) -> Artefact:
    """Training loss by step, the score on development rows by pass. Points are (step, value)."""
    figure = Figure(figsize=(_WIDTH, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps, values = [step for step, _ in losses], [loss for _, loss in losses]
    left.plot(steps, values, color=COLOURS[0], alpha=0.25, linewidth=0.8)
    left.plot(steps, smooth(values), color=COLOURS[0])
    left.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    right.plot([step for step, _ in scores], [value for _, value in scores], color=COLOURS[0], marker="o")
    right.set(xlabel="step", ylabel=f"{score} on the development split")
    return save(context, figure, "learning")


def abstaining(
    context: JobContext, coverage: NDArray[Any], accuracy: NDArray[Any], chosen: Mapping[str, float]
) -> Artefact:
    """Accuracy on the most certain part, by the size of that part; `chosen` has `coverage` and `accuracy`."""
    figure = Figure(figsize=(_WIDTH, 3.8), layout="constrained")
    axes = figure.add_subplot()
    first = len(coverage) // 20  # the first few rows jump about
    axes.plot(coverage[first:], accuracy[first:], color=COLOURS[0])
    axes.axhline(float(accuracy[-1]), linestyle="--", color="grey", label=f"all rows: {accuracy[-1]:.3f}")
    label = f"kept {chosen['coverage']:.0%}: {chosen['accuracy']:.3f}"
    axes.plot(chosen["coverage"], chosen["accuracy"], "o", color=COLOURS[1], label=label)
    axes.set(xlabel="share of rows decided", ylabel="accuracy on them", title="Leaving the least certain to people")
    axes.legend()
    return save(context, figure, "abstaining")


def _short(label: str, longest: int = 32) -> str:
    return label if len(label) <= longest else label[: longest - 1] + "…"
