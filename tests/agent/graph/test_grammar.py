"""The commands: each has one meaning, and what only resembles one is left to the classifier."""

from typing import Any

import pytest

from agent.graph import grammar
from agent.graph.intents import Context, Intent
from tools.registry import TOOLS

CONTEXT = Context(
    projects=("support-desk",),
    models=("tiny", "tickets-lora"),
    datasets=("tickets", "corpus"),
    tools={name: tuple(tool.parameters.model_fields) for name, tool in TOOLS.items()},
)

COMMANDS: tuple[tuple[str, Intent, dict[str, Any]], ...] = (
    ("help", Intent.HELP, {}),
    ("/help finetune", Intent.HELP, {"topic": "finetune"}),
    ("projects", Intent.PROJECTS, {}),
    ("create project support-desk", Intent.CREATE_PROJECT, {"name": "support-desk"}),
    ("register data", Intent.REGISTER_DATA, {}),
    ("create project bot: answers tickets", Intent.CREATE_PROJECT, {"name": "bot", "description": "answers tickets"}),
    ('create project bot description="answers, politely"', Intent.CREATE_PROJECT,
     {"name": "bot", "description": "answers, politely"}),
    ("创建项目 客服", Intent.UNKNOWN, {}),
    ("创建项目 desk", Intent.CREATE_PROJECT, {"name": "desk"}),
    ("use support-desk", Intent.USE_PROJECT, {"name": "support-desk"}),
    ("use project other", Intent.USE_PROJECT, {"name": "other"}),
    ("charter", Intent.FILL_CHARTER, {}),
    ("show charter", Intent.CHARTER, {}),
    ("charter from /tmp/a.json", Intent.SET_CHARTER, {"path": "/tmp/a.json"}),
    ("charter target=0.9 description=routes support tickets metric=accuracy", Intent.SET_CHARTER,
     {"fields": {"target": "0.9", "description": "routes support tickets", "metric": "accuracy"}}),
    ("register data a b", Intent.UNKNOWN, {}),
    ("register data data/a.csv as banking text_column=text label_column=y", Intent.REGISTER_DATA,
     {"path": "data/a.csv", "name": "banking", "text_column": "text", "label_column": "y"}),
    ('register data "my file.csv"', Intent.REGISTER_DATA, {"path": "my file.csv"}),
    ("register data support-desk:tickets as tickets", Intent.REGISTER_DATA,
     {"path": "support-desk:tickets", "name": "tickets"}),
    ("add documents ./docs", Intent.ADD_DOCUMENTS, {"path": "./docs"}),
    ("add model minilm", Intent.ADD_MODEL, {"model": "minilm"}),
    ("choose model minilm because it is small, fast, and free", Intent.CHOOSE_MODEL,
     {"model": "minilm", "reason": "it is small, fast, and free"}),
    ("choose tiny", Intent.CHOOSE_MODEL, {"model": "tiny"}),
    ("finetune", Intent.FINETUNE, {}),
    ("fine-tune data=tickets epochs=3, rank=16", Intent.FINETUNE, {"data": "tickets", "epochs": "3", "rank": "16"}),
    ("finetune on tickets lr=2e-3", Intent.FINETUNE, {"data": "tickets", "lr": "2e-3"}),
    ("evaluate tickets-lora on tickets split=test", Intent.EVALUATE,
     {"model": "tickets-lora", "data": "tickets", "split": "test"}),
    ("evaluate model=current compare_to=parent", Intent.EVALUATE, {"model": "current", "compare_to": "parent"}),
    ("select candidates", Intent.CANDIDATES, {}),
    ("select folder=/models hub=Qwen/Qwen3-0.6B,a/b", Intent.CANDIDATES,
     {"folder": "/models", "hub": "Qwen/Qwen3-0.6B,a/b"}),
    ("compare candidate models folder=/models", Intent.CANDIDATES, {"folder": "/models"}),
    ("which models could we use?", Intent.CANDIDATES, {}),
    ("which models could we use in /srv/models?", Intent.CANDIDATES, {"folder": "/srv/models"}),
    ("有哪些候选模型？", Intent.CANDIDATES, {}),
    ("我们能用哪些模型", Intent.CANDIDATES, {}),
    ("select tiny", Intent.CHOOSE_MODEL, {"model": "tiny"}),
    ("compare candidates", Intent.COMPARE, {}),
    ("候选模型", Intent.MODELS, {}),
    ("pretrain data=corpus name=tiny", Intent.PRETRAIN, {"data": "corpus", "name": "tiny"}),
    ("prompt shots=0,1,3", Intent.PROMPT, {"shots": "0,1,3"}),
    ("rlhf method=dpo", Intent.RLHF, {"method": "dpo"}),
    ("quantize", Intent.QUANTIZE, {}),
    ("serve port=8080", Intent.SERVE, {"port": "8080"}),
    ("augment kind=retrieval data=facts", Intent.AUGMENT, {"kind": "retrieval", "data": "facts"}),
    ("report", Intent.REPORT, {}),
    ("jobs", Intent.JOBS, {}),
    ("cancel 12", Intent.CANCEL, {"job": "12"}),
    ("cancel j12", Intent.CANCEL, {"job": "j12"}),
    ("resume job 12", Intent.RESUME, {"job": "12"}),
    ("wait", Intent.WAIT, {}),
    ("wait j12", Intent.WAIT, {"job": "j12"}),
    ("advance", Intent.ADVANCE, {}),
    ("reject 31 because the interval is wide", Intent.REJECT, {"number": 31, "reason": "the interval is wide"}),
    ("go back to assess because the data changed", Intent.GO_BACK, {"stage": "assess", "reason": "the data changed"}),
    ("go back to 3, because it failed", Intent.GO_BACK, {"stage": "assess", "reason": "it failed"}),
    ("go back to bed because I am tired", Intent.UNKNOWN, {}),
    ("skip align because labels have no tone", Intent.SKIP, {"what": "align", "reason": "labels have no tone"}),
    ("waive latency because it is a pilot", Intent.WAIVE, {"requirement": "latency", "reason": "it is a pilot"}),
    ("role bob approver", Intent.SET_ROLE, {"person": "bob", "role": "approver"}),
    ("rules approvers=2 self_approval=false", Intent.SET_RULES, {"approvers": "2", "self_approval": "false"}),
    ("status", Intent.WHERE, {}),
    ("gate", Intent.GATE, {}),
    ("show the evidence", Intent.EVIDENCE, {}),
    ("next", Intent.NEXT, {}),
    ("audit", Intent.AUDIT, {}),
    ("history", Intent.HISTORY, {}),
    ("members", Intent.MEMBERS, {}),
    ("who owns this project?", Intent.MEMBERS, {}),
    ("who can approve?", Intent.MEMBERS, {}),
    ("who are the approvers?", Intent.MEMBERS, {}),
    ("谁是这个项目的负责人？", Intent.MEMBERS, {}),
    ("谁能批准？", Intent.MEMBERS, {}),
    ("状态", Intent.WHERE, {}),
    ("下一步", Intent.NEXT, {}),
    ("取消 12", Intent.CANCEL, {"job": "12"}),
    ("yes", Intent.YES, {}),
    ("confirm 3", Intent.YES, {"number": 3}),
    ("好的", Intent.YES, {}),
    ("no", Intent.NO, {}),
    ("算了", Intent.NO, {}),
    ("2", Intent.CHOICE, {"number": 2}),
    ("第2个", Intent.CHOICE, {"number": 2}),
    ("evaluate how well we are doing", Intent.UNKNOWN, {}),
    ("create project for me", Intent.UNKNOWN, {}),
    ("approve", Intent.UNKNOWN, {}),
    ("report on what happened", Intent.UNKNOWN, {}),
)  # fmt: skip


@pytest.mark.parametrize(("line", "intent", "arguments"), COMMANDS)
def test_a_command_has_one_meaning(line: str, intent: Intent, arguments: dict[str, Any]) -> None:
    found = grammar.parse(line, CONTEXT)
    if intent is Intent.UNKNOWN:
        assert found is None
    else:
        assert found is not None
        assert (found.intent, found.arguments) == (intent, arguments)


@pytest.mark.parametrize("line", ["HELP", "  help  ", "/help", "help.", "Help!"])
def test_case_space_and_punctuation_do_not_matter(line: str) -> None:
    found = grammar.parse(line, CONTEXT)
    assert found is not None
    assert found.intent is Intent.HELP


def test_pairs_reach_to_the_next_key_and_respect_quotes() -> None:
    assert grammar.pairs("a=1 b=two words c='x = y' d=none") == {"a": "1", "b": "two words", "c": "x = y", "d": None}
    assert grammar.pairs("not pairs") is None
    assert grammar.pairs("x a=1") is None
    assert grammar.pairs("") == {}
