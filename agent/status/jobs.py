"""The jobs of a project."""

from collections.abc import Sequence

from agent.lifecycle.project import JobPhase, JobState, Project
from agent.markdown import duration, table
from agent.status.model import JobKind, JobView, Narrowed
from agent.status.period import Period

_AT_WORK = (JobPhase.ACTIVE, JobPhase.SERVING)
_KINDS: dict[JobKind, tuple[JobPhase, ...]] = {
    "running": (JobPhase.ACTIVE, JobPhase.SERVING),
    "serving": (JobPhase.SERVING,),
    "succeeded": (JobPhase.SUCCEEDED,),
    "failed": (JobPhase.FAILED, JobPhase.CRASHED, JobPhase.LOST),
    "cancelled": (JobPhase.CANCELLED,),
    "stopped": (JobPhase.STOPPED,),
}


def narrowed(project: Project, wanted: Narrowed) -> Project:
    """The project with those jobs only that are wanted."""
    jobs = {job.id: job for job in project.jobs.values() if _fits(job, wanted)}
    return project.model_copy(update={"jobs": jobs})


def _fits(job: JobState, wanted: Narrowed) -> bool:
    if wanted.state is not None and job.phase not in _KINDS[wanted.state]:
        return False
    if wanted.period is None:
        return True
    # What failed this week ended in it; what ran this week may have begun before or go on after.
    ended = wanted.state not in (None, "running", "serving")
    return wanted.period.holds(job.ended_at) if ended else _ran_in(job, wanted.period)


def _ran_in(job: JobState, period: Period) -> bool:
    return job.requested_at < period.end and (job.ended_at is None or job.ended_at >= period.start)


def jobs_by_state(project: Project, jobs: Sequence[JobView] = (), wanted: Narrowed | None = None) -> str:
    """Every job that is wanted, the ones at work first, then the newest."""
    wanted = wanted or Narrowed()
    asked = [part for part in (wanted.state, wanted.period and wanted.period.shown()) if part]
    shown = _table(narrowed(project, wanted), jobs)
    if not shown and asked and project.jobs:
        return f"No job is like that ({', '.join(asked)}); `jobs` lists all {len(project.jobs)}."
    head = f"**Jobs** ({', '.join(asked)})" if asked else "**Jobs**"
    return f"{head}\n\n{shown}" if shown else "There are no jobs yet."


def _table(project: Project, jobs: Sequence[JobView]) -> str:
    views = {view.id: view for view in jobs}
    states = sorted(project.jobs.values(), key=lambda j: (j.phase not in _AT_WORK, -int(j.id.removeprefix("j"))))
    rows = []
    for job in states:
        view = views.get(job.id)
        seconds = job.seconds if job.seconds is not None else (view.seconds if view else None)
        progress = f"{view.step} {view.done}/{view.total}" if view and view.total and job.phase in _AT_WORK else ""
        note = job.error or job.endpoint or progress
        took = duration(seconds) if seconds is not None else ""
        rows.append((job.id, job.tool, job.phase.value, job.model or "", job.requested_by, took, note))
    return table(("Job", "Tool", "State", "Model", "Asked by", "Time", "Note"), rows)
