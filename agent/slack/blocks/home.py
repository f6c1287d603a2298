"""App Home: a person's board. Projects that wait for the person come first, then those at work."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from agent.lifecycle.approvals import changes, expired, stale
from agent.lifecycle.gates import Gate, gate
from agent.lifecycle.permissions import may
from agent.lifecycle.project import Approval, Project
from agent.lifecycle.recommendations import recommend
from agent.lifecycle.stages import ORDER, Stage, label
from agent.slack.actions import HOME, NEW_PROJECT
from agent.slack.blocks import job as jobs_blocks
from agent.slack.blocks.advice import next_block
from agent.slack.blocks.approval import date, decide, deciders
from agent.slack.blocks.elements import (
    Piece,
    actions,
    button,
    context,
    divider,
    header,
    named,
    say,
    section,
)
from agent.slack.model import Block, Names
from agent.status import JobView

MOST_BLOCKS = 100  # Slack's limit for a view
_FULL = 70  # blocks up to which projects are shown in full; the others take one line each
_LINES = 95
MOST_JOBS = 3  # of a project


def home(
    actor: str,
    projects: Sequence[Project],
    jobs_by_project: Mapping[str, Sequence[JobView]],
    now: datetime,
    *,
    names: Names | None = None,
) -> dict[str, JsonValue]:
    """The view for `views.publish`; `projects` are the actor's, `jobs_by_project` by project id."""
    blocks: list[Block] = [*_top(bool(projects))]
    ordered = sorted(projects, key=lambda project: _rank(actor, project, jobs_by_project.get(project.id, ()), now))
    shown = 0
    for project in ordered:
        full = _project(actor, project, jobs_by_project.get(project.id, ()), now, names)
        if len(blocks) + len(full) <= _FULL:
            blocks += full
        elif len(blocks) < _LINES:
            blocks.append(section(_one_line(project, names), _open(project)))
        else:
            break
        shown += 1
    if shown < len(ordered):
        blocks.append(context(f"and {len(ordered) - shown} more: `projects` lists them all."))
    blocks.append(context(f"As of {date(now)} · `help` says what else I understand, in English and Chinese."))
    return {"type": "home", "callback_id": HOME, "blocks": [*blocks]}


def stages(stage: Stage) -> str:
    """A small picture of the six stages: what is behind, where it is, what is to come."""
    here = ORDER.index(stage)
    shown = [f"{_mark(number, here)} {each.value}" for number, each in enumerate(ORDER[:-1])]
    if stage is not Stage.LAUNCHED:
        shown[here] = f"*{shown[here]}*"
    return "  ›  ".join(shown)


def _mark(number: int, here: int) -> str:
    return "✓" if number < here else ("●" if number == here else "○")


def _top(any_project: bool) -> list[Block]:
    new = button("New project", NEW_PROJECT, style=None if any_project else "primary")
    buttons = actions([new, say("What can you do?", "help", "help")])
    if any_project:
        return [header("Your projects"), buttons, divider()]
    told = (
        "You are in no project yet. A project leads a language model from an idea to a launched, measured product:"
        " I ask for its scope, do the work of each stage, and show what was measured before you decide."
    )
    steps = (
        "*To begin*\n1. Press *New project* and say in a sentence what is built.\n2. Give me data: drop a file into our"
        " conversation, or say `register data PATH as NAME`.\n3. Ask `what next and why` whenever you like."
    )
    return [header("Welcome to Odyssey"), section(told), section(steps), buttons]


# --- a project ---------------------------------------------------------------------------------------------------


def _rank(actor: str, project: Project, jobs: Sequence[JobView], now: datetime) -> int:
    """What waits for the person, what is at work, all else; each in the order given."""
    if _mine(actor, project, now):
        return 0
    return 1 if _live(jobs) else 2


