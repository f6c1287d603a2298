"""Whatever is recommended can be typed as it stands: each command is one of the grammar, for exactly that tool."""

import pytest
from walk import CATALOGUE, Numbers, Walk

from agent.graph.grammar import parse
from agent.graph.intents import TOOL_OF, Context, Intent
from agent.lifecycle.events import Advance, FinishJob, StartJob
from agent.lifecycle.project import Project
from agent.lifecycle.recommendations import recommend
from agent.lifecycle.resolve import resolve
from agent.lifecycle.stages import Stage

SHORT = Numbers(
    score_low=0.7, win_low=0.3, regression_low=-0.2, safety_difference=-0.1, parity_low=-0.2, latency_ms=900,
    memory_mb=9000, effect_low=-0.1,
)  # fmt: skip


def projects() -> list[Project]:
    found = [d.project for walk in (Walk().to(Stage.LAUNCHED), Walk().classify()) for _, d in walk.decisions]
    for stage in list(Stage)[2:6]:
        walk = Walk().to(stage)
        walk.numbers = SHORT
        getattr(walk, stage.value)()
        found.append(walk.project)
    crashed = Walk().to(Stage.DEPLOY, work=True)
    crashed.ok(Advance())
    crashed.ok(StartJob(tool="prompt", params={}))
    found.append(crashed.project)
    crashed.ok(FinishJob(job=f"j{crashed.seq}", attempt=1, outcome="crashed"), actor="odyssey")
    return [*found, crashed.project]


def context(project: Project) -> Context:
    return Context(
        project=project.name,
        stage=project.stage,
        models=tuple(project.candidates),
        datasets=tuple(project.datasets),
        jobs=tuple(project.jobs),
        tools={name: tuple(tool.parameters.model_fields) for name, tool in CATALOGUE.items()},
        approval=project.approval.number if project.approval else None,
    )


RECOMMENDED = {
    step.command: (project, step) for project in projects() for step in recommend(project, catalogue=CATALOGUE)
}


@pytest.mark.parametrize("command", sorted(RECOMMENDED))
def test_every_recommended_command_is_one(command: str) -> None:
    project, step = RECOMMENDED[command]
    reading = parse(command, context(project))
    assert reading is not None
    if step.tool:
        assert TOOL_OF[reading.intent] == step.tool
        params = reading.arguments.get("params", reading.arguments)
        assert isinstance(params, dict)
        assert resolve(project, CATALOGUE, step.tool, params) == resolve(project, CATALOGUE, step.tool, step.params)
    elif "because" in command:
        assert reading.arguments["reason"] == command.split(" because ", 1)[1]
        assert reading.intent in (Intent.CHOOSE_MODEL, Intent.SKIP, Intent.GO_BACK)
