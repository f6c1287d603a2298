"""Calls that only look: each answers at once and changes nothing but what the conversation is about."""

import re
from datetime import datetime

from pydantic import Field, JsonValue

from agent import details, status
from agent.errors import Mendable
from agent.graph import charter
from agent.graph.grammar import parse
from agent.graph.intents import call_of
from agent.graph.requests import propose_charter
from agent.graph.session import Call, Option, Said, Session
from agent.lifecycle.project import JobPhase, JobState, Project
from agent.lifecycle.recommendations import Recommendation, recommend
from agent.lifecycle.resolve import Unresolved, find_job
from agent.lifecycle.stages import label
from agent.markdown import duration, moment
from agent.status import JobKind, Narrowed, StatusQuery, period
from tools.contract import Frozen, Plan
from tools.errors import ToolError

HELP = """I lead a language-model project from scope to launch and do the work. Say it plainly, or as a command:

- **projects**: `create project NAME` · `use NAME` · `projects` · `members` · `role PERSON approver` ·\
 `rules approvers=2`
- **scope**: `charter` (asks field by field) · `charter target=0.9 …` · `register data PATH as NAME` ·\
 `add documents PATH` (in Slack: share the file) · `remove document NAME`
- **work**: {tools}, each with `key=value …`, e.g. `finetune data=tickets epochs=3`
- **models**: `models` · `add model NAME` · `choose model NAME because …` · `compare`
- **jobs**: `jobs` · `job 12` · `logs 12` · `wait` · `cancel 12` · `resume 12`
- **stages**: `status` · `gate` · `evidence` · `next` · `advance` · `approve 31` · `reject 31 because …` ·\
 `go back to STAGE because …` · `skip align because …` · `waive REQUIREMENT because …` · `history` · `audit`
- **questions**: "what is LoRA?", "where are we?", "what next, and why?"

Whatever changes something is shown first and waits for your `yes`."""


_BLANK = re.compile(r"\b(?:PATH|NAME|STAGE|REASON|MODEL|DATA|PERSON)\b|…")  # what a person fills in


class Nothing(Frozen):
    """No arguments."""


class Topic(Frozen):
    topic: str = Field(default="", description="a tool's name, for its parameters; empty for everything")


class Named(Frozen):
    name: str = Field(description="name of the project")


class Query(Frozen):
    query: StatusQuery = Field(
        description="where: stage, gate, jobs and model now; gate: each requirement; latest, best, evidence: what was"
        " measured; jobs; approvals; members; history; charter; data; models; compare: candidates side by side; spent;"
        " decisions"
    )
    state: JobKind | None = Field(default=None, description="of jobs: only those in this state")
    since: str | None = Field(
        default=None,
        description="of jobs, spent and decisions: today, yesterday, this week, last week, this month, last month,"
        " a number of hours, days or weeks such as 3 days, or a date such as 2026-03-02",
    )
    round: int | None = Field(default=None, ge=1, description="of measurements and decisions: only this round's")
    about: str | None = Field(default=None, description="of decisions: a stage, model, technique or person")
    models: tuple[str, ...] = Field(
        default=(), description="of measurements and comparisons: only of these models, by name or method such as int8"
    )
    metric: str | None = Field(default=None, description="of evidence: only metrics whose names begin so: latency")

    def narrowed(self, now: datetime) -> Narrowed:
        """Raises `Mendable` for a time nobody can read."""
        span = period(self.since, now) if self.since else None
        if self.since and span is None:
            raise Mendable(f"I cannot read the time {self.since}; say today, last week, 3 days or 2026-03-02.")
        return Narrowed(
            state=self.state,
            period=span,
            round=self.round,
            about=self.about,
            models=self.models,
            metric=self.metric,
        )


class Job(Frozen):
    job: str | None = Field(default=None, description="a job's id such as j12; none: every running job")


class JobDetails(Frozen):
    job: str = Field(default="", description="the job's id, such as j12")
    log: bool = Field(default=False, description="whether the end of its log is wanted instead of everything else")


class Command(Frozen):
    command: str = Field(description="the line to type")


class Options(Frozen):
    options: tuple[Option, ...] = Field(min_length=1, max_length=3, description="readings the person can choose from")


