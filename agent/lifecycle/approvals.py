"""Approvals: what exactly is approved, by whom, until when."""

from datetime import datetime, timedelta

from agent.lifecycle.events import Event
from agent.lifecycle.gates import Gate
from agent.lifecycle.project import Approval, Project
from agent.lifecycle.stages import Stage
from tools import digest as digests


def subject(project: Project, gate: Gate) -> dict[str, object]:
    """What an approval binds: the stage, the evidence its gate reads, the artefact and the parameters.

    The scope is approved without a model: one made meanwhile changes nothing of it. Wordings that the program
    chooses are left out, so that a new version of it does not make approvals stale.
    """
    used = {evidence for r in gate.requirements for evidence in r.evidence}
    model = project.model if project.stage is not Stage.SCOPE else None
    return {
        "stage": project.stage.value,
        "round": project.round,
        "charter": project.charter.model_dump(mode="json"),
        "model": [model.name, model.digest] if model else None,
        "requirements": [[r.id, r.met, r.waived, list(r.evidence)] for r in gate.requirements],
        "evidence": [e.model_dump(mode="json") for e in project.evidence if e.id in used],
    }


def digest(project: Project, gate: Gate) -> str:
    return digests.of_json(subject(project, gate))


def stale(project: Project, gate: Gate) -> bool:
    """Whether what the waiting approval was asked for has changed since."""
    return project.approval is not None and project.approval.digest != digest(project, gate)


def ask(project: Project, gate: Gate, event: Event) -> Approval:
    """The question put to people when a gate is open and a person must answer for the step."""
    return Approval(
        number=event.seq,
        stage=project.stage,
        digest=digest(project, gate),
        asked_by=event.actor,
        asked_at=event.at,
        expires_at=event.at + timedelta(hours=project.rules.hours),
    )


def expired(approval: Approval, now: datetime) -> bool:
    return now >= approval.expires_at


def still_waits(project: Project, waiting: Approval, asked: Approval, now: datetime) -> bool:
    """Whether asking again would only throw away the votes on the very same question."""
    lacking = project.rules.approvers - len(waiting.votes)
    return waiting.digest == asked.digest and not expired(waiting, now) and lacking > 0


def objection(project: Project, gate: Gate, event: Event, seen: str | None) -> str | None:
    """Why this approval cannot be given now by this person, or None if it can."""
    approval = project.approval
    assert approval is not None  # noqa: S101 - the caller found it
    if stale(project, gate) or (seen is not None and seen != approval.digest):
        return (
            f"What approval {approval.number} was asked for has changed since {approval.asked_at:%Y-%m-%d %H:%M}:"
            f" {_change(gate)}. Say `advance` to ask again on what holds now."
        )
    if any(vote.by == event.actor for vote in approval.votes):
        return f"{event.actor} has approved {approval.number} already; it waits for somebody else."
    alone = project.rules.approvers == 1 and not approval.votes
    if event.actor == approval.asked_by and not project.rules.self_approval and alone:
        return f"{event.actor} asked to advance and may not approve alone in {project.name}; another approver can."
    return None


def _change(gate: Gate) -> str:
    if gate.missing:
        return "; ".join(f"{r.title}: {r.found}" for r in gate.missing)
    return "the model, the charter or the evidence behind the gate is another one now"
