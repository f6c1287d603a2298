"""An approval as a card: what exactly is asked, on which evidence, who may decide, until when."""

from collections.abc import Sequence
from datetime import UTC, datetime

from agent.lifecycle.approvals import behind, changes, expired, stale
from agent.lifecycle.evidence import show_comparison
from agent.lifecycle.gates import Gate, Requirement
from agent.lifecycle.permissions import at_least
from agent.lifecycle.project import Approval, Evidence, Project, Role
from agent.lifecycle.stages import Stage, following, label
from agent.markdown import duration, moment, short
from agent.slack import sanitize
from agent.slack.actions import REASON, Press
from agent.slack.blocks.elements import (
    Piece,
    actions,
    button,
    cell,
    context,
    fields,
    header,
    named,
    say,
    section,
    table,
)
from agent.slack.model import Block, Names, Rendered

MOST_PEOPLE = 10
MOST_EVIDENCE = 12
_MOST_SECONDS = 3650 * 86_400  # more than that was not spent


def approval_card(
    project: Project, approval: Approval, gate: Gate, now: datetime, *, names: Names | None = None
) -> Rendered:
    """`approval` is the one that waits or one of `project.decided`; `gate` is `gate(project)`."""
    title = f"Approval {approval.number}: leave {label(approval.stage)}"
    waits = approval.outcome == "waiting"
    if not waits:
        blocks = _decided(project, approval, names)
    elif expired(approval, now):
        blocks = [section(f"*Expired* {date(approval.expires_at)}. `advance` asks again, on what holds then.")]
    elif project.approval is None or project.approval.number != approval.number:
        blocks = [section("*No longer asked.* `approvals` shows what became of it.")]
    elif stale(project, gate):
        blocks = _stale(project, approval, gate)
    else:
        blocks = _waiting(project, approval, gate, names)
    said = sanitize.label(f"{title} in {project.name}: {state(project, approval, gate, now)}", 280)
    head = context(f"{named(project.name, names)} · round {project.round} · asked by {named(approval.asked_by, names)}")
    return Rendered(text=said, blocks=(header(title), head, *blocks))


def state(project: Project, approval: Approval, gate: Gate, now: datetime) -> str:
    """In words: waiting for how many, stale, expired, or how it was decided."""
    if approval.outcome != "waiting":
        return approval.outcome
    if expired(approval, now):
        return "expired"
    if project.approval is None or project.approval.number != approval.number:
        return "no longer asked"
    if stale(project, gate):
        return "what it asked for has changed"
    return f"waiting, {len(approval.votes)} of {project.rules.approvers} given"


def deciders(project: Project, approval: Approval) -> tuple[str, ...]:
    """Who may approve now: approvers and owners, without those who have, or who may not approve alone."""
    able = [person for person, role in project.members.items() if at_least(role, Role.APPROVER)]
    voted = {vote.by for vote in approval.votes}
    alone = project.rules.approvers == 1 and not voted and not project.rules.self_approval
    return tuple(p for p in sorted(able) if p not in voted and not (alone and p == approval.asked_by))


def decide(project: Project, approval: Approval) -> list[Piece]:
    """Approve and Reject, bound to exactly what the card shows."""
    number, seen = approval.number, approval.digest
    reject = Press(say=f"reject {number}", seen=seen, project=project.id)
    return [
        say("Approve", f"approve:{number}", f"approve {number}", seen=seen, project=project.id, style="primary"),
        button("Reject", f"{REASON}:{number}", reject.value(), style="danger"),
    ]


