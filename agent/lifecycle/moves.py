"""From stage to stage: gates, approvals, the way back; what is skipped or waived."""

from typing import Any

from agent.lifecycle import approvals, permissions
from agent.lifecycle.decision import Decision, Refused, accept
from agent.lifecycle.events import Approve, Event, GoBack, Reject, SkipTechnique, Waive
from agent.lifecycle.gates import Gate, gate
from agent.lifecycle.project import Approval, Move, Project, Role, Skip, Vote, Waiver
from agent.lifecycle.stages import ORDER, Stage, following, label

SKIPPABLE = frozenset({"align", "quantize", "prompting"})


def skip(project: Project, event: Event, body: SkipTechnique) -> Decision:
    if body.what not in SKIPPABLE:
        raise Refused(f"{body.what} cannot be skipped; {', '.join(sorted(SKIPPABLE))} can, with a reason.")
    skip = Skip(what=body.what, reason=body.reason, by=event.actor, at=event.at, round=project.round)
    return accept(project, f"{project.name} goes without {body.what}: {body.reason}", skips=(*project.skips, skip))


def advance(project: Project, event: Event) -> Decision:
    found = gate(project)
    if project.stage is Stage.LAUNCHED:
        raise Refused(f"{project.name} is launched; `go back to STAGE because …` begins another round.")
    if not found.open:
        lacking = "; ".join(f"{r.title.lower()} ({r.found}; wanted: {r.wanted})" for r in found.missing)
        raise Refused(f"The gate of {label(project.stage)} is closed: {lacking}.")
    if project.stage in project.rules.stages:
        return _ask(project, found, event)
    return _leave(project, event, f"The gate of {label(project.stage)} is open.")


def _ask(project: Project, found: Gate, event: Event) -> Decision:
    approval = approvals.ask(project, found, event)
    decided, waiting = project.decided, project.approval
    if waiting is not None:
        if approvals.still_waits(project, waiting, approval, event.at):
            raise Refused(
                f"Approval {waiting.number} asks exactly this already, until {waiting.expires_at:%Y-%m-%d %H:%M}."
                f" `approve {waiting.number}` or `reject {waiting.number} because …`."
            )
        outcome = "expired" if approvals.expired(waiting, event.at) else "withdrawn"
        decided = (*decided, _closed(waiting, event, outcome))
    who = ", ".join(sorted(p for p, r in project.members.items() if permissions.at_least(r, Role.APPROVER)))
    said = (
        f"The gate of {label(project.stage)} is open. A person has to answer for the step: approval {approval.number}"
        f" ({approval.digest[7:19]}), by {who}, until {approval.expires_at:%Y-%m-%d %H:%M}."
        f" `approve {approval.number}` or `reject {approval.number} because …`."
    )
    return accept(project, said, approval=approval, decided=decided)


def _leave(project: Project, event: Event, why: str, **changes: Any) -> Decision:
    target, model = following(project.stage), project.model
    move = Move(
        origin=project.stage,
        target=target,
        by=event.actor,
        at=event.at,
        reason=why,
        round=project.round,
        model=model.name if model else None,
        model_digest=model.digest if model else None,
    )
    said = f"{why} {project.name} is now at {label(target)}."
    return accept(project, said, stage=target, moves=(*project.moves, move), **changes)


def _waiting(project: Project, number: int) -> Approval:
    if project.approval is None:
        raise Refused(f"No approval is waiting in {project.name}; `advance` asks for one when the gate is open.")
    if project.approval.number != number:
        raise Refused(f"Approval {number} is not waiting; {project.approval.number} is.")
    return project.approval


def _closed(approval: Approval, event: Event, outcome: str, reason: str = "") -> Approval:
    return approval.model_copy(
        update={"outcome": outcome, "reason": reason, "decided_by": event.actor, "decided_at": event.at}
    )


def approve(project: Project, event: Event, body: Approve) -> Decision:
    approval = _waiting(project, body.number)
    if approvals.expired(approval, event.at):
        raise Refused(
            f"Approval {approval.number} expired on {approval.expires_at:%Y-%m-%d %H:%M}; `advance` asks again."
        )
    if objection := approvals.objection(project, gate(project), event, body.digest):
        raise Refused(objection)
    voted = approval.model_copy(update={"votes": (*approval.votes, Vote(by=event.actor, at=event.at))})
    lacking = project.rules.approvers - len(voted.votes)
    if lacking > 0:
        return accept(project, f"{event.actor} approves; {lacking} more needed.", approval=voted)
    closed = _closed(voted, event, "approved")
    why = f"{event.actor} approved {approval.number}."
    return _leave(project, event, why, approval=None, decided=(*project.decided, closed))


def reject(project: Project, event: Event, body: Reject) -> Decision:
    approval = _waiting(project, body.number)
    closed = _closed(approval, event, "rejected", body.reason)
    said = f"{event.actor} rejected {approval.number}: {body.reason} {project.name} stays at {label(project.stage)}."
    return accept(project, said, approval=None, decided=(*project.decided, closed))


def go_back(project: Project, event: Event, body: GoBack) -> Decision:
    if ORDER.index(body.stage) >= ORDER.index(project.stage):
        raise Refused(f"{label(body.stage)} does not lie before {label(project.stage)}, where {project.name} is.")
    move = Move(
        origin=project.stage,
        target=body.stage,
        by=event.actor,
        at=event.at,
        reason=body.reason,
        round=project.round + 1,
    )
    decided = project.decided
    if project.approval is not None:
        decided = (*decided, _closed(project.approval, event, "withdrawn", body.reason))
    return accept(
        project,
        f"{project.name} goes back to {label(body.stage)} for round {project.round + 1}: {body.reason}"
        " What was measured stays.",
        stage=body.stage,
        round=project.round + 1,
        moves=(*project.moves, move),
        approval=None,
        decided=decided,
    )


def waive(project: Project, event: Event, body: Waive) -> Decision:
    found = gate(project)
    if body.requirement not in {r.id for r in found.missing}:
        lacking = ", ".join(r.id for r in found.missing) or "nothing"
        raise Refused(f"{body.requirement} is not missing at {label(project.stage)}; missing: {lacking}.")
    if body.requirement in ("charter", "test_set", "launched"):
        raise Refused(f"{body.requirement} cannot be waived: everything after it is measured against it.")
    waiver = Waiver(
        stage=project.stage,
        requirement=body.requirement,
        reason=body.reason,
        by=event.actor,
        at=event.at,
        round=project.round,
    )
    said = f"{event.actor} waives {body.requirement}: {body.reason} It shows at the gate and in the report."
    return accept(project, said, waivers=(*project.waivers, waiver))
