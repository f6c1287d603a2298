"""What a sentence says about a training, in English, Chinese and both."""

import pytest

from agent.graph.intents import Context
from agent.graph.tuning_words import tuning
from agent.graph.understand import understand
from tools.finetune.spec import FinetuneParameters
from tools.pretrain.spec import PretrainParameters

CONTEXT = Context(
    projects=("support-desk",),
    project="support-desk",
    models=("tiny", "tickets-lora"),
    datasets=("tickets", "tickets-v2", "corpus", "corpus-2"),
    jobs=("j12",),
    tools={"finetune": tuple(FinetuneParameters.model_fields), "pretrain": tuple(PretrainParameters.model_fields)},
)
SAID = [
    (
        "fine-tune the current model with LoRA on tickets-v2, 3 epochs",
        {"method": "lora", "data": "tickets-v2", "epochs": "3"},
    ),
    ("用 LoRA 微调 tickets-v2，3 轮", {"method": "lora", "data": "tickets-v2", "epochs": "3"}),
    (
        "full fine-tuning of tiny on tickets at lr 1e-4",
        {"method": "full", "model": "tiny", "data": "tickets", "lr": "1e-4"},
    ),
    ("tune all the weights of tiny on tickets", {"method": "full", "model": "tiny", "data": "tickets"}),
    ("全量微调 tiny，数据 tickets，学习率 1e-4", {"method": "full", "model": "tiny", "data": "tickets", "lr": "1e-4"}),
    ("fine-tune tiny on tickets in full", {"method": "full", "model": "tiny", "data": "tickets"}),
    ("QLoRA on tickets with rank 32", {"method": "qlora", "data": "tickets", "rank": "32"}),
    ("用 QLoRA 微调 tiny", {"method": "qlora", "model": "tiny"}),
    (
        "prompt tuning with 16 virtual tokens on tickets",
        {"method": "prompt_tuning", "data": "tickets", "virtual_tokens": "16"},
    ),
    ("提示微调 tickets，16 个虚拟 token", {"method": "prompt_tuning", "data": "tickets", "virtual_tokens": "16"}),
    (
        "prefix tuning of tiny with 16 virtual tokens on tickets",
        {"method": "prefix_tuning", "model": "tiny", "data": "tickets", "virtual_tokens": "16"},
    ),
    ("用前缀微调 tiny，数据 tickets", {"method": "prefix_tuning", "model": "tiny", "data": "tickets"}),
    (
        "train tiny on tickets with DoRA, rank 32",
        {"method": "lora", "dora": "true", "model": "tiny", "data": "tickets", "rank": "32"},
    ),
    (
        "fine-tune tiny with rank-stabilised LoRA on tickets",
        {"method": "lora", "rslora": "true", "model": "tiny", "data": "tickets"},
    ),
    (
        "search for the best settings for 15 minutes and then fine-tune tiny on tickets",
        {"search": "15", "model": "tiny", "data": "tickets"},
    ),
    ("先搜索超参数 15 分钟再微调 tickets", {"search": "15", "data": "tickets"}),
    ("fine-tune tiny on tickets and stop early", {"early_stopping": "2", "model": "tiny", "data": "tickets"}),
    ("微调 tickets 并提前停止", {"early_stopping": "2", "data": "tickets"}),
    ("fine-tune on tickets with packing", {"packing": "true", "data": "tickets"}),
    (
        "find a good learning rate first and tune tiny on tickets",
        {"probe": "true", "model": "tiny", "data": "tickets"},
    ),
    (
        "只在 q_proj 和 v_proj 上用 LoRA 微调 tickets",
        {"method": "lora", "targets": "q_proj,v_proj", "data": "tickets"},
    ),
    (
        "finetune tickets with adapters on q_proj and v_proj only",
        {"method": "lora", "targets": "q_proj,v_proj", "data": "tickets"},
    ),
]


@pytest.mark.parametrize(("text", "wanted"), SAID)
def test_a_sentence_gives_method_and_settings(text: str, wanted: dict[str, str]) -> None:
    found = understand(text, CONTEXT)
    assert (found.intent, found.arguments) == ("finetune", wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "continue pre-training tiny on corpus-2 for 200 steps",
            {"model": "tiny", "data": "corpus-2", "steps": "200"},
        ),
        ("在 corpus-2 上继续预训练 tiny", {"model": "tiny", "data": "corpus-2"}),
        ("pre-train tiny further on corpus-2", {"model": "tiny", "data": "corpus-2"}),
        ("continue pretraining tickets-lorra on corpus", {"model": "tickets-lora", "data": "corpus"}),
        ("keep pretraining tickets-lora on corpus", {"model": "tickets-lora", "data": "corpus"}),
        ("do continued pre-training on corpus-2", {"model": "current", "data": "corpus-2"}),
        ("用 corpus-2 继续预训练 200 步", {"model": "current", "data": "corpus-2", "steps": "200"}),
        ("pretrain tiny on corpus-2 steps=50", {"model": "tiny", "data": "corpus-2", "steps": "50"}),
        ("pre-train a tiny model on corpus", {"data": "corpus"}),
        ("train a tiny language model from scratch on corpus", {"data": "corpus"}),
        ("从零开始在 corpus 上预训练", {"data": "corpus"}),
    ],
)
def test_a_pre_training_is_from_scratch_unless_a_model_is_to_go_on(text: str, wanted: dict[str, str]) -> None:
    found = understand(text, CONTEXT)
    assert (found.intent, found.arguments) == ("pretrain", wanted)


@pytest.mark.parametrize(
    "text", ["continue job 12", "continue the training", "恢复任务", "pick up the cancelled job again"]
)
def test_a_job_that_is_to_go_on_is_another_matter(text: str) -> None:
    assert understand(text, CONTEXT).intent == "resume"


@pytest.mark.parametrize("text", ["fine-tune it", "train two more epochs on tickets", "再训练一次", "x" * 100_000])
def test_nothing_is_read_into_a_sentence_that_says_nothing_of_it(text: str) -> None:
    assert tuning(text) == {}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("How many epochs should I train with little data?", "ask_knowledge"),
        ("add the model /models/qwen to the candidates", "add_model"),
        ("please change the charter, cost=40 dollars", "set_charter"),
        ("Who approved the launch?", "approvals"),
    ],
)
def test_what_only_sounds_like_something_else(text: str, intent: str) -> None:
    assert understand(text, CONTEXT).intent == intent


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("register /d/mails.csv and mask personal data", {"path": "/d/mails.csv", "mask": "true"}),
        ("登记 /d/mails.csv，个人信息脱敏", {"path": "/d/mails.csv", "mask": "true"}),
        ("register data /d/t.parquet grouped by customer", {"path": "/d/t.parquet", "group_column": "customer"}),
    ],
)
def test_data_is_masked_and_grouped_on_request(text: str, wanted: dict[str, str]) -> None:
    found = understand(text, CONTEXT)
    assert (found.intent, found.arguments) == ("register_data", wanted)
