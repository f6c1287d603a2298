"""What is held against what."""

import pytest

from knowledge.contrast import meaning_of, sides


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is the difference between LoRA and full fine-tuning?", ("LoRA", "full fine-tuning")),
        ("what are the differences between DPO and KTO in practice", ("DPO", "KTO")),
        ("how does GRPO differ from PPO?", ("GRPO", "PPO")),
        ("how is a reward model different from a judge?", ("reward model", "judge")),
        ("compare PPO with GRPO", ("PPO", "GRPO")),
        ("RAG vs. fine-tuning", ("RAG", "fine-tuning")),
        ("RAG or fine-tuning?", ("RAG", "fine-tuning")),
        ("should we use LoRA or prompt tuning for this?", ("LoRA", "prompt tuning")),
        ("DPO 和 GRPO 的区别是什么？", ("DPO", "GRPO")),
        ("蒸馏与剪枝有什么不同？", ("蒸馏", "剪枝")),
        ("QLoRA 跟 LoRA 哪个更好？", ("QLoRA", "LoRA")),
        ("LoRA 和 QLoRA 比较", ("LoRA", "QLoRA")),
        ("比较一下 PPO 和 GRPO", ("PPO", "GRPO")),
        ("该用 LoRA 还是全量微调？", ("LoRA", "全量微调")),
        ("what is LoRA?", None),
        ("how long does LoRA take?", None),
        ("LoRA or lora?", None),
        ("what should people do who cannot come to the office on Monday or want to work from home?", None),
        ("奖励模型是什么？", None),
        ("", None),
        ("difference between " + "this and that " * 100, None),
    ],
)
def test_both_sides_of_a_comparison_are_named(question: str, found: tuple[str, str] | None) -> None:
    assert sides(question) == found


def test_a_side_is_asked_for_in_the_language_of_the_question() -> None:
    assert meaning_of("LoRA", "LoRA vs QLoRA") == "What is LoRA?"
    assert meaning_of("LoRA", "LoRA 还是全量微调？") == "什么是LoRA？"
