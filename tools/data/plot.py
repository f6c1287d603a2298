"""A picture of registered data: how long its texts are and how its labels are spread."""

from pathlib import Path

from matplotlib.figure import Figure

from tools.contract import DataKind, Dataset
from tools.data.checks import Row, asked, balance

_SHOWN = 20  # labels in the picture


def draw(dataset: Dataset, parts: dict[str, list[Row]], path: Path) -> Path:
    """Write the picture to `path`. Uses no global state of matplotlib."""
    labelled = dataset.kind is DataKind.LABELLED
    figure = Figure(figsize=(9 if labelled else 6, 3.6), dpi=120, layout="constrained")
    axes = figure.subplots(1, 2 if labelled else 1, squeeze=False)[0]
    lengths = [[len(asked(row, dataset.kind)) for row in rows] for rows in parts.values()]
    axes[0].hist(lengths, bins=24, stacked=True)
    axes[0].legend([f"{name} ({len(rows):,})" for name, rows in parts.items()], frameon=False)
    axes[0].set(
        xlabel="length of what the model is shown, in characters", ylabel="rows", title=dataset.name.replace("$", r"\$")
    )
    if labelled:
        counts = list(balance([row for rows in parts.values() for row in rows]).items())[:_SHOWN]
        names = [name[:28].replace("$", r"\$") for name, _ in reversed(counts)]
        axes[1].barh(range(len(counts)), [count for _, count in reversed(counts)], tick_label=names)
        most = f", the {_SHOWN} largest of {len(dataset.labels)}" if len(dataset.labels) > _SHOWN else ""
        axes[1].set(xlabel="rows", title=f"Rows a label{most}")
        axes[1].tick_params(axis="y", labelsize=7)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    return path
