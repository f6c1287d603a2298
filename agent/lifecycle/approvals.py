"""Approvals: what exactly is approved, by whom, until when."""

from datetime import datetime, timedelta

from agent.lifecycle.events import Event
from agent.lifecycle.gates import Gate
from agent.lifecycle.project import Approval, Charter, Evidence, Project
from agent.lifecycle.stages import Stage
from tools import digest as digests
from tools.contract import Candidate

CANNOT_SAY = "the model, the charter or the evidence behind the gate is another one now"
LONGEST = 60  # characters of a value of the charter, where a change of it is told


def subject(project: Project, gate: Gate) -> dict[str, object]:
    """What an approval binds: the stage, the evidence its gate reads, the artefact and the parameters.

    The scope is approved without a model: one made meanwhile changes nothing of it. Wordings that the program
    chooses are left out, so that a new version of it does not make approvals stale.
    """
    model = _model(project)
    return {
        "stage": project.stage.value,
        "round": project.round,
        "charter": project.charter.model_dump(mode="json"),
        "model": [model.name, model.digest] if model else None,
        "requirements": [[r.id, r.met, r.waived, list(r.evidence)] for r in gate.requirements],
        "evidence": [e.model_dump(mode="json") for e in behind(project, gate)],
    }


def behind(project: Project, gate: Gate) -> list[Evidence]:
    """The evidence that the gate reads."""
    read = {evidence for r in gate.requirements for evidence in r.evidence}
    return [e for e in project.evidence if e.id in read]


def _model(project: Project) -> Candidate | None:
    return project.model if project.stage is not Stage.SCOPE else None


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
        charter=project.charter,
        model=model.digest if (model := _model(project)) else None,
        evidence=tuple(e.id for e in behind(project, gate)),
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
            f" {'; '.join(changes(project, gate))}. Say `advance` to ask again on what holds now."
        )
    if any(vote.by == event.actor for vote in approval.votes):
        return f"{event.actor} has approved {approval.number} already; it waits for somebody else."
    alone = project.rules.approvers == 1 and not approval.votes
    if event.actor == approval.asked_by and not project.rules.self_approval and alone:
        return f"{event.actor} asked to advance and may not approve alone in {project.name}; another approver can."
    return None


def changes(project: Project, gate: Gate) -> tuple[str, ...]:
    """What is other than it was when the waiting approval was asked for, each in a few words."""
    asked = project.approval
    if asked is None:
        return ()
    found = [f"{r.title}: {r.found}" for r in gate.missing]
    if asked.charter is not None:
        found += _recast(asked.charter, project.charter)
        model = _model(project)
        if model is not None and model.digest != asked.model:
            found.append(f"the model is {model.name} now ({model.digest[:19]})")
        now = behind(project, gate)
        found += [f"measured since: {e.id}, {e.summary}" for e in now if e.id not in asked.evidence]
        found += [f"{e} does not count any more" for e in asked.evidence if e not in {each.id for each in now}]
    return tuple(found) or (CANNOT_SAY,)


def _recast(then: Charter, now: Charter) -> list[str]:
    """The charter's fields that have another value."""
    pairs = [(name, old, getattr(now, name)) for name, old in then if old != getattr(now, name)]
    return [f"the charter's {name} was {_shown(old)} and is {_shown(new)}" for name, old, new in pairs]


def _shown(value: object) -> str:
    """A charter's value in a few words."""
    text = f"{value:g}" if isinstance(value, float) else str(value) if value is not None else "missing"
    return text[:19] if text.startswith("sha256:") else text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
