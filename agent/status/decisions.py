"""Who decided what, when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.lifecycle.project import Project, Role
from agent.lifecycle.stages import Stage, find, label
from agent.markdown import moment, short, table
from agent.status.model import AuditLine, Narrowed
from agent.status.where import waiting_line


def approvals(project: Project) -> str:
    """The approval that waits, with its number, and who decided what and when before."""
    lines = [waiting_line(project, project.approval)] if project.approval else ["No approval is waiting."]
    rows = [
        (
            a.number,
            label(a.stage),
            a.outcome,
            ", ".join(v.by for v in a.votes) or a.decided_by or "",
            moment(a.decided_at) if a.decided_at else "",
            short(a.digest),
            a.reason,
        )
        for a in project.decided
    ]
    shown = table(("Approval", "For leaving", "Outcome", "By", "When", "Digest", "Reason"), rows)
    return "\n\n".join([*lines, shown] if shown else lines)


def members(project: Project) -> str:
    """Who has which role, owners first, and what an approval takes."""
    rows = [
        (role, ", ".join(sorted(person for person, held in project.members.items() if held is role)))
        for role in (Role.OWNER, Role.APPROVER, Role.MEMBER, Role.VIEWER)
    ]
    own = "may" if project.rules.self_approval else "may not"
    takes = f"An approval takes {project.rules.approvers} of the approvers and owners; who asked {own} approve alone."
    return "\n\n".join((table(("Role", "Who"), [row for row in rows if row[1]]), takes))


def history(project: Project, audit: Sequence[AuditLine] = ()) -> str:
    """The moves from stage to stage; with audit lines, every request and what became of it."""
    rows = [
        (moment(m.at), f"{label(m.origin)} → {label(m.target)}", m.round, m.by, m.model or "", m.reason)
        for m in project.moves
    ]
    moves = table(("When", "Move", "Round", "By", "Model", "Why"), rows)
    parts = [f"**Moves**\n\n{moves}" if moves else f"{project.name} has not left {label(project.stage)} yet."]
    parts += [f"- skipped: {s.what} (round {s.round}, {s.by}): {s.reason}" for s in project.skips]
    parts += [f"- waived: {w.requirement} at {label(w.stage)} ({w.by}): {w.reason}" for w in project.waivers]
    if audit:
        lines = [(a.seq, a.at[:19].replace("T", " "), a.actor, a.kind, _accepted(a), a.said) for a in audit]
        parts.append("**Record**\n\n" + table(("No", "When", "Who", "What", "", "Said"), lines))
    return "\n\n".join(parts)


def _accepted(line: AuditLine) -> str:
    return "" if line.accepted else "refused"


def decisions(project: Project, wanted: Narrowed | None = None) -> str:
    """Every decision a person made, oldest first: the model chosen, approvals, moves, what was skipped or waived.

    `wanted` can narrow it to a period, a round, or what one stage, model, technique or person has to do with.
    """
    wanted = wanted or Narrowed()
    rows = [
        (moment(one.at), one.by, one.what, one.why)
        for one in sorted(_decided(project), key=lambda one: one.at)
        if _is_wanted(one, wanted)
    ]
    asked = [wanted.about, f"round {wanted.round}" if wanted.round else None, wanted.period and wanted.period.shown()]
    told = ", ".join(part for part in asked if part)
    shown = table(("When", "Who", "What", "Why"), rows)
    if shown:
        return f"**Decisions{f': {told}' if told else ''}**\n\n{shown}"
    return (
        f"No decision is recorded on that ({told}); `decisions` shows all." if told else "Nothing has been decided yet."
    )


@dataclass(frozen=True)
class _Decided:
    """One decision: when, by whom, what, why; its round; the stages it concerns."""

    at: datetime
    by: str
    what: str
    why: str
    round: int
    stages: tuple[Stage, ...] = ()


def _is_wanted(one: _Decided, wanted: Narrowed) -> bool:
    if wanted.period is not None and not wanted.period.holds(one.at):
        return False
    if wanted.round is not None and one.round != wanted.round:
        return False
    if wanted.about is None:
        return True
    stage = find(wanted.about)
    text = f"{one.by} {one.what} {one.why}".lower()
    return (stage is not None and stage in one.stages) or wanted.about.lower() in text


def _decided(project: Project) -> list[_Decided]:
    found = [
        _Decided(m.at, m.by, f"{label(m.origin)} → {label(m.target)}", m.reason, m.round, (m.origin, m.target))
        for m in project.moves
    ]
    found += [
        _Decided(s.at, s.by, f"goes without {s.what} (round {s.round})", s.reason, s.round) for s in project.skips
    ]
    found += [
        _Decided(w.at, w.by, f"waives {w.requirement} at {label(w.stage)}", w.reason, w.round, (w.stage,))
        for w in project.waivers
    ]
    if (choice := project.choice) is not None:
        what = f"chooses {choice.model} ({short(choice.digest)})"
        found.append(
            _Decided(choice.at, choice.by, what, choice.reason, _round_at(project, choice.at), (Stage.SELECT,))
        )
    for a in project.decided:
        who = ", ".join(v.by for v in a.votes) or a.decided_by or ""
        at = a.decided_at or a.expires_at
        found.append(
            _Decided(at, who, f"approval {a.number}: {a.outcome}", a.reason, _round_at(project, at), (a.stage,))
        )
    return found


def _round_at(project: Project, at: datetime) -> int:
    """A round begins with the move back."""
    return max((move.round for move in project.moves if move.at <= at), default=1)
