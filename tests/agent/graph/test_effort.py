"""Which phase a question for time, effort or expertise is about, and what the project's own jobs took."""

import pytest
from walk import Walk

from agent.graph.effort import of_phase, phase_asked, taken
from agent.lifecycle.estimates import Phase
from agent.lifecycle.stages import Stage


@pytest.mark.parametrize(
    ("question", "phase"),
    [
        ("how long does LoRA take?", Phase.TUNING),
        ("and how long does fine-tuning a model take", Phase.TUNING),
        ("How long does prompt tuning usually take?", Phase.TUNING),
        ("how much effort does prompting need?", Phase.PROMPTING),
        ("how hard is RLHF?", Phase.ALIGNMENT),
        ("what expertise does training a reward model need?", Phase.ALIGNMENT),
        ("how long does distillation take?", Phase.OPTIMISATION),
        ("how much time does pretraining take?", Phase.PRETRAINING),
        ("LoRA 要多长时间？", Phase.TUNING),
        ("微调要多久？", Phase.TUNING),
        ("RLHF 大概要多久？", Phase.ALIGNMENT),
        ("量化需要多久", Phase.OPTIMISATION),
        ("how long did the fine-tuning take?", None),
        ("how long do returns take?", None),
        ("how long are the passages of a fine-tuning guide?", None),
        ("what is LoRA?", None),
        ("退货要多久？", None),
    ],
)
def test_a_method_is_of_a_phase(question: str, phase: Phase | None) -> None:
    assert phase_asked(question) is phase


def test_the_guides_are_asked_in_the_language_of_the_question() -> None:
    assert of_phase(Phase.TUNING, "how long does LoRA take?").startswith("How long does prompt tuning and fine-tuning")
    assert of_phase(Phase.TUNING, "LoRA 要多久？").startswith("提示微调与微调要多少时间")


def test_what_the_projects_own_jobs_took_is_told() -> None:
    project = Walk().to(Stage.ALIGN).project
    assert taken(project, Phase.TUNING) == "In support-desk one `finetune` job took 22 s."
    assert taken(project, Phase.OPTIMISATION) == ""
