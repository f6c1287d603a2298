"""Names become models and data by digest; what cannot be resolved is said in a sentence."""

import pytest
from walk import ALIGNED, CATALOGUE, INT8, TICKETS, Walk

from agent.lifecycle.project import TaskKind
from agent.lifecycle.resolve import Unresolved, find_model, resolve
from agent.lifecycle.stages import Stage


@pytest.fixture(scope="module")
def deployed() -> Walk:
    return Walk().to(Stage.DEPLOY, work=True)


def test_current_and_parent_are_names(deployed: Walk) -> None:
    found = resolve(deployed.project, CATALOGUE, "evaluate", {"model": "current", "compare_to": "parent"})
    assert {k: m.name for k, m in found.inputs.models.items()} == {"model": INT8.name, "compare_to": ALIGNED.name}
    assert found.inputs.data["data"].digest == TICKETS.digest  # the charter's test set is meant where none is named
    assert found.params["split"] == "test"


def test_text_from_a_command_is_read_as_numbers(deployed: Walk) -> None:
    params = {"model": "tuned", "data": "tickets", "steps": "20", "lr": "0.001"}
    found = resolve(deployed.project, CATALOGUE, "finetune", params)
    assert (found.params["steps"], found.params["lr"]) == (20, 0.001)


@pytest.mark.parametrize(
    ("tool", "params", "said"),
    [
        ("bake", {}, "There is no tool called bake"),
        ("finetune", {"ranks": 4}, "finetune has no parameter ranks"),
        ("finetune", {"model": "tiny", "data": "tickets", "rank": 0}, "rank=0 will not do"),
        ("finetune", {"model": "tiny", "data": "tickets", "steps": "many"}, "steps='many' will not do"),
        ("finetune", {"model": "tiny", "data": "tickets", "lr": float("nan")}, "will not do"),
        ("rlhf", {"preferences": "pairs"}, "no data called pairs; it has tickets"),
        ("evaluate", {"model": "gpt"}, "no model called gpt; it has tiny"),
        ("pretrain", {"data": "corpus", "heads": 3}, "must be an even multiple"),
        ("evaluate", {"model": "tiny", "data": "tickets", "metrics": "foo"}, "evaluate: metrics='foo' will not do"),
        ("evaluate", {"model": ["tiny"]}, "will not do"),
    ],
)
def test_what_cannot_be_resolved_is_said(deployed: Walk, tool: str, params: dict[str, object], said: str) -> None:
    with pytest.raises(Unresolved, match=r".") as refused:
        resolve(deployed.project, CATALOGUE, tool, params)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_data_of_the_only_fitting_kind_is_meant_where_none_is_named(deployed: Walk) -> None:
    assert resolve(deployed.project, CATALOGUE, "rlhf", {}).params["preferences"] == "preferences"
    with pytest.raises(Unresolved, match="rlhf needs preferences"):
        resolve(Walk().classify(Stage.ALIGN).project, CATALOGUE, "rlhf", {})


def test_before_there_is_a_model_the_way_to_one_is_said() -> None:
    with pytest.raises(Unresolved, match="pretrain"):
        find_model(Walk().to(Stage.SELECT).project, "current")


def test_a_model_made_from_nothing_here_has_no_parent() -> None:
    with pytest.raises(Unresolved, match="not made from another"):
        find_model(Walk().to(Stage.ASSESS).project, "parent")


def test_a_tool_that_asks_the_endpoint_needs_one_where_it_asks() -> None:
    project = Walk().to(Stage.DEPLOY).project
    with pytest.raises(Unresolved, match="serve"):
        resolve(project, CATALOGUE, "augment", {"data": "facts"})
    assert resolve(project, CATALOGUE, "augment", {"data": "tickets", "kind": "abstain"}).inputs.endpoint is None


def test_the_charters_margin_is_meant_where_none_is_named(deployed: Walk) -> None:
    charter = deployed.project.charter.model_copy(update={"margin": 0.08})
    project = deployed.project.model_copy(update={"charter": charter})
    asked = {"model": "aligned", "data": "tickets"}
    assert resolve(project, CATALOGUE, "quantize", asked).params["margin"] == 0.08
    assert resolve(project, CATALOGUE, "evaluate", asked | {"margin": 0.01}).params["margin"] == 0.01


def test_a_project_that_finds_texts_abstains_on_its_test_set(deployed: Walk) -> None:
    charter = deployed.project.charter.model_copy(update={"task": TaskKind.RETRIEVAL})
    without = {name: data for name, data in deployed.project.datasets.items() if name != "facts"}
    project = deployed.project.model_copy(update={"charter": charter, "datasets": without})
    assert resolve(project, CATALOGUE, "augment", {"kind": "abstain"}).inputs.data["data"].name == "tickets"
