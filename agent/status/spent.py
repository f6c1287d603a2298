"""What a project has taken so far: the calendar and the machine, beside what its charter allows."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from agent.lifecycle.project import JobPhase, Project
from agent.lifecycle.stages import Stage, label
from agent.markdown import duration, table
from agent.price import Price
from agent.status.jobs import narrowed
from agent.status.model import JobView, Narrowed

_AT_WORK = (JobPhase.ACTIVE,)


def spent(
    project: Project,
    jobs: Sequence[JobView] = (),
    now: datetime | None = None,
    wanted: Narrowed | None = None,
    price: Price | None = None,
) -> str:
    """Time by stage and by tool. A stage's days run from the move into it to the move out; a job's time is its own.

    Where a period is wanted, the jobs that ran in it count, each with its whole time.
    """
    if wanted is not None and wanted.period is not None:
        machine = _machine(narrowed(project, wanted), jobs, price)
        return f"**Spent by the jobs that ran {wanted.period.shown()}**\n\n{machine}"
    parts = [_calendar(project, now), _machine(project, jobs, price)]
    allowed = project.charter.cost
    parts.append(f"The charter allows: {allowed}." if allowed else "The charter says nothing of cost.")
    return "**Spent**\n\n" + "\n\n".join(part for part in parts if part)


def _calendar(project: Project, now: datetime | None) -> str:
    taken: Counter[Stage] = Counter()
    entered, stage = project.created_at, Stage.SCOPE
    for move in project.moves:
        taken[stage] += round((move.at - entered).total_seconds())
        entered, stage = move.at, move.target
    if now is not None and stage is not Stage.LAUNCHED:
        taken[stage] += max(0, round((now - entered).total_seconds()))
    rows = [(label(stage), duration(seconds)) for stage, seconds in taken.items()]
    return table(("Stage", "Calendar time"), rows)


def _machine(project: Project, jobs: Sequence[JobView], price: Price | None) -> str:
    live = {view.id: view.seconds for view in jobs}
    seconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for job in project.jobs.values():
        took = live.get(job.id) if job.phase in _AT_WORK else job.seconds
        seconds[job.tool] += round(took or 0)
        count[job.tool] += 1
    if not count:
        return "No job has run yet."
    rows = [(tool, count[tool], total) for tool, total in seconds.most_common()]
    rows.append(("in all", sum(count.values()), sum(seconds.values())))
    shown = [(tool, n, duration(total), *([price.of(total)] if price else [])) for tool, n, total in rows]
    return table(("Tool", "Jobs", "Machine time", *(["Cost"] if price else [])), shown)
