"""One job in full: what it works on, what was planned and what it took, what it measured and made, its last words.

Pure renderings of the project, the job as seen now, and what its own side left (`JobRecord`).
"""

from collections.abc import Iterator

from agent.lifecycle.evidence import show_comparison, show_metric
from agent.lifecycle.project import Evidence, JobPhase, JobState, Project
from agent.markdown import cell, duration, moment, setting, short, size
from agent.price import Price
from agent.status import JobView
from tools.contract import Artefact, Frozen, Plan, Tool

LINES = 15  # of the log among the details
LOG_LINES, LOG_CHARACTERS, LINE_CHARACTERS = 40, 6000, 240
METRICS = 8  # numbers of an evidence shown
_FAR = 2.0  # times the planned seconds from which that is worth a line
_SHORT = 30.0  # seconds below which a plan is not held to account
_MENDABLE = (JobPhase.FAILED, JobPhase.CANCELLED, JobPhase.CRASHED, JobPhase.LOST, JobPhase.STOPPED)


class JobRecord(Frozen):
    """What a job's own side left, fit to be shown: `log` without secrets, oldest line first."""

    log: tuple[str, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    error_id: str | None = None
    peak_memory: int | None = None  # bytes


def details(
    project: Project,
    job: JobState,
    view: JobView,
    tool: Tool | None,
    plan: Plan | None,
    record: JobRecord,
    price: Price | None = None,
) -> str:
    """Everything about a job, as Markdown. `plan` is what it was expected to take, where that can still be told."""
    lines = [
        f"**{job.id} {view.title}: {_state(job, view)}**",
        "",
        f"- Asked by {job.requested_by}, {moment(job.requested_at)}{_attempt(job)}.",
        *(f"- {name}: {what}" for name, what in _inputs(project, job, tool)),
        *_parameters(job, tool),
        *_time(view, plan, record, price),
        *_measured(project, job, view),
        *_made(project, job, record),
        *_mending(job, record),
    ]
    tail = fenced(record.log, LINES)
    return "\n".join(lines) + (f"\n\nIts last lines (`logs {job.id}` shows more):\n\n{tail}" if tail else "")


def log(job: JobState, record: JobRecord) -> str:
    """The end of what a job printed, as Markdown."""
    tail = fenced(record.log, LOG_LINES)
    if not tail:
        return f"Job {job.id} ({job.tool}) has printed nothing{' yet' if job.phase is JobPhase.ACTIVE else ''}."
    return f"**The last lines of {job.id} ({job.tool})**\n\n{tail}"


def fenced(lines: tuple[str, ...], most: int) -> str:
    """The last lines as a block of code that nothing in them can end; empty where there are none."""
    kept: list[str] = []
    room = LOG_CHARACTERS
    for line in reversed(lines[-most:]):
        shown = line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…"
        room -= len(shown) + 1
        if room < 0:
            break
        kept.append(shown.replace("```", "ˋˋˋ"))
    return "\n".join(["```", *reversed(kept), "```"]) if kept else ""


def _state(job: JobState, view: JobView) -> str:
    if job.phase is JobPhase.SERVING:
        return f"serving at {job.endpoint}" if job.endpoint else "serving"
    if job.phase is not JobPhase.ACTIVE:
        return job.phase.value
    if not view.step:
        return "accepted, not begun"
    share = f" {view.done:,}/{view.total:,}" if view.total else ""
    return f"{cell(view.step)}{share}"


def _attempt(job: JobState) -> str:
    ended = f", ended {moment(job.ended_at)}" if job.ended_at and job.phase is not JobPhase.ACTIVE else ""
    return ended + (f", attempt {job.attempt}" if job.attempt > 1 else "")


def _inputs(project: Project, job: JobState, tool: Tool | None) -> Iterator[tuple[str, str]]:
    """Each model and data set by name and digest: of what the job was given, not of what has the name by now."""
    held = {
        **{field: {c.name: c.digest for c in project.candidates.values()} for field in (tool.models if tool else ())},
        **{field: {d.name: d.digest for d in project.datasets.values()} for field in (tool.datasets if tool else ())},
    }
    given = {job.model: job.model_digest, job.data: job.data_digest}
    for field, known in held.items():
        name = job.params.get(field)
        if isinstance(name, str) and name:
            digest = given.get(name) or known.get(name)
            yield field, f"{cell(name)}{f' ({short(digest)})' if digest else ''}"


def _parameters(job: JobState, tool: Tool | None) -> Iterator[str]:
    named = {*tool.models, *tool.datasets} if tool else set()
    shown = {name: value for name, value in job.params.items() if name not in named and value not in (None, "")}
    if shown:
        yield "- parameters: " + ", ".join(f"{name}={cell(setting(value))}" for name, value in shown.items())


def _time(view: JobView, plan: Plan | None, record: JobRecord, price: Price | None) -> Iterator[str]:
    planned = f"planned about {duration(plan.seconds)}, {size(plan.memory_bytes)} of memory" if plan else ""
    took = f"{'so far' if view.phase == JobPhase.ACTIVE else 'took'} {duration(view.seconds)}" if view.seconds else ""
    peak = f"{size(record.peak_memory)} at most" if record.peak_memory else ""
    cost = price.of(view.seconds) if price and view.seconds and view.phase != JobPhase.ACTIVE else ""
    actual = ", ".join(part for part in (took, peak, cost) if part)
    if planned or actual:
        yield "- time: " + "; ".join(part for part in (planned, _expected(view), actual) if part)
    if plan and (view.expected_seconds or 0) > _FAR * max(plan.seconds, _SHORT):
        yield f"- it takes far longer than planned: `cancel {view.id}` keeps its checkpoint, or let it go on"


def _expected(view: JobView) -> str:
    """What its smoke run, the first of its own steps, says of the whole."""
    if view.expected_seconds is None:
        return ""
    memory = f", {size(view.expected_memory)}" if view.expected_memory else ""
    return f"as its first steps show, about {duration(view.expected_seconds)} in all{memory}"


def _measured(project: Project, job: JobState, view: JobView) -> Iterator[str]:
    if view.metrics:
        yield "- latest: " + ", ".join(f"{name} {value:.4g}" for name, value in view.metrics.items())
    for evidence in (e for e in project.evidence if e.run == job.id):
        yield f"- evidence {evidence.id}: {cell(evidence.summary)}{_numbers(evidence)}"


def _numbers(evidence: Evidence) -> str:
    shown = [f"{m.name} {show_metric(m)}" for m in evidence.metrics[:METRICS]]
    shown += [f"{c.metric} against {c.baseline} {show_comparison(c)}" for c in evidence.comparisons]
    return f" ({'; '.join(shown)})" if shown else ""


def _made(project: Project, job: JobState, record: JobRecord) -> Iterator[str]:
    for made in (c for c in project.candidates.values() if c.job == job.id):
        yield f"- made model {made.name} ({made.method}, {size(made.bytes)}; {short(made.digest)})"
    for artefact in record.artefacts:
        about = f"{artefact.kind} {artefact.path}, {size(artefact.bytes)}; {short(artefact.digest)}"
        yield f"- artefact {cell(artefact.name)}: {about}"


def _mending(job: JobState, record: JobRecord) -> Iterator[str]:
    """What went wrong, and what to do about it."""
    if job.error:
        code = f" ({record.error_id})" if record.error_id else ""
        yield f"- error{code}: {job.error}"
    if job.phase in _MENDABLE:
        again = f"`resume {job.id}` goes on from its last complete checkpoint"
        yield f"- what to do: {again}; a new `{job.tool} …` starts afresh."
