"""Odyssey's own sentences in Chinese; everything else as it is."""

import re

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from walk import Walk

from agent.graph.conversation import Conversation
from agent.language.translation import Translation, chinese
from agent.lifecycle.events import Advance
from agent.lifecycle.stages import Stage
from tests.agent.graph.conftest import speaker
from tests.agent.graph.desk import MemoryDesk
from tests.english import is_english
from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Split
from tools.finetune.plan import plan
from tools.finetune.spec import FinetuneParameters

MEMORY = Translation(
    {
        "{project} is at {stage}.": "{project} 处于{stage}。",
        "1 Define the scope": "1 定义范围",
        "because {reason}": "理由：{reason}",
        "Requirement": "要求",
        "open": "打开",
        "{title} ({found}; wanted: {wanted})": "{title}（{found}；要求：{wanted}）",
        "Missing: {lacking}.": "缺：{lacking}。",
    }
)


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("desk is at 1 Define the scope.", "desk 处于1 定义范围。"),
        ("- because it is small", "- 理由：it is small"),
        ("| Requirement | x |\n|---|---|\n| open | `open` |", "| 要求 | x |\n|---|---|\n| 打开 | `open` |"),
        ("**open**", "**打开**"),
        ("A sentence of nobody. desk is at 1 Define the scope.", "A sentence of nobody. desk 处于1 定义范围。"),
        ("Missing: a (1; wanted: 2); b (3; wanted: 4).", "缺：a（1；要求：2）；b（3；要求：4）。"),
        ("```\nopen\n```", "```\nopen\n```"),
        ("", ""),
    ],
)
def test_known_sentences_are_said_in_chinese_and_what_they_carry_is_kept(english: str, said: str) -> None:
    assert MEMORY.reply(english) == said


def test_every_sentence_keeps_its_places() -> None:
    for english, other in chinese().memory.items():
        assert set(re.findall(r"\{(\w+)\}", other)) <= set(re.findall(r"\{(\w+)\}", english)), english
        assert re.search(r"[\u4e00-\u9fff]", other) or not re.search(r"[a-z]{3,} [a-z]{3,}", other), english


ASKED = (
    "我们到哪一步了？", "gate", "charter", "data", "models", "jobs", "approvals", "history", "evidence", "best",
    "compare", "decisions", "spent", "下一步做什么", "帮助", "advance", "是", "projects", "微调模型", "否", "wait",
    "finetune rank=-3", "cancel 99", "use ghost", "skip align because 没有偏好数据", "否", "role bob approver", "否",
    "approve 99", "胡说八道", "go back to scope", "rules approvers=2", "choose model ghost",
)  # fmt: skip


@pytest.mark.parametrize("stage", [Stage.SCOPE, Stage.SELECT, Stage.ASSESS, Stage.DEPLOY, Stage.LAUNCHED])
def test_who_speaks_chinese_is_answered_in_chinese(stage: Stage) -> None:
    walk = Walk().to(stage, work=stage is not Stage.LAUNCHED)
    if stage is Stage.SCOPE:
        walk.ok(Advance())
    say = speaker(Conversation(MemoryDesk.holding(walk.project), InMemorySaver()))
    left = {line for text in ASKED for line in say(text).text.split("\n") if is_english(_WRITTEN.sub("", line))}
    assert not left


# What a team wrote into the sample project, which no translation may touch.
_WRITTEN = re.compile(
    r"answers customers' questions about orders|the support team|invented facts, an impolite tone"
    r"|nothing beyond this machine|small enough for this machine, and trained on our own language"
)


def test_the_help_in_chinese_explains_nothing_in_english() -> None:
    said = speaker(Conversation(MemoryDesk.holding(Walk().to(Stage.ASSESS).project), InMemorySaver()))("帮助").text
    assert "逐项询问" in said and "field by field" not in said
    assert "分享文件" in said


def test_who_speaks_english_is_answered_in_english_beside_it() -> None:
    conversation = Conversation(MemoryDesk.holding(Walk().to(Stage.ASSESS).project), InMemorySaver())
    assert "处于" in speaker(conversation, "ana", "shared")("我们到哪一步了？").text
    assert "is at" in speaker(conversation, "ben", "shared")("where are we right now?").text
    assert "处于" in speaker(conversation, "ana", "shared")("status").text


