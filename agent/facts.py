"""What a project's state says, as short texts under fixed keys: what the knowledge store is told of it. Pure.

A key is for ever: `charter`, `choice`, `move/2`, `skip/1`, `waiver/1`, `evidence/e12`, `job/j7`, `approval/31`,
`answer/12`. A text
holds what the state holds and neither the time of reading nor a job's live progress, so it changes only by an event.
"""

from agent.lifecycle.evidence import show_comparison, show_metric
from agent.lifecycle.gates import CHARTER_FIELDS
from agent.lifecycle.project import Approval, Choice, Correction, Evidence, JobState, Move, Project, Skip, Waiver
from agent.lifecycle.stages import label
from agent.markdown import duration, moment


def facts(project: Project) -> dict[str, str]:
    """Every text of a project by its key."""
    found = {"charter": _charter(project)}
    if project.choice is not None:
        found["choice"] = _choice(project, project.choice)
    found |= {f"move/{n}": _move(project, move) for n, move in enumerate(project.moves, 1)}
    found |= {f"skip/{n}": _skip(project, skip) for n, skip in enumerate(project.skips, 1)}
    found |= {f"waiver/{n}": _waiver(project, waiver) for n, waiver in enumerate(project.waivers, 1)}
    found |= {f"evidence/{item.id}": _evidence(project, item) for item in project.evidence}
    found |= {f"job/{job.id}": _job(project, job) for job in project.jobs.values()}
    approvals = (*project.decided, *((project.approval,) if project.approval else ()))
    found |= {f"answer/{one.number}": pinned(project, one) for one in project.corrections if one.outcome == "pinned"}
    return found | {f"approval/{item.number}": _approval(project, item) for item in approvals}


def pinned(project: Project, item: Correction) -> str:
    """A pinned answer with its question above it."""
    when = f" on {moment(item.decided_at)}" if item.decided_at else ""
    return f"# {item.question}\n\n{item.text}\n\nPinned in {project.name} by {item.decided_by}{when}."


def _charter(project: Project) -> str:
    held = {name: getattr(project.charter, name) for name in CHARTER_FIELDS}
    lines = [f"- {asked}: {held[name]}" for name, asked in CHARTER_FIELDS.items() if held[name] is not None]
    return "\n".join([f"# Charter of {project.name}", "", *(lines or ["Nothing is settled yet."])])


def _choice(project: Project, choice: Choice) -> str:
    return (
        f"# Model chosen in {project.name}\n\n{choice.by} chose the model {choice.model} for {project.name}"
        f" on {moment(choice.at)}. The reason: {choice.reason}"
    )


def _move(project: Project, move: Move) -> str:
    model = f" The model was {move.model}." if move.model else ""
    why = f" The reason: {move.reason}" if move.reason else ""
    return (
        f"# {project.name} moved to {label(move.target)}\n\n{move.by} moved {project.name} from {label(move.origin)}"
        f" to {label(move.target)} on {moment(move.at)}, in round {move.round}.{model}{why}"
    )


def _skip(project: Project, skip: Skip) -> str:
    return (
        f"# {project.name} goes without {skip.what}\n\n{skip.by} decided on {moment(skip.at)}, in round {skip.round},"
        f" that {project.name} goes without {skip.what}. The reason: {skip.reason}"
    )


def _waiver(project: Project, waiver: Waiver) -> str:
    return (
        f"# {waiver.requirement} is waived in {project.name}\n\n{waiver.by} waived the requirement"
        f" {waiver.requirement} at {label(waiver.stage)} on {moment(waiver.at)}, in round {waiver.round}."
        f" The reason: {waiver.reason}"
    )


def _evidence(project: Project, item: Evidence) -> str:
    measured = [f"- {metric.name}: {show_metric(metric)}" for metric in item.metrics]
    measured += [f"- {c.metric} against {c.baseline}: {show_comparison(c)}" for c in item.comparisons]
    model = f" of {item.model}" if item.model else ""
    data = f" on {item.data} {item.split}".rstrip() if item.data else ""
    head = f"# Evidence {item.id} of {project.name}: {item.tool}{model}"
    told = (
        f"Run {item.run} measured this{data} on {moment(item.at)}, at {label(item.stage)}, in round {item.round}."
        f" {item.summary}"
    )
    return "\n\n".join([head, told, *(["\n".join(measured)] if measured else [])])


def _job(project: Project, job: JobState) -> str:
    took = f" after {duration(job.seconds)}" if job.seconds is not None else ""
    when = f" on {moment(job.ended_at)}" if job.ended_at else ""
    about = [f" The model was {job.model}." if job.model else "", f" The data was {job.data}." if job.data else ""]
    error = f" {job.error}" if job.error else ""
    return (
        f"# Job {job.id} of {project.name}: {job.tool}\n\n{job.requested_by} asked for the job {job.id} ({job.tool})"
        f" on {moment(job.requested_at)}. It is {job.phase.value}{took}{when}.{''.join(about)}{error}"
    )


def _approval(project: Project, item: Approval) -> str:
    votes = ", ".join(vote.by for vote in item.votes)
    told = f" Approved by {votes}." if votes else ""
    decided = f" It was {item.outcome} on {moment(item.decided_at)}." if item.decided_at else " It is waiting."
    by = f" Decided by {item.decided_by}." if item.decided_by and item.decided_by != votes else ""
    why = f" The reason: {item.reason}" if item.reason else ""
    return (
        f"# Approval {item.number} of {project.name}: leaving {label(item.stage)}\n\n{item.asked_by} asked on"
        f" {moment(item.asked_at)} to leave {label(item.stage)}.{decided}{told}{by}{why}"
    )