def show_help(session: Session, arguments: Topic) -> Said:
    tool = session.desk.catalogue.get(arguments.topic.lower())
    if tool is None:
        names = ", ".join(f"`{name}`" for name in session.desk.catalogue if name != "data")
        return Said(text=HELP.format(tools=names or "no tools"))
    fields = tool.parameters.model_fields.items()
    lines = [f"- `{name}`{_default(info.is_required(), info.default)}: {info.description}" for name, info in fields]
    return Said(text="\n".join([f"**{tool.title}** (`{tool.name} key=value …`)", "", *lines]))


def _default(required: bool, value: object) -> str:
    if required:
        return " (needed)"
    if isinstance(value, bool):
        return " (yes)" if value else " (no)"
    return f" ({value})" if value or value == 0 else ""


def greet(session: Session, arguments: Nothing) -> Said:
    project = session.project
    where = f" {project.name} is at {label(project.stage)}." if project else ""
    return Said(text=f"Hello, {session.actor}.{where} Ask `next` for what to do, or `help` for what I understand.")


def list_projects(session: Session, arguments: Nothing) -> Said:
    seen = session.desk.projects(session.actor)
    if not seen:
        return Said(text="There is no project yet: `create project NAME` makes one.")
    lines = [
        f"- {'→ ' if p.id == session.project_id else ''}**{p.name}**: {label(p.stage)}, round {p.round}"
        f"{f', {n} jobs running' if (n := len(_running(p))) else ''}"
        for p in seen
    ]
    return Said(text="\n".join(lines))


def use_project(session: Session, arguments: Named) -> Said:
    project = session.desk.find_project(session.actor, arguments.name)
    if project is None:
        known = ", ".join(p.name for p in session.desk.projects(session.actor)) or "none yet"
        raise Mendable(
            f"{session.actor} sees no project called {arguments.name} (sees: {known});"
            f" `create project {arguments.name}` would make it."
        )
    session.project_id, session.asking, session.draft = project.id, None, {}
    return Said(text=status.where(project, session.desk.jobs(project.id)), data={"bound": project.id})


def show_status(session: Session, arguments: Query) -> Said:
    project = session.require_project()
    jobs = session.desk.jobs(project.id)
    now = session.desk.now()
    text = status.answer_status(
        arguments.query, project, now=now, jobs=jobs, wanted=arguments.narrowed(now), price=session.desk.price
    )
    session.note(session.line, "show_status")
    return Said(text=text, data=as_of(project, now))


def as_of(project: Project, now: datetime) -> dict[str, JsonValue]:
    """When what is said was read off the state, and the last event it holds."""
    return {"as_of": now.isoformat(), "event": project.seq}


def show_audit(session: Session, arguments: Nothing) -> Said:
    project = session.require_project()
    rows = session.desk.audit(project.id)
    now = session.desk.now()
    return Said(
        text=status.answer_status(StatusQuery.HISTORY, project, now=now, audit=rows[-30:]),
        data={"rows": len(rows), **as_of(project, now)},
    )


def recommend_next(session: Session, arguments: Nothing) -> Said:
    project = session.require_project()
    steps = recommend(project, catalogue=session.desk.catalogue)
    if not steps:
        return Said(text=f"Nothing is left to do in {project.name} at {label(project.stage)}; `gate` shows why.")
    shown = steps[:3]
    lines = [f"**Next in {project.name}, {label(project.stage)}**", ""]
    for number, step in enumerate(shown, 1):
        lines += [f"{number}. **{step.title}**: {step.reason}  ", f"   `{step.command}`{_cost(step)}"]
    rest = " · ".join(f"`{step.command}`" for step in steps[3:])
    lines += ["", "Say its number to have it proposed."]
    session.options = tuple(_option(session, step) for step in shown)
    return Said(text="\n".join(lines) + (f" Also: {rest}" if rest else ""))


def _option(session: Session, step: Recommendation) -> Option:
    """A recommendation as a choice; what a person has to fill in or decide is left for them to type."""
    reading = parse(step.command, session.context())
    call = call_of(reading.intent, reading.arguments) if reading and not _BLANK.search(step.command) else None
    name, arguments = call or ("type_it", {"command": step.command})
    return Option(label=step.title, call=Call(name=name, arguments=arguments))


