"""Where a project is: its stage and gate, what runs, which approval waits."""

from collections.abc import Sequence

from agent.lifecycle import looks
from agent.lifecycle.approvals import stale
from agent.lifecycle.gates import Gate, Requirement, gate
from agent.lifecycle.project import Approval, JobPhase, Project
from agent.lifecycle.stages import Stage, label
from agent.markdown import duration, moment, table
from agent.measured import show_score
from agent.status.model import JobView


def where(project: Project, jobs: Sequence[JobView] = ()) -> str:
    model = project.model
    lines = [f"**{project.name}** is at **{label(project.stage)}**, round {project.round}."]
    if model is None:
        lines.append("- Model: none yet.")
    else:
        origin = f", made from {model.parent}" if model.parent else ""
        lines.append(f"- Model: {model.name} ({model.method}{origin}): {show_score(project, model)}.")
    lines.append(f"- {_gate_line(gate(project))}")
    lines += [f"- {_running(job)}" for job in _live(project, jobs)]
    if project.approval is not None:
        lines.append(f"- {waiting_line(project, project.approval)}")
    return "\n".join(lines)


def _gate_line(found: Gate) -> str:
    if found.stage is Stage.LAUNCHED:
        return "The product is live; `go back to STAGE because …` begins another round."
    if found.open:
        return "Gate: open; `advance` leaves the stage."
    wanted = "; ".join(f"{r.title.lower()} (found: {r.found}; wanted: {r.wanted})" for r in found.missing)
    return f"Gate: {len(found.missing)} of {len(found.requirements)} still missing: {wanted}."


def _live(project: Project, jobs: Sequence[JobView]) -> list[JobView]:
    """The active jobs, with their progress where it is known."""
    views = {view.id: view for view in jobs}
    return [
        views.get(job.id)
        or JobView(
            id=job.id,
            tool=job.tool,
            title=job.tool,
            project=project.id,
            phase=job.phase,
            attempt=job.attempt,
            requested_by=job.requested_by,
        )
        for job in project.active_jobs()
    ]


def _running(job: JobView) -> str:
    if job.phase == JobPhase.SERVING:
        return f"Serving: {job.id} {job.title}."
    step = f": {job.step}" if job.step else ""
    share = f" {job.done}/{job.total}" if job.total else ""
    took = f", {duration(job.seconds)}" if job.seconds is not None else ""
    return f"Running: {job.id} {job.title} (asked by {job.requested_by}){step}{share}{took}."


def waiting_line(project: Project, approval: Approval) -> str:
    if stale(project, gate(project)):
        return f"Waiting: approval {approval.number}, but what it asked for has changed since: `advance` asks again."
    votes = f", approved so far by {', '.join(v.by for v in approval.votes)}" if approval.votes else ""
    return (
        f"Waiting: approval {approval.number} for leaving {label(approval.stage)}, asked by {approval.asked_by},"
        f" until {moment(approval.expires_at)}{votes}:"
        f" `approve {approval.number}` or `reject {approval.number} because …`."
    )


# --- the gate ----------------------------------------------------------------------------------------------------


def gate_card(project: Project) -> str:
    """Each requirement: met, missing or waived; found against wanted; the evidence it was read from."""
    found = gate(project)
    if project.stage is Stage.LAUNCHED:
        return _gate_line(found)
    state = "open" if found.open else "closed"
    runs = {e.id: e.run for e in project.evidence}
    rows = [
        (_mark(r), f"{r.title} (`{r.id}`)", r.found, r.wanted, ", ".join(f"{e}, run {runs[e]}" for e in r.evidence))
        for r in found.requirements
    ]
    waived = [f"- `{r.id}` is waived: {r.waived}" for r in found.requirements if r.waived]
    card = table(("", "Requirement", "Found", "Wanted", "Evidence"), rows)
    spent = looks.said(project)
    notes = [*waived, *([f"- {spent}"] if spent else [])]
    return "\n".join([f"**Gate of {label(found.stage)}: {state}**", "", card, *([""] if notes else []), *notes])


def _mark(requirement: Requirement) -> str:
    if requirement.met:
        return "✓ met"
    return "~ waived" if requirement.waived else "✗ missing"
