"""Whose sentence is Chinese, whose English, and what has no language."""

import pytest

from agent.language.detect import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我们到哪一步了？", "zh"),
        ("用 LoRA 在 tickets 上微调", "zh"),
        ("what is the target of this project", "en"),
        ("在 how are we doing 里面", "zh"),
    ],
)
def test_a_sentence_has_its_language_whatever_was_spoken_before(text: str, language: str) -> None:
    assert language_of(text, "en") == language_of(text, "zh") == language


@pytest.mark.parametrize("text", ["status", "yes", "approve 31", "register data /数据/问题.csv", "name=项目", "17", ""])
def test_commands_names_and_paths_have_none(text: str) -> None:
    assert (language_of(text, "en"), language_of(text, "zh")) == ("en", "zh")
