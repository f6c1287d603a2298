"""What can be done next at each stage, and why: a list of steps, the most useful first. Small pure functions.

A step that starts a job names the tool and its parameters; any other names its command. Reasons give the number that
falls short, with its evidence, and what it falls short of.
"""

from collections.abc import Callable, Mapping

from agent.lifecycle.project import Project
from agent.lifecycle.stages import Stage
from agent.lifecycle.steps.align import align
from agent.lifecycle.steps.assess import assess
from agent.lifecycle.steps.deploy import deploy
from agent.lifecycle.steps.integrate import integrate, launched
from agent.lifecycle.steps.scope import scope
from agent.lifecycle.steps.select import select
from agent.lifecycle.steps.step import Step

__all__ = ["BY_STAGE", "Step"]

BY_STAGE: Mapping[Stage, Callable[[Project], list[Step]]] = {
    Stage.SCOPE: scope,
    Stage.SELECT: select,
    Stage.ASSESS: assess,
    Stage.ALIGN: align,
    Stage.DEPLOY: deploy,
    Stage.INTEGRATE: integrate,
    Stage.LAUNCHED: launched,
}
