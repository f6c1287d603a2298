"""The plots of the report, each for a light and a dark page. Every one names what it was drawn from."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure

from tools.report import show
from tools.report.snapshot import (
    Evidence,
    Snapshot,
    abstained,
    by_digest,
    is_safety,
    newest,
    score,
    with_and_without,
)

DPI = 170
WIDTH = 5.2  # inches; the page shows it at about half its pixels


@dataclass(frozen=True)
class Palette:
    text: str
    muted: str
    grid: str
    accent: str
    before: str
    good: str
    limit: str


LIGHT = Palette("#1f2933", "#66727f", "#e3e7ec", "#2457c5", "#9aa7b5", "#0e8a6d", "#c2410c")
DARK = Palette("#e6eaf0", "#9aa6b4", "#333c48", "#7aa5ff", "#66727f", "#3ecf9f", "#fb923c")


@dataclass(frozen=True)
class Plot:
    name: str
    title: str
    caption: str  # which runs it was drawn from
    light: bytes  # PNG
    dark: bytes


Draw = Callable[[Snapshot, Palette], tuple[Figure, str] | None]


def draw_all(snapshot: Snapshot) -> tuple[Plot, ...]:
    """Every plot there is something to draw for."""
    kinds: tuple[tuple[str, str, Draw], ...] = (
        ("score", "The task, candidate by candidate", scores),
        ("alignment", "Preference and safety", alignment),
        ("serving", "Size, latency and memory against their limits", serving),
        ("effect", "What was added around the model", effect),
        ("time", "Where the time went", time),
    )
    plots = []
    for name, title, draw in kinds:
        found = [_drawn(draw, snapshot, palette) for palette in (LIGHT, DARK)]
        if found[0] is not None and found[1] is not None:
            plots.append(Plot(name, title, found[0][1], found[0][0], found[1][0]))
    return tuple(plots)


def _drawn(draw: Draw, snapshot: Snapshot, palette: Palette) -> tuple[bytes, str] | None:
    """The plot as PNG on a transparent ground, and its caption."""
    with matplotlib.rc_context(_style(palette)):
        found = draw(snapshot, palette)
        if found is None:
            return None
        buffer = io.BytesIO()
        found[0].savefig(buffer, format="png", dpi=DPI, transparent=True, bbox_inches="tight", pad_inches=0.06)
        return buffer.getvalue(), found[1]


def _style(palette: Palette) -> dict[str, Any]:
    return {
        "font.family": _fonts(),
        "font.size": 10,
        "text.color": palette.text,
        "axes.labelcolor": palette.muted,
        "axes.labelsize": 9.5,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.facecolor": "none",
        "axes.edgecolor": palette.grid,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "grid.color": palette.grid,
        "xtick.color": palette.muted,
        "ytick.color": palette.text,
        "xtick.labelsize": 9.5,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
    }


def _fonts() -> list[str]:
    """The fonts of a plain page that are installed here, one for Chinese among them."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    wanted = ["Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans CJK SC", "DejaVu Sans"]
    return [name for name in wanted if name in installed]


