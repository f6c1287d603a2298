"""Parameters nobody could mean: each is answered before a job starts, in a sentence with the field and the mend."""

from typing import Any

import pytest

from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Unresolved, resolve
from agent.lifecycle.stages import Stage
from tests.walk import CATALOGUE, Walk
from tools.errors import UserFault
from tools.training.machine import find_gpu

INF, NAN = float("inf"), float("nan")
# tool, parameters, the field that is named, what of the mend is said
ABSURD: list[tuple[str, dict[str, Any], str, str]] = [
    ("finetune", {"lr": 1e9}, "lr=", "less than 1"),
    ("finetune", {"lr": NAN}, "lr=", "finite"),
    ("finetune", {"lr": INF}, "lr=", "finite"),
    ("finetune", {"lr": -1e-4}, "lr=", "greater than 0"),
    ("finetune", {"lr": "fast"}, "lr=", "number"),
    ("finetune", {"epochs": 0}, "epochs=", "greater than 0"),
    ("finetune", {"epochs": 10**9}, "epochs=", "less than or equal to 1000"),
    ("finetune", {"epochs": NAN}, "epochs=", "finite"),
    ("finetune", {"steps": 0}, "steps=", "greater than or equal to 1"),
    ("finetune", {"steps": 2.5}, "steps=", "integer"),
    ("finetune", {"rank": 0}, "rank=", "greater than or equal to 1"),
    ("finetune", {"rank": 100_000}, "rank=", "less than or equal to 512"),
    ("finetune", {"alpha": INF}, "alpha=", "finite"),
    ("finetune", {"batch": 0}, "batch=", "greater than or equal to 1"),
    ("finetune", {"batch": 10**12}, "batch=", "less than or equal to 4096"),
    ("finetune", {"batch": None}, "batch=", "integer"),
    ("finetune", {"dropout": 1}, "dropout=", "less than 1"),
    ("finetune", {"method": "magic"}, "method=", "'lora', 'full'"),
    ("finetune", {"model": ""}, "model=", "at least 1 character"),
    ("finetune", {"model": "nobody"}, "nobody", "tiny"),
    ("finetune", {"data": "nothing"}, "nothing", "tickets"),
    ("finetune", {"data": ["tickets"]}, "data=", "string"),
    ("finetune", {"method": "full", "dora": True}, "dora", "method=lora"),
    ("finetune", {"method": "full", "targets": "q_proj"}, "targets", "method=lora"),
    ("finetune", {"method": "prompt_tuning", "dropout": 0.1}, "dropout", "method=lora"),
    ("finetune", {"probe": True, "search": 2}, "search", "leave probe out"),
    ("finetune", {"search": INF}, "search=", "finite"),
    ("finetune", {"replay_share": 1.0}, "replay_share=", "less than or equal to 0.9"),
    ("finetune", {"save_every": 0}, "save_every=", "greater than or equal to 1"),
    ("finetune", {"save_every": -5}, "save_every=", "greater than or equal to 1"),
    ("finetune", {"evaluate_every": 0}, "evaluate_every=", "greater than or equal to 1"),
    ("finetune", {"seed": -1}, "seed=", "greater than or equal to 0"),
    ("finetune", {"seed": 10**30}, "seed=", "less than"),
    ("finetune", {"virtual_tokens": 10**6}, "virtual_tokens=", "less than or equal to 512"),
    ("finetune", {"name": "../../etc/passwd"}, "name=", "letters, digits"),
    ("finetune", {"name": "x" * 1000}, "name=", "at most 60"),
    ("finetune", {"steps": 10, "epochs": 3}, "epochs", "leave"),
    ("finetune", {"learning_rte": 0.1}, "learning_rte", "lr"),
    ("pretrain", {"hidden": 100, "heads": 3}, "hidden=100", "multiple"),
    ("pretrain", {"heads": 4, "kv_heads": 3}, "heads=4", "multiple"),
    ("pretrain", {"vocab": 10}, "vocab=", "greater than or equal to 300"),
    ("pretrain", {"context": 10**9}, "context=", "less than or equal to 8192"),
    ("pretrain", {"model": "tiny", "hidden": 256}, "hidden", "leave it out"),
    ("pretrain", {"model": "nobody"}, "nobody", "tiny"),
    ("pretrain", {"lr": NAN}, "lr=", "finite"),
    ("pretrain", {"answer_weight": INF}, "answer_weight=", "finite"),
    ("pretrain", {"answer_weight": NAN}, "answer_weight=", "finite"),
    ("pretrain", {"name": "a/b"}, "name=", "letters, digits"),
    ("evaluate", {"split": "train"}, "split=", "'test' or 'dev'"),
    ("evaluate", {"metrics": ["vibes"]}, "metrics", "exact_match"),
    ("evaluate", {"limit": 0}, "limit=", "greater than or equal to 1"),
    ("evaluate", {"margin": NAN}, "margin=", "finite"),
    ("evaluate", {"margin": -0.5}, "margin=", "greater than or equal to 0"),
    ("evaluate", {"resamples": 1}, "resamples=", "greater than or equal to 2000"),
    ("evaluate", {"compare_to": "nobody"}, "nobody", "tiny"),
    ("evaluate", {"model": "tiny", "compare_to": "tiny"}, "compare_to", "another"),
    ("evaluate", {"batch": "many"}, "batch=", "integer"),
    ("pretrain", {"data": "tickets"}, "data=tickets", "corpus"),
    ("rlhf", {"preferences": "tickets"}, "preferences=tickets", "preference"),
    ("prompt", {"shots": ""}, "shots", "integer"),
    ("prompt", {"shots": []}, "shots=", "one to eight"),
    ("prompt", {"shots": [-1]}, "shots=", "from 0 to 64"),
    ("prompt", {"shots": [10**9]}, "shots=", "from 0 to 64"),
    ("prompt", {"instructions": []}, "instructions=", "at least one"),
    ("prompt", {"selection": []}, "selection=", "at least one"),
    ("prompt", {"format": "xml"}, "format", "'json'"),
    ("prompt", {"max_new_tokens": 0}, "max_new_tokens=", "greater than or equal to 1"),
    ("rlhf", {"beta": NAN}, "beta=", "finite"),
    ("rlhf", {"beta": -1}, "beta=", "greater than or equal to 0"),
    ("rlhf", {"generations": 1}, "generations=", "greater than or equal to 2"),
    ("rlhf", {"method": "ppo"}, "method=", "'grpo' or 'dpo'"),
    ("rlhf", {"lr": INF}, "lr=", "finite"),
    ("quantize", {"method": "int1"}, "method=", "'int8'"),
    ("quantize", {"margin": NAN}, "margin=", "finite"),
    ("quantize", {"limit": -3}, "limit=", "greater than or equal to 1"),
    ("serve", {"port": 99_999}, "port=", "less than or equal to 65535"),
    ("serve", {"threshold": NAN}, "threshold=", "finite"),
    ("serve", {"threshold": 2}, "threshold=", "less than or equal to 1"),
    ("augment", {"coverage": 0}, "coverage=", "greater than 0"),
    ("augment", {"coverage": NAN}, "coverage=", "finite"),
    ("augment", {"window": 0}, "window=", "greater than or equal to 1"),
    ("data", {"path": ""}, "path=", "at least 1 character"),
    ("data", {"path": "a.jsonl", "dev": INF}, "dev=", "finite"),
    ("data", {"path": "a.jsonl", "test": NAN}, "test=", "finite"),
    ("data", {"path": "a.jsonl", "kind": "poem"}, "kind=", "'task'"),
    ("data", {"path": "a.jsonl", "limit": 0}, "limit=", "greater than or equal to 1"),
    ("data", {"path": "a.jsonl", "name": "../x"}, "name=", "letters, digits"),
    ("compare", {"runs": ["j1"] * 100}, "runs=", "at most 40"),
    ("report", {"title": "x" * 10_000}, "title=", "at most 120"),
    ("teleport", {}, "teleport", "finetune"),
]


