"""What to do next, and why: from the stage, its gate, what was measured, and what each step costs."""

from collections.abc import Mapping, Sequence

from pydantic import Field, JsonValue

from agent.lifecycle.approvals import stale
from agent.lifecycle.estimates import CHEAT_SHEET, Took, expected_seconds, history_of
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Advice, JobPhase, Project
from agent.lifecycle.resolve import Unresolved, resolve
from agent.lifecycle.stages import Stage, following, label
from agent.lifecycle.steps import BY_STAGE, Step
from agent.lifecycle.steps.results import data_steps
from tools.contract import Frozen, Tool
from tools.errors import UserFault

MOST = 5  # more than this is no recommendation


class Recommendation(Frozen):
    """One next step. `reason` names the number that falls short, and of what; `command` does it as it stands,
    apart from words in capitals (PATH, NAME), which a person fills in."""

    title: str
    reason: str
    command: str
    tool: str = ""  # the tool whose job it starts; empty for a decision
    params: dict[str, JsonValue] = Field(default_factory=dict)
    seconds: float | None = None  # expected wall time on this machine
    time: str = ""  # the cheat sheet's range, for models of real size
    effort: str = "low"
    expertise: str = "low"
    citation: str = ""  # a guide's file name
    evidence: tuple[str, ...] = ()


def recommend(
    project: Project,
    history: Sequence[Took] | None = None,
    catalogue: Mapping[str, Tool] | None = None,
) -> tuple[Recommendation, ...]:
    """The next steps, the most useful first; at most five.

    `history` is what jobs of this team took (by default the project's own); with a `catalogue`, the plan of each
    job on this project's data is what its time starts from.
    """
    tools = catalogue or {}
    took = history_of(project, tools) if history is None else history
    steps = [*_pending(project), *_stage(project)]
    return tuple(_priced(project, step, took, tools) for step in _unique(steps)[:MOST])


def advice_after(project: Project, job: str) -> Advice | None:
    """What comes after a job that has just ended; after one that failed, only what is about that failure.

    Nothing while others run: what is next depends on what they find.
    """
    ended = project.jobs[job]
    if any(each.phase is JobPhase.ACTIVE for each in project.jobs.values()):
        return None
    steps = _stage(project)
    if ended.phase not in (JobPhase.SUCCEEDED, JobPhase.SERVING):
        steps = [step for step in steps if job in step.reason] if ended.phase is JobPhase.FAILED else []
    elif ended.tool == "data":
        steps = [*data_steps(project, next(reversed(project.datasets.values()), None)), *steps]
    if not steps:
        return None
    return Advice(title=steps[0].title, reason=steps[0].reason, command=command_of(steps[0]))


def _pending(project: Project) -> list[Step]:
    """What comes before everything else: a question that waits, work that is going on, work that was interrupted."""
    steps = []
    if project.approval is not None and not stale(project, gate(project)):
        number, stage = project.approval.number, label(project.approval.stage)
        steps.append(
            Step(
                title=f"Answer approval {number}",
                reason=f"The gate of {stage} is open, and a person has to answer for the step.",
                command=f"approve {number}",
                citation="life-cycle.md",
            )
        )
    for job in project.jobs.values():
        if job.phase is JobPhase.ACTIVE:
            reason = f"{job.id} ({job.tool}) is running; what to do next depends on what it finds."
            steps.append(
                Step(title=f"Wait for {job.id}", reason=reason, command=f"wait {job.id}", citation="life-cycle.md")
            )
    newest = list(project.jobs.values())[-1:]
    for job in newest:
        if job.phase in (JobPhase.CRASHED, JobPhase.LOST):
            reason = f"{job.id} ({job.tool}) {job.phase.value}: {job.error or 'it left no result'}."
            steps.append(
                Step(
                    title=f"Resume {job.id}",
                    reason=reason,
                    command=f"resume {job.id}",
                    citation="compute-and-memory.md",
                )
            )
    return steps


def _stage(project: Project) -> list[Step]:
    """The stage's own steps; what a running job already does is left out."""
    found = gate(project)
    if found.open and project.stage is not Stage.LAUNCHED:
        if project.approval is not None and not stale(project, found):
            return []
        used = tuple(dict.fromkeys(e for r in found.requirements for e in r.evidence))
        shown = "; ".join(
            f"{r.title.lower()}: {'waived' if r.waived and not r.met else r.found}" for r in found.requirements
        )
        leave = Step(
            title=f"Go on to {label(following(project.stage))}",
            reason=f"The gate of {label(project.stage)} is open: {shown}.",
            command="advance",
            citation="life-cycle.md",
            evidence=used,
        )
        return [leave, *(data_steps(project) if project.stage is Stage.SCOPE else [])]
    running = {job.tool for job in project.jobs.values() if job.phase is JobPhase.ACTIVE}
    return [step for step in BY_STAGE[project.stage](project) if step.tool not in running or not step.tool]


def _unique(steps: list[Step]) -> list[Step]:
    return list({step.command or f"{step.tool} {step.params}": step for step in reversed(steps)}.values())[::-1]


def command_of(step: Step) -> str:
    """The line a person types."""
    if step.command:
        return step.command
    return " ".join([step.tool, *(f"{name}={value}" for name, value in step.params.items())])


def _priced(project: Project, step: Step, took: Sequence[Took], tools: Mapping[str, Tool]) -> Recommendation:
    cost = CHEAT_SHEET[step.phase] if step.phase else None
    seconds = expected_seconds(step.tool, _plan_seconds(project, step, tools), took) if step.tool else None
    return Recommendation(
        title=step.title,
        reason=step.reason,
        command=command_of(step),
        tool=step.tool,
        params=step.params,
        seconds=seconds,
        time=cost.time if cost else "",
        effort=cost.effort if cost else "low",
        expertise=cost.expertise if cost else "low",
        citation=step.citation,
        evidence=step.evidence,
    )


def _plan_seconds(project: Project, step: Step, tools: Mapping[str, Tool]) -> float | None:
    """The plan of exactly this job; None where its tool is not at hand or it cannot start yet."""
    try:
        resolved = resolve(project, tools, step.tool, step.params)
    except Unresolved:
        return None
    tool = tools[step.tool]
    try:
        return tool.plan(tool.parameters.model_validate(resolved.params), resolved.inputs).seconds
    except UserFault:  # said where somebody asks for it
        return None
