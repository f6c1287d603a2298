"""What a job measured while it ran, read back from its events: one series a metric. Light: no library is loaded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from tools.contract import Frozen, JobEvent

Points = tuple[tuple[int, float], ...]
CURVE = 3  # points that make a curve
LINE = 2  # points of a further series that is shown beside one


class Series(Frozen):
    """One metric over one kind of work. `points` are (step, value) with steps ascending, each once."""

    work: str  # what was being done: "fine-tuning"
    metric: str  # "loss"
    points: Points

    @property
    def steps(self) -> int:
        return self.points[-1][0]


def read_series(job: Path) -> tuple[Series, ...]:
    """The series of all attempts of the job in folder `job`, in the order they began; empty where nothing is a curve.

    An attempt that was resumed goes back to a checkpoint: what it measured replaces what was measured after that.
    """
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for attempt in sorted(job.glob("attempt-*"), key=_number):
        for event in _events(attempt / "events.jsonl"):
            if ": " in event.step:  # a short run that only chose the settings of what came of the job
                continue
            for metric, value in event.metrics.items():
                points = found.setdefault((event.step, metric), [])
                if points and points[-1][0] >= event.done:
                    points[:] = [point for point in points if point[0] < event.done]
                points.append((event.done, value))
    series = [Series(work=work, metric=metric, points=tuple(p)) for (work, metric), p in found.items() if p]
    shown = tuple(one for one in series if len(one.points) >= LINE)
    return shown if any(len(one.points) >= CURVE for one in shown) else ()


def describe(series: Sequence[Series]) -> str:
    """The series in a sentence, for people who do not see the picture. Numbers are those of `ends`."""
    works = {one.work for one in series}
    parts = [(f"{one.work}: " if len(works) > 1 else "") + _told(one) for one in series]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def ends(points: Points) -> tuple[float, float]:
    """Where a series begins and ends: its first and last value, or means of a twentieth of a long one at each end."""
    count = max(1, len(points) // 20)
    first, last = points[:count], points[-count:]
    return sum(value for _, value in first) / count, sum(value for _, value in last) / count


def _told(one: Series) -> str:
    begin, end = ends(one.points)
    name = one.metric.replace("_", " ")
    over = f"over {one.steps:,} steps"
    if abs(end - begin) <= 0.02 * max(abs(begin), abs(end)):
        return f"{name} stayed at about {end:.3g} {over}"
    verb, best, extreme = ("fell", "lowest", min) if end < begin else ("rose", "highest", max)
    step, value = extreme(one.points, key=lambda point: point[1])
    peak = f", {best} {value:.3g} at step {step:,}" if step != one.steps else ""
    return f"{name} {verb} from {begin:.3g} to {end:.3g} {over}{peak}"


def _events(path: Path) -> Iterator[JobEvent]:
    """Progress with metrics; a line that a killed process left unfinished is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    for line in lines:
        if b'"metrics":{"' not in line:
            continue
        try:
            event = JobEvent.model_validate_json(line)
        except ValidationError:
            continue
        if event.kind == "progress":
            yield event


def _number(attempt: Path) -> int:
    number = attempt.name.removeprefix("attempt-")
    return int(number) if number.isdecimal() else 0