@pytest.fixture(scope="module")
def project() -> Project:
    return Walk().to(Stage.DEPLOY, work=True).project


def propose(project: Project, tool: str, params: dict[str, Any]) -> None:
    """What is done with a request before anybody is asked to confirm it."""
    resolved = resolve(project, CATALOGUE, tool, params)
    declared = CATALOGUE[tool]
    declared.plan(declared.parameters.model_validate(resolved.params), resolved.inputs)


@pytest.mark.parametrize(
    ("tool", "params", "field", "mend"), ABSURD, ids=[f"{tool}-{params}"[:60] for tool, params, _, _ in ABSURD]
)
def test_it_is_answered_before_the_job(
    project: Project, tool: str, params: dict[str, Any], field: str, mend: str
) -> None:
    with pytest.raises((Unresolved, UserFault)) as refused:
        propose(project, tool, params)
    said = str(refused.value)
    assert field in said and mend in said, said
    assert "Traceback" not in said and len(said) < 700


@pytest.mark.skipif(find_gpu() is not None, reason="this machine has a GPU")
def test_four_bits_without_a_gpu_are_refused_before_the_job(project: Project) -> None:
    with pytest.raises(UserFault, match="on a GPU, and this machine has none; use method=lora"):
        propose(project, "finetune", {"method": "qlora"})


def test_what_is_asked_for_in_earnest_is_planned(project: Project) -> None:
    propose(project, "finetune", {"lr": 1e-3, "epochs": 2, "rank": 8})
    propose(project, "evaluate", {"split": "dev", "limit": 10})
