"""What the README shows is what there is."""

import re
import shlex
from pathlib import Path

import pytest

from agent.__main__ import parser
from agent.graph.lifecycle import mermaid
from agent.graph.understand import understand
from agent.settings import Settings, SlackSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:echo .* \| )?(odyssey .+)$", README, re.MULTILINE)


def test_the_picture_of_the_life_cycle_is_its_drawing():
    shown = re.search(r"```mermaid\n(.*?)\n```", README, re.DOTALL)
    assert shown is not None and shown[1].strip() == mermaid().strip()


def test_every_setting_is_described():
    for prefix, settings in (("ODYSSEY", Settings), ("SLACK", SlackSettings)):
        described = set(re.findall(rf"^\| `{prefix}_([A-Z_]+)` \|", README, re.MULTILINE))
        assert described == {name.upper() for name in settings.model_fields}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_is_one(command):
    assert parser().parse_args(shlex.split(command)[1:])


def test_commands_are_shown():
    assert len(COMMANDS) >= 8


def test_the_make_targets_shown_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test", "run", "setup"} <= set(targets)
    assert set(re.findall(r"make ([\w-]+)", README)) - {"are"} <= set(targets)


def test_the_sentence_shown_is_understood():
    found = understand("fine-tune with rank 16 on tickets")
    assert found.intent == "finetune" and str(found.arguments["rank"]) == "16"


def test_every_folder_and_file_named_exists():
    for name in re.findall(r"`((?:agent|tools|knowledge|tests)[\w/]*)`", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (ROOT / name).exists(), name
