"""Jobs as people see them: the life cycle's record joined with live progress."""

from collections.abc import Mapping
from datetime import datetime

from agent.lifecycle.project import JobPhase, JobState, Project
from agent.status import JobView
from tools.contract import JobEvent, Tool


def job_views(
    project: Project, progress: Mapping[str, JobEvent | None], catalogue: Mapping[str, Tool], now: datetime
) -> tuple[JobView, ...]:
    """Every job of the project, newest first."""
    return tuple(
        _view(project, job, progress.get(job.id), catalogue, now) for job in reversed(list(project.jobs.values()))
    )


def _view(
    project: Project, job: JobState, event: JobEvent | None, catalogue: Mapping[str, Tool], now: datetime
) -> JobView:
    tool = catalogue.get(job.tool)
    running = job.phase in (JobPhase.ACTIVE, JobPhase.SERVING)
    return JobView(
        id=job.id,
        tool=job.tool,
        title=tool.title if tool else job.tool,
        project=project.name,
        phase=job.phase.value,
        attempt=job.attempt,
        requested_by=job.requested_by,
        step=event.step if event and running else "",
        done=event.done if event and running else 0,
        total=event.total if event and running else 0,
        metrics=event.metrics if event and running else {},
        expected_seconds=event.expected_seconds if event and running else None,
        expected_memory=event.expected_memory if event and running else None,
        seconds=(now - job.requested_at).total_seconds() if running else job.seconds,
        error=job.error,
    )
