"""What a step costs: the cheat sheet of the life cycle, corrected by what a team's own jobs took."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median

from agent.lifecycle.project import JobPhase, JobState, Project
from tools.contract import Frozen, Inputs, Tool
from tools.errors import UserFault


class Phase(StrEnum):
    PRETRAINING = "pre-training"
    PROMPTING = "prompt engineering"
    TUNING = "prompt tuning and fine-tuning"
    ALIGNMENT = "alignment with human feedback"
    OPTIMISATION = "optimisation"


class Cost(Frozen):
    """One line of the cheat sheet. The range is for models of real size; `hours` bounds it, None where it is open."""

    time: str
    hours: tuple[float, float | None]
    effort: str
    expertise: str
    data: str


# After the course "Generative AI with Large Language Models" (DeepLearning.AI and AWS) and its cheat sheet.
CHEAT_SHEET: dict[Phase, Cost] = {
    Phase.PRETRAINING: Cost(
        time="days to months",
        hours=(24, 4400),
        effort="very high",
        expertise="high",
        data="billions of tokens of text",
    ),
    Phase.PROMPTING: Cost(
        time="none to train, minutes to hours to try",
        hours=(0, 4),
        effort="low",
        expertise="low",
        data="a handful of examples, a test set",
    ),
    Phase.TUNING: Cost(
        time="minutes to hours, can be done in a day",
        hours=(0.02, 24),
        effort="medium",
        expertise="medium",
        data="hundreds to a few thousand pairs",
    ),
    Phase.ALIGNMENT: Cost(
        time="minutes to hours with a reward model, plus the collecting",
        hours=(0.02, None),
        effort="medium to high",
        expertise="medium to high",
        data="hundreds to tens of thousands of preference pairs",
    ),
    Phase.OPTIMISATION: Cost(
        time="minutes to hours",
        hours=(0.02, 10),
        effort="medium",
        expertise="medium",
        data="a test set, a few hundred texts for calibration",
    ),
}

PHASES: dict[str, Phase] = {
    "pretrain": Phase.PRETRAINING,
    "prompt": Phase.PROMPTING,
    "finetune": Phase.TUNING,
    "rlhf": Phase.ALIGNMENT,
    "quantize": Phase.OPTIMISATION,
}

# Seconds with the tiny model on two cores, as measured; what is said where neither a plan nor a job is there to go by.
MEASURED: dict[str, float] = {
    "data": 2,
    "pretrain": 40,
    "prompt": 12,
    "finetune": 20,
    "evaluate": 8,
    "compare": 4,
    "select": 4,
    "rlhf": 25,
    "quantize": 5,
    "serve": 8,
    "augment": 15,
    "report": 6,
}

RECENT = 5  # jobs that a correction goes by
_CLAMP = (0.1, 20.0)  # one odd job must not turn an estimate into nonsense


class Took(Frozen):
    """What a job of a tool took, and what its plan had said."""

    tool: str
    seconds: float
    planned: float | None = None


def expected_seconds(tool: str, planned: float | None, history: Sequence[Took]) -> float | None:
    """Wall time to expect: the plan, scaled by how much longer this team's last jobs of the tool took than planned.

    Without a plan, the median of those jobs; without either, what was measured on two cores; None for what is no tool.
    """
    own = [took for took in history if took.tool == tool][-RECENT:]
    ratios = [took.seconds / took.planned for took in own if took.planned]
    if planned is not None:
        low, high = _CLAMP
        return planned * (min(high, max(low, median(ratios))) if ratios else 1.0)
    if own:
        return median(took.seconds for took in own)
    return MEASURED.get(tool)


def history_of(project: Project, catalogue: Mapping[str, Tool]) -> tuple[Took, ...]:
    """What the project's own jobs took, in the order they ended, beside what their plans say."""
    done = [j for j in project.jobs.values() if j.phase in (JobPhase.SUCCEEDED, JobPhase.SERVING) and j.seconds]
    ended = sorted(done, key=lambda job: job.ended_at or job.requested_at)
    return tuple(Took(tool=j.tool, seconds=j.seconds or 0.0, planned=_planned(project, catalogue, j)) for j in ended)


def _planned(project: Project, catalogue: Mapping[str, Tool], job: JobState) -> float | None:
    """The plan of a job that was accepted once; None if its tool has changed since."""
    tool = catalogue.get(job.tool)
    if tool is None:
        return None
    models = {name: project.candidates.get(job.model or "") for name in tool.models[:1]}
    data = {name: project.datasets.get(str(job.params.get(name) or "")) for name in tool.datasets}
    inputs = Inputs(
        models={name: model for name, model in models.items() if model},
        data={name: one for name, one in data.items() if one},
    )
    try:
        params = tool.parameters.model_validate(job.params)
    except ValueError:
        return None
    try:
        return tool.plan(params, inputs).seconds
    except UserFault:  # what it worked on has changed since
        return None