def date(at: datetime) -> str:
    """A moment in the reader's own time zone, as mrkdwn."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"<!date^{int(aware.timestamp())}^{{date_short_pretty}} at {{time}}|{moment(at)}>"


# --- the states --------------------------------------------------------------------------------------------------


def _waiting(project: Project, approval: Approval, gate: Gate, names: Names | None) -> list[Block]:
    used = behind(project, gate)
    return [
        section(_subject(project, approval, used)),
        table([[cell(word) for word in _HEADING], *(_row(project, each) for each in gate.requirements[:50])]),
        fields(_facts(project, approval, used, names)),
        actions(decide(project, approval)),
    ]


def _subject(project: Project, approval: Approval, used: Sequence[Evidence]) -> str:
    """The exact thing: the step, the model by digest, the evidence by run, and the digest that binds them."""
    step = f"*{label(approval.stage)}* → *{label(following(approval.stage))}*"
    model = project.model if approval.stage is not Stage.SCOPE else None
    lines = [f"Approve {step}, on exactly this:"]
    if model is not None:
        lines.append(f"• model *{named(model.name, None)}* ({named(model.method, None, 30)}), `{short(model.digest)}`")
    if used:
        shown = ", ".join(f"{named(e.id, None, 12)} (run {named(e.run, None, 12)})" for e in used[:MOST_EVIDENCE])
        more = f" and {len(used) - MOST_EVIDENCE} more" if len(used) > MOST_EVIDENCE else ""
        lines.append(f"• evidence {shown}{more}")
    lines.append(f"• bound by the digest `{short(approval.digest)}`")
    return "\n".join(lines)


_HEADING = ("", "Requirement", "Found", "Wanted", "Evidence")


def _row(project: Project, requirement: Requirement) -> list[Piece]:
    runs = {e.id: e.run for e in project.evidence}
    mark = "✓ met" if requirement.met else ("~ waived" if requirement.waived else "✗ missing")
    found = f"{requirement.found} (waived: {requirement.waived})" if requirement.waived else requirement.found
    read = ", ".join(f"{e} (run {runs.get(e, '?')})" for e in requirement.evidence[:MOST_EVIDENCE])
    shown = [(mark, 20), (requirement.title, 120), (found, 250), (requirement.wanted, 120), (read or "–", 150)]
    return [cell(words, most) for words, most in shown]


def _facts(project: Project, approval: Approval, used: Sequence[Evidence], names: Names | None) -> list[str]:
    charter, rules = project.charter, project.rules
    able = deciders(project, approval)
    people = ", ".join(named(person, names, 40) for person in able[:MOST_PEOPLE])
    more = f" and {len(able) - MOST_PEOPLE} more" if len(able) > MOST_PEOPLE else ""
    given = ", ".join(named(vote.by, names, 40) for vote in approval.votes[:MOST_PEOPLE])
    target = (
        f"{named(charter.metric, None, 40)} at least {charter.target:g}" if charter.metric and charter.target else ""
    )
    compared = "\n".join(_compared(e, charter.margin) for e in used if e.comparisons)
    pairs = [
        ("Target", target),
        ("Compared", compared),
        ("Time spent", _spent(project, used)),
        ("May cost", named(charter.cost, None, 200) if charter.cost else ""),
        ("May approve", (people + more) or "nobody yet: an owner can give the role with `role PERSON approver`"),
        ("Votes", f"{len(approval.votes)} of {rules.approvers}" + (f": {given}" if given else "")),
        ("Expires", date(approval.expires_at)),
    ]
    return [f"*{title}*\n{value}" for title, value in pairs if value]


def _compared(evidence: Evidence, margin: float) -> str:
    """What the model was measured against; a difference beside the margin within which it counts as parity."""
    lines = []
    for each in evidence.comparisons[:3]:
        beside = f", margin {margin:g}" if each.kind == "difference" else ""
        against = f"{named(each.metric, None, 40)} against {named(each.baseline, None, 40)}"
        lines.append(f"{against}: {show_comparison(each)}{beside}")
    return "\n".join(lines)


def _spent(project: Project, used: Sequence[Evidence]) -> str:
    """Wall time of the runs behind the evidence, and of all jobs of the project."""
    runs = {e.run for e in used}
    times = {job.id: job.seconds for job in project.jobs.values() if job.seconds and 0 < job.seconds < _MOST_SECONDS}
    here = sum(seconds for run, seconds in times.items() if run in runs)
    whole = sum(times.values())
    shown = [f"{duration(here)} on these runs"] if here else []
    return ", ".join([*shown, f"{duration(whole)} on all jobs"]) if whole else ""


def _stale(project: Project, approval: Approval, gate: Gate) -> list[Block]:
    lines = [f"• {named(each, None, 250)}" for each in changes(project, gate)[:10]]
    told = "\n".join([f"*What it asked for has changed since {date(approval.asked_at)}.*", *lines])
    again = say("Ask again", "advance", "advance", project=project.id, style="primary")
    return [
        section(f"{told}\nNobody can approve it any more; `advance` asks again, on what holds now."),
        actions([again]),
    ]


def _decided(project: Project, approval: Approval, names: Names | None) -> list[Block]:
    by = ", ".join(named(vote.by, names, 40) for vote in approval.votes[:MOST_PEOPLE])
    who = by if approval.outcome == "approved" and by else named(approval.decided_by or "", names, 40)
    when = f" {date(approval.decided_at)}" if approval.decided_at else ""
    people = f" by {who}" if approval.outcome in ("approved", "rejected") and who != "–" else ""
    lines = [f"*{named(approval.outcome, None, 20).capitalize()}*{people}{when}"]
    if approval.reason:
        lines.append(f"> {named(approval.reason, names, 500)}")
    lines.append(f"Digest `{short(approval.digest)}`")
    return [section("\n".join(lines))]