def _project(actor: str, project: Project, jobs: Sequence[JobView], now: datetime, names: Names | None) -> list[Block]:
    found = gate(project)
    title = f"*{named(project.name, names)}* · {label(project.stage)} · round {project.round}"
    blocks = [section(f"{title}\n{stages(project.stage)}", _open(project)), context(_gate(found))]
    live = _live(jobs)
    blocks += [_job(actor, project, view, names) for view in live[:MOST_JOBS]]
    if len(live) > MOST_JOBS:
        blocks.append(context(f"and {len(live) - MOST_JOBS} more at work: `jobs` lists them."))
    blocks += _approval(actor, project, found, now, names)
    step = next((each for each in recommend(project) if not each.command.startswith(("approve", "wait"))), None)
    if step is not None and not _mine(actor, project, now):
        blocks.append(next_block(project.id, step, offered=may(project, actor, "start_job")))
    return [*blocks, divider()]


def _one_line(project: Project, names: Names | None) -> str:
    missing = len(gate(project).missing)
    wanted = f", {missing} missing at the gate" if missing else ""
    return f"*{named(project.name, names)}* · {label(project.stage)}{wanted}"


def _open(project: Project) -> Piece:
    return say("Status", f"status:{project.id[:60]}", "status", project=project.id)


def _gate(found: Gate) -> str:
    if found.stage is Stage.LAUNCHED:
        return "Live."
    if found.open:
        return "Gate: open. `advance` leaves the stage."
    missing = [f"{named(r.title, None, 100)} ({named(r.found, None, 120)})" for r in found.missing[:4]]
    more = f" and {len(found.missing) - 4} more" if len(found.missing) > 4 else ""
    return "Missing at the gate: " + "; ".join(missing) + more


def _live(jobs: Sequence[JobView]) -> list[JobView]:
    return [view for view in jobs if view.phase in ("active", "serving")]


def _job(actor: str, project: Project, view: JobView, names: Names | None) -> Block:
    parts = [named(view.step, None) if view.step else jobs_blocks.state(view), jobs_blocks.bar(view)]
    parts.append(jobs_blocks.pace(view))
    told = " · ".join(part for part in parts if part)
    asked = f"asked by {named(view.requested_by, names, 40)}"
    shown = f"*{named(view.id, None, 20)}* {named(view.title, None)} ({asked})\n{told}"
    first = jobs_blocks.buttons(view, project.id)[0]
    return section(shown, first if may(project, actor, "cancel_job") else None)


def _mine(actor: str, project: Project, now: datetime) -> bool:
    """Whether an approval waits for this person."""
    asked = project.approval
    waits = asked is not None and not expired(asked, now) and not stale(project, gate(project))
    return waits and asked is not None and actor in deciders(project, asked)


def _approval(actor: str, project: Project, found: Gate, now: datetime, names: Names | None) -> list[Block]:
    asked = project.approval
    if asked is None:
        return []
    title = f"*Approval {asked.number}*: leave {label(asked.stage)}"
    if expired(asked, now):
        return [context(f"{title} has expired; `advance` asks again.")]
    if stale(project, found):
        again = say("Ask again", f"advance:{asked.number}", "advance", project=project.id)
        since = named("; ".join(changes(project, found)), None, 300)
        return [section(f"{title}: what it asked for has changed since: {since}.", again)]
    if not _mine(actor, project, now):
        return [context(f"{title} waits for {_others(project, asked, names)}, until {date(asked.expires_at)}")]
    read = "; ".join(f"{named(r.title, None, 100)}: {named(r.found, None, 160)}" for r in found.requirements[:6])
    votes = f"{len(asked.votes)} of {project.rules.approvers} given"
    told = f"{title} waits for *you*, until {date(asked.expires_at)} ({votes})\n{read}"
    show = say("Show the gate", f"gate:{asked.number}", "gate", project=project.id)
    return [section(told), actions([*decide(project, asked), show])]


def _others(project: Project, asked: Approval, names: Names | None) -> str:
    able = deciders(project, asked)
    return ", ".join(named(person, names, 40) for person in able[:5]) or "an approver, whom the project still lacks"