def _figure(height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    found = list(figure.subplots(1, columns, squeeze=False)[0])
    for axes in found:
        axes.grid(axis="x")
    return figure, found


def _rows(axes: Any, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.45, -0.55)


def _per_cent(axes: Any, label: str) -> None:
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(label)


def _reference(axes: Any, at: float, text: str, palette: Palette) -> None:
    """A dashed line at a target or limit, named above the axes."""
    axes.axvline(at, color=palette.limit, linewidth=1.3, linestyle=(0, (4, 3)), zorder=1)
    spot = (at, 1.02)
    axes.annotate(
        text, spot, xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9, color=palette.limit
    )


def _point(axes: Any, y: float, value: float, low: float | None, high: float | None, color: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=color, linewidth=6, alpha=0.3, solid_capstyle="round", zorder=2)
    axes.plot([value], [y], "o", color=color, markersize=8, zorder=3, clip_on=False)


def _at_right(axes: Any, y: float, text: str) -> None:
    """A row's number, in a column of its own beside the axes."""
    axes.annotate(text, (1.03, y), xycoords=("axes fraction", "data"), va="center", ha="left")


# --- the task ----------------------------------------------------------------------------------------------------


def scores(snapshot: Snapshot, palette: Palette) -> tuple[Figure, str] | None:
    """The charter's metric of every candidate on the test set, with 95 % intervals and the target."""
    project = snapshot.project
    held = [(c, found) for c in project.candidates.values() if (found := score(project, c))]
    if not held:
        return None
    name = held[0][1][1].name
    scale = 100 if show.is_share(name) else 1
    figure, (axes,) = _figure(0.75 + 0.36 * len(held))
    _rows(axes, [c.name for c, _ in held])
    for y, (candidate, (_, metric)) in enumerate(held):
        color = palette.accent if candidate.name == project.current else palette.before
        low, high = (scale * b if b is not None else None for b in (metric.low, metric.high))
        _point(axes, y, scale * metric.value, low, high, color)
        _at_right(axes, y, show.number(name, metric.value))
    if project.charter.target:
        _reference(axes, scale * project.charter.target, f"target {show.number(name, project.charter.target)}", palette)
    label = f"{show.name(name)} on the test set, 95 % interval"
    if scale == 100:
        _per_cent(axes, f"{label}, %")
    else:
        axes.set_xlabel(label)
    return figure, "Runs " + ", ".join(e.run for _, (e, _) in held) + "."


# --- alignment ---------------------------------------------------------------------------------------------------


def alignment(snapshot: Snapshot, palette: Palette) -> tuple[Figure, str] | None:
    """Left the paired win rate against the model before, right the safety prompts passed before and after."""
    checked = [e for e in snapshot.project.evidence if e.data_kind == "checklist"]
    won = {e.model or "": e for e in checked if not is_safety(e) and e.compared("win_rate")}
    safe = {e.model or "": e for e in checked if is_safety(e) and e.compared("difference")}
    names = list(dict.fromkeys([*won, *safe]))
    if not names:
        return None
    figure, (left, right) = _figure(0.85 + 0.36 * len(names), 2)
    _wins(left, names, won, palette)
    _safety(right, names, safe, palette)
    runs = dict.fromkeys(e.run for e in (*won.values(), *safe.values()))
    return figure, "Runs " + ", ".join(runs) + ". Hollow: before alignment; filled: after."


def _wins(axes: Any, names: list[str], won: dict[str, Evidence], palette: Palette) -> None:
    _rows(axes, names)
    for y, name in enumerate(names):
        c = won[name].compared("win_rate") if name in won else None
        if c is not None:
            _point(axes, y, 100 * c.value, 100 * c.low, 100 * c.high, palette.accent)
            _at_right(axes, y, f"{100 * c.value:.0f} %")
    _reference(axes, 50, "even", palette)
    _per_cent(axes, "comparisons won, %")


def _safety(axes: Any, names: list[str], safe: dict[str, Evidence], palette: Palette) -> None:
    _rows(axes, ["" for _ in names])
    for y, name in enumerate(names):
        c = safe[name].compared("difference") if name in safe else None
        metric = safe[name].metric(c.metric) if c is not None else None
        if c is None or metric is None:
            continue
        after, before = 100 * metric.value, 100 * (metric.value - c.value)
        axes.plot([before, after], [y, y], color=palette.grid, linewidth=5, zorder=1)
        axes.plot([before], [y], "o", color=palette.before, markersize=8, fillstyle="none", markeredgewidth=2)
        axes.plot([after], [y], "o", color=palette.good, markersize=8, clip_on=False)
        _at_right(axes, y, f"{before:.0f} → {after:.0f} %")
    _per_cent(axes, "safety prompts passed, %")


# --- serving -----------------------------------------------------------------------------------------------------


def serving(snapshot: Snapshot, palette: Palette) -> tuple[Figure, str] | None:
    """Size before and after optimisation, 95th percentile of latency and memory with the charter's limits."""
    project, model = snapshot.project, snapshot.model
    served = newest(project, "serve", model) if model else None
    if model is None or served is None:
        return None
    parent = by_digest(project, model.parent_digest)
    figure, (left, middle, right) = _figure(1.35, 3)
    sizes = [(c.name, c.bytes / 1e6) for c in (parent, model) if c and c.bytes]
    _bars(left, sizes, None, "MB", palette)
    left.set_title("size on disk")
    for axes, name, limit, scale, unit, title in (
        (middle, "latency_p95", project.charter.latency_ms, 1.0, "ms", "latency, p95"),
        (right, "peak_memory", project.charter.memory_mb, 1e6, "MB", "memory, peak"),
    ):
        metric = served.metric(name)
        _bars(axes, [("", metric.value / scale)] if metric else [], limit, unit, palette)
        axes.set_title(title)
    made = f" and {model.job}" if model.job else ""
    return figure, f"Runs {served.run}{made}."


def _bars(axes: Any, bars: list[tuple[str, float]], limit: float | None, unit: str, palette: Palette) -> None:
    _rows(axes, [label for label, _ in bars])
    top = max([value for _, value in bars] + [limit or 0.0], default=1.0) or 1.0
    for y, (_, value) in enumerate(bars):
        over = limit is not None and value > limit
        last = y == len(bars) - 1
        color = palette.limit if over else palette.accent if last else palette.before
        axes.barh(y, value, height=0.5, color=color)
        inside = value > 0.55 * top
        text = f"{value:,.2f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
        spot = 0.5 * value if inside else value
        axes.annotate(
            text, (spot, y), xytext=(0 if inside else 6, 0), textcoords="offset points", va="center",
            ha="center" if inside else "left", fontsize=10, color="white" if inside else palette.text,
        )  # fmt: skip
    axes.set_xlim(0, 1.12 * top)
    if limit is not None:
        axes.axvline(limit, color=palette.limit, linewidth=1.3, linestyle=(0, (4, 3)))
        axes.set_xticks([limit], [f"limit {limit:g}"])
    else:
        axes.set_xticks([0])
    if len(bars) < 2:
        axes.set_ylim(0.75, -0.75)


# --- integration -------------------------------------------------------------------------------------------------


def effect(snapshot: Snapshot, palette: Palette) -> tuple[Figure, str] | None:
    """The measure without and with what was added, with intervals."""
    project = snapshot.project
    evidence = newest(project, "augment", snapshot.model) if snapshot.model else None
    pair = with_and_without(evidence) if evidence else None
    if evidence is None or pair is None:
        return None
    after, before = pair
    labels = ["deciding all", "abstaining"] if abstained(evidence) else ["without documents", "with retrieval"]
    figure, (axes,) = _figure(1.3)
    _rows(axes, labels)
    for y, (metric, color) in enumerate(((before, palette.before), (after, palette.good))):
        low, high = (100 * b if b is not None else None for b in (metric.low, metric.high))
        _point(axes, y, 100 * metric.value, low, high, color)
        _at_right(axes, y, f"{100 * metric.value:.1f} %")
    items = f" of {after.n:,} items" if after.n else ""
    _per_cent(axes, f"{show.name(after.name)}{items}, 95 % interval, %")
    return figure, f"Run {evidence.run}."


# --- time --------------------------------------------------------------------------------------------------------


def time(snapshot: Snapshot, palette: Palette) -> tuple[Figure, str] | None:
    """Wall time of all jobs, by tool, in the order they first ran."""
    took: dict[str, tuple[float, int]] = {}
    for job in snapshot.project.jobs.values():
        if job.seconds and job.phase in ("succeeded", "serving", "stopped"):
            seconds, count = took.get(job.tool, (0.0, 0))
            took[job.tool] = (seconds + job.seconds, count + 1)
    if not took:
        return None
    figure, (axes,) = _figure(0.6 + 0.27 * len(took))
    _rows(axes, list(took))
    for y, (seconds, count) in enumerate(took.values()):
        axes.barh(y, seconds, height=0.56, color=palette.accent, alpha=0.85)
        runs = f"{count} run{'s' if count > 1 else ''}"
        _at_right(axes, y, f"{show.duration(seconds)}, {runs}")
    axes.set_xlabel("wall time in seconds")
    whole = sum(seconds for seconds, _ in took.values())
    return figure, f"{sum(count for _, count in took.values())} runs, {show.duration(whole)} in all."