def type_it(session: Session, arguments: Command) -> Said:
    blank = " with your own words for what is in capitals" if _BLANK.search(arguments.command) else ""
    return Said(text=f"That one is yours to type{blank}: `{arguments.command}`.")


def _cost(step: Recommendation) -> str:
    said = []
    if step.seconds is not None:
        said.append(f"about {duration(step.seconds)} here")
    if step.tool:
        said.append(f"effort {step.effort}, expertise {step.expertise}")
    if step.time:
        said.append(f"for models of real size: {step.time}")
    source = [f"guide {step.citation}"] if step.citation else []
    return f" ({'; '.join(said + source)})" if said or source else ""


def wait_for_job(session: Session, arguments: Job) -> Said:
    project = session.require_project()
    if arguments.job is not None:
        job = find_job(project, arguments.job)
        if job.phase is not JobPhase.ACTIVE:
            return Said(text=f"Job {job.id} ({job.tool}) {_ended(job.phase)}.")
        return Said(text=f"I will tell you when {job.id} has ended.", kind="wait", data={"job": job.id})
    running = _running(project)
    if not running:
        return Said(text="No job is running.")
    names = ", ".join(job.id for job in running)
    return Said(text=f"I will tell you when {names} {'has' if len(running) == 1 else 'have'} ended.", kind="wait")


def show_job(session: Session, arguments: JobDetails) -> Said:
    project = session.require_project()
    if not arguments.job:
        raise Mendable("Which job? `jobs` lists them; `job 12` shows one in full, `logs 12` the end of its log.")
    desk, job = session.desk, find_job(project, arguments.job)
    record = desk.job_record(job.id)
    if arguments.log:
        return Said(text=details.log(job, record), final=True)
    now = desk.now()
    view = next(view for view in desk.jobs(project.id) if view.id == job.id)
    plan = _planned(session, project, job)
    text = details.details(project, job, view, desk.catalogue.get(job.tool), plan, record, desk.price)
    told = f"_{project.name} as of {moment(now)}, event {project.seq}._"
    return Said(text=f"{text}\n\n{told}", data=as_of(project, now))


def _planned(session: Session, project: Project, job: JobState) -> Plan | None:
    """What the job was expected to take; None where what it works on is not there any more."""
    try:
        return session.desk.plan(project, job.tool, job.params)[1]
    except (Unresolved, ToolError):
        return None


def _ended(phase: JobPhase) -> str:
    return "answers and goes on until it is cancelled" if phase is JobPhase.SERVING else f"is {phase.value} already"


def _running(project: Project) -> list[JobState]:
    return [job for job in project.active_jobs() if job.phase is JobPhase.ACTIVE]


def fill_charter(session: Session, arguments: Nothing) -> Said:
    project = session.require_project()
    asked = charter.begin(session, project)
    if asked:
        return Said(text=f"{status.charter(project)}\n\n{asked}", kind="question")
    return propose_charter(session, project, session.draft) if session.draft else Said(text=status.charter(project))


def offer_choices(session: Session, arguments: Options) -> Said:
    session.options = arguments.options
    lines = [f"{number}. {option.label}" for number, option in enumerate(arguments.options, 1)]
    return Said(text="\n".join(["Which do you mean? Say its number.", "", *lines]), kind="choices", final=True)


def explain_approval(session: Session, arguments: Nothing) -> Said:
    project = session.require_project()
    if project.approval is None:
        return Said(text=f"No approval is waiting in {project.name}; `advance` asks for one when the gate is open.")
    number = project.approval.number
    return Said(
        text=f"Approval {number}, for leaving {label(project.approval.stage)}, is given only by the exact command"
        f" `approve {number}`, or refused by `reject {number} because …`; `gate` shows what it stands on."
    )


def acknowledge_no(session: Session, arguments: Nothing) -> Said:
    return Said(text="All right, nothing is started or changed.")


def not_understood(session: Session, arguments: Nothing) -> Said:
    return Said(text="I did not understand that. `help` shows what I can do; `next` what to do now.")