@pytest.mark.parametrize("given", [{"probe": True}, {"search": 5}, {"search": 5, "steps": 9}, {"early_stopping": 2}])
@pytest.mark.parametrize("kind", [ModelKind.ENCODER, ModelKind.CAUSAL])
def test_what_a_fine_tuning_will_try_is_said_in_chinese(kind: ModelKind, given: dict[str, object]) -> None:
    model = Candidate(name="m", kind=kind, path="/m", digest="d", method="existing", parameters=9)
    split = Split(path="p", digest="d", rows=500)
    data = Dataset(name="faq", kind=DataKind.TASK, digest="d", splits={"train": split, "dev": split})
    params = FinetuneParameters.model_validate({"data": "faq", **given})
    found = plan(params, Inputs(models={"model": model}, data={"data": data}))
    assert not [step for step in found.steps if re.search(r"[a-z]{2,} [a-z]{2,} ", chinese().reply(step))]


ENDED = (
    "questions is labelled data with 9,998 rows of 77 labels (8,198 train, 800 dev, 1,000 test); 5 repeated rows were"
    " dropped; 53 held-out texts nearly stand in the training rows.",
    "tiny (0.94 M weights) read 512,000 tokens: perplexity 1.80 on 233 held-out texts.",
    "Zero-shot does best of 6 prompts with tiny on tickets: exact match 0.000 [0.000, 0.000] on 100 development rows,"
    " 41 tokens a question; +0.000 [+0.000, +0.000] against the bare question there. It cannot be told from one-shot"
    " and others by paired tests, corrected for their number.",
    "tickets-lora learned tickets in 567 steps: exact match 1.000 [1.000, 1.000] on 168 development rows.",
    "classifier learned 77 labels from 2,913 rows: accuracy 0.940 [0.918, 0.960] on the development split, 0.864 before"
    " training. Settings chosen by 8 short runs: learning rate 0.001, 20 passes.",
    "ner learned to find 2 kinds of entities from 302 rows: entity F1 1.000 [1.000, 1.000] on 34 development rows,"
    " 0.595 before training.",
    "aligned-dpo on helpfulness (test): checklist passed 0.983 [0.958, 1.000] on 120 items; against tickets-lora it"
    " wins 0.775 [0.729, 0.821]. Verdict against tickets-lora, margin 0.03: better. 64 items became better and"
    " 0 worse.",
    "ner on names (test): entity F1 1.000 [1.000, 1.000] on 120 rows, precision 1.000, recall 1.000; against minilm it"
    " differs by +0.539 [+0.480, +0.600]. By kind: LOC 1.000, PER 1.000. Verdict against minilm, margin 0.03: no worse"
    " within the margin. 94 items became better and 0 worse.",
    "aligned-grpo is aligned with GRPO: reward 2.02 to 3.85, exact match 1.00 to 1.00.",
    "desk-int8 takes 1.52 MB instead of 3.84 MB; exact match +0.000 [+0.000, +0.000] on 150 development rows: at parity"
    " within 0.03.",
    "desk-int8 answers at http://127.0.0.1:32853: 24 requests answered, 95 % of them within 80 ms.",
    "With retrieval desk-int8 gets 0.92 of 72 facts right, without 0.00: a difference of +0.92 [+0.85, +0.97].",
    "Deciding 88% of 1,000 test rows and leaving the rest to people: accuracy 0.958 [0.944, 0.971] instead of 0.914.",
    "support-desk is ready to launch. Model card of desk-int8 and launch report are written.",
)


@pytest.mark.parametrize("summary", ENDED)
def test_what_a_job_came_to_is_said_in_chinese_with_every_figure(summary: str) -> None:
    said = chinese().reply(summary)
    assert not re.search(r"[a-z]{2,} [a-z]{2,} |[;.] |[a-z]\.$", said)
    figures = re.compile(r"[-+]?\d+(?:[.,]\d+)*")
    assert sorted(figures.findall(said)) == sorted(figures.findall(summary))
