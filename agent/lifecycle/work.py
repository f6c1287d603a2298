"""Jobs are started, cancelled, resumed, and end."""

from agent.lifecycle.decision import Decision, Effect, Refused, accept
from agent.lifecycle.events import CancelJob, Event, FinishJob, ResumeJob, StartJob
from agent.lifecycle.jobs import finish_job
from agent.lifecycle.project import JobPhase, JobState, Project
from agent.lifecycle.recommendations import advice_after
from agent.lifecycle.resolve import Catalogue, clash, find_job, resolve
from tools.contract import Spec


def start(project: Project, event: Event, body: StartJob, catalogue: Catalogue) -> Decision:
    resolved = resolve(project, catalogue, body.tool, body.params)
    tool = catalogue[body.tool]
    if reason := clash(project, tool, resolved.params):
        raise Refused(reason)
    model = next(iter(resolved.inputs.models.values()), None)
    data = next(iter(resolved.inputs.data.values()), None)
    job = JobState(
        id=f"j{event.seq}",
        tool=tool.name,
        params=resolved.params,
        phase=JobPhase.ACTIVE,
        requested_by=event.actor,
        requested_at=event.at,
        model=model.name if model else None,
        model_digest=model.digest if model else None,
        data=data.name if data else None,
        data_digest=data.digest if data else None,
        data_kind=data.kind if data else None,
    )
    seed = resolved.params.get("seed")
    spec = Spec(
        job=job.id,
        tool=tool.name,
        params=resolved.params,
        inputs=resolved.inputs,
        seed=seed if isinstance(seed, int) else 7,
    )
    return accept(
        project,
        f"Job {job.id} ({tool.title}) is accepted.",
        Effect(kind="submit_job", job=job.id, spec=spec),
        jobs={**project.jobs, job.id: job},
    )


def finish(project: Project, event: Event, body: FinishJob) -> Decision:
    changed, said = finish_job(project, event, body)
    advice = advice_after(changed, body.job) if changed is not project else None
    if advice is not None:
        job = changed.jobs[body.job].model_copy(update={"advice": advice})
        changed = changed.model_copy(update={"jobs": {**changed.jobs, job.id: job}})
    return Decision(project=changed, accepted=True, said=said, advice=advice)


def cancel(project: Project, event: Event, body: CancelJob) -> Decision:
    job = find_job(project, body.job)
    if job.phase not in (JobPhase.ACTIVE, JobPhase.SERVING):
        raise Refused(f"Job {job.id} does not run any more: {job.phase}.")
    verb = "stop" if job.phase is JobPhase.SERVING else "save what it has and stop"
    effect = Effect(kind="cancel_job", job=job.id, attempt=job.attempt, by=event.actor)
    return accept(project, f"Job {job.id} is asked to {verb}.", effect)


def resume(project: Project, event: Event, body: ResumeJob) -> Decision:
    job = find_job(project, body.job)
    if job.phase in (JobPhase.ACTIVE, JobPhase.SERVING, JobPhase.SUCCEEDED):
        raise Refused(f"Job {job.id} cannot be resumed: it is {job.phase}.")
    changes = {"phase": JobPhase.ACTIVE, "attempt": job.attempt + 1, "error": None, "advice": None}
    again = job.model_copy(update=changes)
    return accept(
        project,
        f"Job {job.id} goes on from its last complete checkpoint (attempt {again.attempt}).",
        Effect(kind="resume_job", job=job.id, attempt=again.attempt, by=event.actor),
        jobs={**project.jobs, job.id: again},
    )
