"""What a job's end does to a project: evidence, candidates, data."""

from collections.abc import Mapping
from typing import Any

from agent.lifecycle.events import Event, FinishJob
from agent.lifecycle.project import Evidence, JobPhase, JobState, Project
from tools.contract import Candidate, Dataset, ModelKind, Result

_PHASES: dict[str, JobPhase] = {
    "succeeded": JobPhase.SUCCEEDED,
    "failed": JobPhase.FAILED,
    "cancelled": JobPhase.CANCELLED,
    "crashed": JobPhase.CRASHED,
    "lost": JobPhase.LOST,
    "ready": JobPhase.SERVING,
    "stopped": JobPhase.STOPPED,
}


# What can still be news of a job in a phase; everything else was told before or cannot be.
_NEWS: dict[JobPhase, frozenset[str]] = {
    JobPhase.ACTIVE: frozenset(_PHASES),
    JobPhase.SERVING: frozenset(_PHASES) - {"ready"},
}


def finish_job(project: Project, event: Event, body: FinishJob) -> tuple[Project, str]:
    """The project after a job's end, and the sentence that tells of it."""
    job = project.jobs.get(body.job)
    if job is None or body.attempt != job.attempt or body.outcome not in _NEWS.get(job.phase, frozenset()):
        return project, f"The end of {body.job}, attempt {body.attempt}, is not news; nothing changes."
    ended = job.model_copy(
        update={
            "phase": _PHASES[body.outcome],
            "ended_at": event.at,
            "error": body.error,
            "seconds": body.seconds if body.seconds is not None else job.seconds,
            "endpoint": body.result.endpoint if body.result and body.outcome == "ready" else job.endpoint,
        }
    )
    changes: dict[str, Any] = {"jobs": {**project.jobs, job.id: ended}}
    renamed = ""
    if body.result is not None and body.outcome in ("succeeded", "ready") and job.phase is JobPhase.ACTIVE:
        result = unique_names(project, job, body.result)
        changes |= _harvest(project, event, job, result)
        renamed = _renamed(body.result, result)
    return project.model_copy(update=changes), _told(ended, body) + renamed


def _harvest(project: Project, event: Event, job: JobState, result: Result) -> dict[str, Any]:
    """A result's dataset and candidate are registered, its numbers become evidence."""
    changes: dict[str, Any] = {}
    made: Candidate | None = None
    if result.dataset is not None:
        changes["datasets"] = {**project.datasets, result.dataset.name: result.dataset}
    if result.candidate is not None:
        made = candidate = result.candidate
        changes["candidates"] = {**project.candidates, candidate.name: candidate}
        if candidate.kind is not ModelKind.REWARD:  # a scorer is a means, not what the project goes on with
            changes["current"] = candidate.name
    evidence = Evidence(
        id=f"e{event.seq}",
        run=job.id,
        tool=job.tool,
        stage=project.stage,
        round=project.round,
        at=event.at,
        summary=result.summary,
        model=made.name if made else job.model,
        model_digest=made.digest if made else job.model_digest,
        data=job.data,
        data_digest=job.data_digest,
        data_kind=job.data_kind,
        split=result.split,
        metrics=result.metrics,
        comparisons=result.comparisons,
        facts=result.facts,
    )
    changes["evidence"] = (*project.evidence, evidence)
    return changes


def unique_names(project: Project, job: JobState, result: Result) -> Result:
    """The result with names nothing else holds: lineage leads through models and data, so none is overwritten."""
    changes: dict[str, Any] = {}
    if (made := result.candidate) is not None:
        changes["candidate"] = made.model_copy(update={"job": job.id, "name": _free(project.candidates, made)})
    if (data := result.dataset) is not None:
        changes["dataset"] = data.model_copy(update={"name": _free(project.datasets, data)})
    return result.model_copy(update=changes)


def _free(held: Mapping[str, Candidate] | Mapping[str, Dataset], new: Candidate | Dataset) -> str:
    name, number = new.name, 2
    while name in held and held[name].digest != new.digest:
        name, number = f"{new.name}-{number}", number + 1
    return name


def _renamed(asked: Result, held: Result) -> str:
    pairs = ((asked.candidate, held.candidate), (asked.dataset, held.dataset))
    return "".join(
        f" The name {a.name} is taken, so it is called {b.name}." for a, b in pairs if a and b and a.name != b.name
    )


def _told(job: JobState, body: FinishJob) -> str:
    took = f" after {body.seconds:.0f} s" if body.seconds is not None else ""
    match body.outcome:
        case "succeeded":
            return f"Job {job.id} ({job.tool}) succeeded{took}: {body.result.summary if body.result else ''}"
        case "ready":
            return f"Service {job.id} ({job.tool}) answers{took}: {body.result.summary if body.result else ''}"
        case "stopped":
            return f"Service {job.id} ({job.tool}) is stopped."
        case "cancelled":
            return (
                f"Job {job.id} ({job.tool}) is cancelled; what it saved is kept. `resume {job.id}` goes on from there."
            )
        case "crashed" | "lost":
            return (
                f"Job {job.id} ({job.tool}) {body.outcome}{took}: {body.error or 'Its process ended without a result.'}"
                f" `resume {job.id}` goes on from its last complete checkpoint."
            )
        case _:
            code = f" (error {body.error_id})" if body.error_id else ""
            return f"Job {job.id} ({job.tool}) failed{took}: {body.error or 'no reason was given'}{code}"
