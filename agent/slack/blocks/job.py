"""A job as a card, updated in place, and the line that tells its end."""

import math
from collections.abc import Sequence

from agent.lifecycle.evidence import show_comparison, show_metric
from agent.lifecycle.project import Advice, Evidence, JobPhase
from agent.markdown import duration, size
from agent.slack import sanitize
from agent.slack.blocks.advice import next_block
from agent.slack.blocks.elements import (
    Piece,
    actions,
    context,
    fit,
    named,
    paragraph,
    rich_text,
    say,
    section,
)
from agent.slack.model import Block, Names, Rendered
from agent.status import JobView

BAR = 20  # signs of a progress bar
MOST_METRICS = 6
MOST_STEPS = 20
_LONGEST_TIME = 365 * 86_400  # seconds; a guess beyond says nothing

_STATES: dict[str, tuple[str, str]] = {  # phase: how it is said, and the status of a task card
    JobPhase.ACTIVE: ("running", "in_progress"),
    JobPhase.SERVING: ("serving", "in_progress"),
    JobPhase.SUCCEEDED: ("done", "complete"),
    JobPhase.FAILED: ("failed", "error"),
    JobPhase.CANCELLED: ("cancelled", "error"),
    JobPhase.CRASHED: ("crashed", "error"),
    JobPhase.LOST: ("lost", "error"),
    JobPhase.STOPPED: ("stopped", "complete"),
}
_RESUMABLE = frozenset({JobPhase.FAILED, JobPhase.CANCELLED, JobPhase.CRASHED, JobPhase.LOST})
_LIVE = frozenset({JobPhase.ACTIVE, JobPhase.SERVING})


def job_card(
    view: JobView,
    *,
    project_id: str | None = None,
    steps: Sequence[str] = (),
    evidence: Evidence | None = None,
    advice: Advice | None = None,
    names: Names | None = None,
) -> Rendered:
    """A plan with the job's steps, who asked, buttons for what can be done now, and once it has ended what is next.

    `steps` are the steps seen before `view.step`, in order; `evidence` is what the ended job measured; `project_id`
    goes into the buttons (`view.project` is a name).
    """
    title = f"{_title(view)}: {state(view)}"
    blocks: list[Block] = [_plan(view, title, steps)]
    if (found := outcome(view, evidence)) and not view.error:
        blocks.append(section(sanitize.label(found, 400)))  # in a plan it would be folded away
    blocks.append(context(_asked(view, names)))
    blocks.append(actions(buttons(view, project_id)))
    if advice is not None:
        blocks.append(next_block(project_id, advice, f"next:{view.id}"))
    return Rendered(text=sanitize.label(_in_words(view, title, evidence), 280), blocks=tuple(blocks))


def ended_line(
    view: JobView, *, evidence: Evidence | None = None, advice: Advice | None = None, names: Names | None = None
) -> Rendered:
    """A short line that a job has ended, with its main number or why it failed, and what is next."""
    found = outcome(view, evidence)
    took = f" in {lasted}" if (lasted := _lasted(view)) else ""
    said = f"{_title(view)}: {state(view)}{took}" + (f". {found}" if found else "")
    shown = fit(f"*{named(view.id, None)}* {named(view.title, names, 120)}: {state(view)}{took}", 400)
    rest = f". {sanitize.label(found, 400)}" if found else ""
    then = f"\nNext: {named(advice.title, None, 100)}\n{named(advice.reason, None, 400)}" if advice is not None else ""
    return Rendered(text=sanitize.label(said, 280), blocks=(context(shown + rest + then),))


def state(view: JobView) -> str:
    """In a word; an active job without a step is still waiting for its turn."""
    if view.phase == JobPhase.ACTIVE and not (view.step or view.done or view.total):
        return "starting"
    return _STATES.get(view.phase, (sanitize.line(view.phase, 20), ""))[0]


def bar(view: JobView) -> str:
    """`▓▓▓▓▓░░░░░ 42 %`; empty where the total is not known."""
    if view.total <= 0:
        return ""
    share = min(1.0, max(0, view.done) / view.total)
    full = int(share * BAR)
    return f"{'▓' * full}{'░' * (BAR - full)} {math.floor(share * 100)} %"


def pace(view: JobView) -> str:
    """Steps done, how fast, and the time left at that pace."""
    if view.total <= 0:
        return ""
    parts = [f"{max(0, view.done)} of {view.total}"]
    if _lasted(view) and view.seconds and view.done > 0:
        rate = view.done / view.seconds
        parts.append(f"{rate:.3g}/s" if rate >= 1 else f"{rate * 60:.3g}/min")
        left = (view.total - view.done) / rate
        if 0 < left < _LONGEST_TIME:
            parts.append(f"about {duration(left)} left")
    return " · ".join(parts)


