"""The stages as they went, the risks that remain, and samples of answers. Pure functions of the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tools.report import show
from tools.report.snapshot import (
    Project,
    Snapshot,
    newest,
    on_test,
    safety,
    score,
)


@dataclass(frozen=True)
class Step:
    """One stage in the drawing of the life cycle."""

    label: str
    state: str  # "done", "skipped", "waived", "current", "ahead"
    left: datetime | None  # when it was left, the last time
    seconds: float  # wall time of its jobs
    jobs: int
    note: str


def steps(snapshot: Snapshot) -> tuple[Step, ...]:
    project = snapshot.project
    order = list(show.STAGES)
    here = order.index(project.stage)
    found = []
    for place, stage in enumerate(order[:-1]):
        runs = {e.run for e in project.evidence if e.stage == stage}
        took = [j.seconds or 0.0 for j in project.jobs.values() if j.id in runs]
        left = [m.at for m in project.moves if m.origin == stage and order.index(m.target) > place]
        state, note = _state(project, stage, place, here)
        found.append(
            Step(show.STAGES[stage], state, left[-1] if left and place < here else None, sum(took), len(took), note)
        )
    return tuple(found)


def _state(project: Project, stage: str, place: int, here: int) -> tuple[str, str]:
    if place > here:
        return "ahead", ""
    if place == here:
        return "current", ""
    waived = [w for w in project.waivers if w.stage == stage]
    if waived:
        return "waived", "; ".join(f"{w.requirement}: {w.reason}" for w in waived)
    skipped = [s for s in project.skips if s.what == stage]
    return ("skipped", skipped[-1].reason) if skipped else ("done", "")


# --- limits and risks --------------------------------------------------------------------------------------------


def risks(snapshot: Snapshot) -> tuple[str, ...]:
    """What the charter feared, and what the numbers do not say."""
    project, model = snapshot.project, snapshot.model
    found = [
        f"Named in the charter: {part.strip()}." for part in (project.charter.risks or "").split(";") if part.strip()
    ]
    measured = score(project, model) if model else None
    if measured and measured[1].low is not None and measured[1].high is not None and measured[1].n:
        width = 100 * (measured[1].high - measured[1].low)
        found.append(
            f"The score rests on {measured[1].n:,} items of a test set ({project.charter.test_set}); its 95 % interval"
            f" is {width:.1f} points wide, and texts unlike these were not measured."
        )
    served = newest(project, "serve", model) if model else None
    if served is not None:
        found.append("Latency and memory were measured on the machine that wrote this report, one request at a time.")
    safe = safety(project)
    if safe is not None:
        found.append(f"Safety was measured on {safe[1].n} prompts; passing them does not prove harmlessness.")
    if any(s.what == "align" for s in project.skips):
        found.append("The model was not aligned with people's preferences.")
    if model is not None and model.context:
        found.append(f"Texts beyond {model.context:,} tokens are cut.")
    found += [f"Waived: {w.requirement} ({w.reason}; {w.by})." for w in project.waivers]
    warnings = [w for e in project.evidence for w in _texts(e.facts.get("warnings"))]
    return tuple(dict.fromkeys([*found, *warnings]))


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


# --- samples -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    question: str
    wanted: str
    given: str
    right: bool | None
    run: str


_KEYS = {
    "question": ("prompt", "text", "question"),
    "wanted": ("completion", "label", "expected", "wanted", "reference"),
    "given": ("answer", "predicted", "given", "output", "response", "generated", "with"),
}
MOST = 8


def samples(snapshot: Snapshot) -> tuple[Sample, ...]:
    """Answers of the model that goes on, as its runs kept them; the test set's first."""
    project, model = snapshot.project, snapshot.model
    if model is None:
        return ()
    own = [e for e in reversed(project.evidence) if e.model_digest == model.digest]
    found: list[Sample] = []
    for evidence in sorted(own, key=lambda e: not on_test(project, e)):
        held = evidence.facts.get("samples")
        rows = held if isinstance(held, list) else []
        found += [_sample(row, evidence.run) for row in rows if isinstance(row, dict)]
    return tuple(s for s in dict.fromkeys(found) if s.question and s.given)[:MOST]


def _sample(row: Mapping[str, object], run: str) -> Sample:
    values = {field: next((str(row[k]) for k in keys if k in row), "") for field, keys in _KEYS.items()}
    right = row.get("right", row.get("correct"))
    if not isinstance(right, bool):
        right = values["wanted"].strip() == values["given"].strip() if values["wanted"] else None
    return Sample(values["question"], values["wanted"], values["given"], right, run)
