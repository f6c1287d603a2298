"""Which files people may name, by where they speak."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from estate import Estate
from walk import Walk

from agent.lifecycle.stages import Stage
from agent.settings import Settings

SLACK = "slack:T1:C1:1700000000.000100"


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    home = tmp_path / "home"
    home.mkdir()
    with Estate(home, Walk().to(Stage.ASSESS)) as estate:
        yield estate


def lines(folder: Path) -> tuple[str, ...]:
    """A request of each kind that reads a file, and the file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text("text,label\na,b\n")
    (folder / "note.md").write_text("# Note\n\nAll of it.\n")
    (folder / "charter.json").write_text('{"cost": "none"}')
    (folder / "model").mkdir(exist_ok=True)
    return (
        f"register data {folder}/rows.csv as rows",
        f"add documents {folder}/note.md",
        f"charter from {folder}/charter.json",
        f"data path={folder}/rows.csv test_path={folder}/rows.csv",
        f"add model {folder}/model",
        f"select folder={folder}",
        f"evaluate tasks={folder}/task.yaml",
    )


def test_people_in_slack_name_only_what_was_shared_or_allowed(estate: Estate, tmp_path: Path) -> None:
    estate.owner.confine([tmp_path / "allowed"])
    say = lambda text: estate.owner.say("ana", SLACK, text, project=estate.project.id)  # noqa: E731
    for line in lines(tmp_path / "secret"):
        assert "not for people in Slack to name" in say(line).text, line
    for folder in (tmp_path / "allowed", estate.home / "uploads" / "T1" / "F1"):
        for line in lines(folder):
            assert "not for people in Slack" not in say(line).text, line


def test_a_way_round_by_dots_or_links_is_none(estate: Estate, tmp_path: Path) -> None:
    lines(tmp_path / "secret")
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link.csv").symlink_to(tmp_path / "secret" / "rows.csv")
    estate.owner.confine([allowed])
    two = f"evaluate tasks={allowed}/task.yaml,{tmp_path}/secret/task.yaml"
    chat = "evaluate data=tickets compare_to=tiny judge_url=http://127.0.0.1:8123/v1"
    for line in (two, chat):
        assert (
            "not for people in Slack to name" in estate.owner.say("ana", SLACK, line, project=estate.project.id).text
        ), line
    for path in (f"{allowed}/../secret/rows.csv", f"{allowed}/link.csv"):
        reply = estate.owner.say("ana", SLACK, f"register data {path} as rows", project=estate.project.id)
        assert "not for people in Slack to name" in reply.text


def test_at_a_terminal_and_at_a_local_workspace_every_file_can_be_named(estate: Estate, tmp_path: Path) -> None:
    estate.owner.confine([])
    first, *_ = lines(tmp_path / "anywhere")
    assert estate.owner.say("ana", "chat:ana", first, project=estate.project.id).kind == "proposal"
    estate.owner.confine(None)
    assert estate.owner.say("ana", SLACK, first, project=estate.project.id).kind == "proposal"


def test_folders_come_from_one_setting(tmp_path: Path) -> None:
    assert Settings(folders="/data:/srv/sets").folders == (Path("/data"), Path("/srv/sets"))
    assert Settings().folders == ()