def expected(view: JobView) -> str:
    """What the smoke run, the job's own first steps, says of the whole."""
    if view.expected_seconds is None or not 0 < view.expected_seconds < _LONGEST_TIME:
        return ""
    memory = f" and {size(view.expected_memory)} of memory" if view.expected_memory else ""
    return f"by its first steps: {duration(view.expected_seconds)} in all{memory}"


def numbers(view: JobView) -> str:
    """The latest metrics, those that are numbers."""
    shown = [(name, value) for name, value in view.metrics.items() if math.isfinite(value)]
    return " · ".join(f"{sanitize.line(name, 40)} {value:.4g}" for name, value in shown[:MOST_METRICS])


def outcome(view: JobView, evidence: Evidence | None) -> str:
    """What the ended job found, or why it did not: one line."""
    if view.error:
        return sanitize.line(view.error, 400)
    if evidence is None:
        return ""
    first = next(iter(evidence.metrics), None)
    measured = f"{first.name} {show_metric(first)}" if first else ""
    compared = [f"{c.metric} against {c.baseline} {show_comparison(c)}" for c in evidence.comparisons[:2]]
    found = " ".join(part for part in [evidence.summary, "; ".join(compared)] if part) or measured
    return sanitize.line(f"{found} ({evidence.id})", 400)


def buttons(view: JobView, project_id: str | None) -> list[Piece]:
    """Cancel where it runs, Resume where that makes sense, Details always."""
    shown: list[Piece] = []
    if view.phase in _LIVE:
        verb = "Stop" if view.phase == JobPhase.SERVING else "Cancel"
        shown.append(say(verb, f"cancel:{view.id}", f"cancel {view.id}", project=project_id, style="danger"))
    if view.phase in _RESUMABLE:
        shown.append(say("Resume", f"resume:{view.id}", f"resume {view.id}", project=project_id, style="primary"))
    shown.append(say("Details", f"job:{view.id}", f"job {view.id}", project=project_id))
    return shown


# --- the plan ----------------------------------------------------------------------------------------------------


def _plan(view: JobView, title: str, steps: Sequence[str]) -> Block:
    """One task a step; the last one carries the progress, or why it failed."""
    status = _STATES.get(view.phase, ("", "in_progress"))[1]
    earlier = [step for step in dict.fromkeys(steps) if step and step != view.step][-MOST_STEPS:]
    tasks = [_task(f"{number}", step, "complete") for number, step in enumerate(earlier, 1)]
    if view.phase in _LIVE:
        waiting = state(view) == "starting"
        current = view.step or ("Waiting for its turn" if waiting else state(view).capitalize())
        details = [line for line in (bar(view), pace(view), numbers(view), expected(view)) if line]
        tasks.append(_task("now", current, "pending" if waiting else status, details=details))
    else:
        failed = [outcome(view, None)] if view.error else []
        tasks.append(_task("end", state(view).capitalize(), status, output=failed))
    return {"type": "plan", "title": sanitize.line(title, 150), "tasks": [*tasks]}


def _task(name: str, title: str, status: str, *, details: Sequence[str] = (), output: Sequence[str] = ()) -> Piece:
    task: Piece = {"type": "task_card", "task_id": name, "title": sanitize.line(title, 150), "status": status}
    if details:
        task["details"] = rich_text(paragraph("\n".join(details)))
    if output:
        task["output"] = rich_text(paragraph("\n".join(output)))
    return task


def _title(view: JobView) -> str:
    return f"{sanitize.line(view.id, 20)} {sanitize.line(view.title, 90)}"


def _asked(view: JobView, names: Names | None) -> str:
    parts = [named(view.project, names), f"asked by {named(view.requested_by, names)}"]
    if view.attempt > 1:
        parts.append(f"attempt {view.attempt}")
    if lasted := _lasted(view):
        parts.append(f"{lasted}{' so far' if view.phase in _LIVE else ''}")
    return " · ".join(parts)


def _in_words(view: JobView, title: str, evidence: Evidence | None) -> str:
    if view.phase in _LIVE:
        return " · ".join(part for part in (title, view.step, pace(view)) if part)
    return ". ".join(part for part in (title, outcome(view, evidence)) if part)


def _lasted(view: JobView) -> str:
    """The wall time so far or in all; empty where it is not known or no time at all."""
    seconds = view.seconds
    known = seconds is not None and math.isfinite(seconds) and 0 <= seconds < _LONGEST_TIME
    return duration(seconds) if known and seconds is not None else ""
