"""Files that people share: fetched once, bounded, under the home, by a name that harms nothing."""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from slack_parts import delivery

from agent.errors import Mendable, Unreachable
from agent.graph.grammar import parse
from agent.graph.intents import Context, Intent
from agent.slack.model import Attachment
from agent.slack.uploads import Uploads, refuse, same_site, shown

SLACK = "https://slack.com/api/"
LOCAL = "http://127.0.0.1:8377/api/"


def shared(name="rows.csv", size=10, file_id="F0FILE"):
    file = Attachment(id=file_id, name=name, size=size, url=f"https://files.slack.com/{file_id}")
    return delivery(1, way="upload", text="", files=(file,))


class Road:
    """Hands files over in pieces and counts how often."""

    def __init__(self, *pieces, fails=None):
        self.pieces, self.fails, self.times = pieces, fails, 0

    @asynccontextmanager
    async def __call__(self, team, url):
        self.times += 1

        async def chunks():
            for piece in self.pieces:
                yield piece
            if self.fails:
                raise self.fails

        yield chunks()


def command(folder, road, item, limit=1000):
    return asyncio.run(Uploads(folder, road, limit).command(item))


@pytest.mark.parametrize(
    ("name", "intent", "kept"),
    [
        ("rows.csv", Intent.REGISTER_DATA, "rows"),
        ("My Tickets (final).JSONL", Intent.REGISTER_DATA, "My-Tickets-final"),
        ("../../etc/passwd.csv", Intent.REGISTER_DATA, "passwd"),
        ("..\\..\\boot.csv", Intent.REGISTER_DATA, "boot"),
        ("数据.parquet", Intent.REGISTER_DATA, "file-f0file"),
        ("été.json", Intent.REGISTER_DATA, "ete"),
        ('a" as b; rm -rf.csv', Intent.REGISTER_DATA, "a-as-b-rm--rf"),
        ("x" * 300 + ".csv", Intent.REGISTER_DATA, "x" * 80),
        ("-rf.csv", Intent.REGISTER_DATA, "rf"),
        (".csv.csv", Intent.REGISTER_DATA, "csv"),
        ("guide.md", Intent.ADD_DOCUMENTS, None),
        ("manual.PDF", Intent.ADD_DOCUMENTS, None),
        ("letter.docx", Intent.ADD_DOCUMENTS, None),
    ],
)
def test_a_file_becomes_a_command_with_a_safe_path(tmp_path, name, intent, kept):
    folder = tmp_path / "a home" / "uploads"
    said = command(folder, Road(b"ab", b"cd"), shared(name))
    reading = parse(said, Context())
    path = reading.arguments["path"]
    assert reading.intent is intent and reading.arguments.get("name") == kept
    assert os.path.realpath(path).startswith(str(folder))
    assert Path(path).read_bytes() == b"abcd"


def test_it_is_fetched_once_however_often_the_turn_is_taken(tmp_path):
    road = Road(b"abcd")
    assert command(tmp_path, road, shared()) == command(tmp_path, road, shared())
    assert road.times == 1


@pytest.mark.parametrize("name", ["tool.exe", "archive.zip", "rows", "rows.csv.sh", "image.png", ""])
def test_another_kind_is_a_sentence(tmp_path, name):
    road = Road(b"abcd")
    with pytest.raises(Mendable, match="CSV, JSONL"):
        command(tmp_path, road, shared(name))
    assert road.times == 0


def test_too_big_is_a_sentence_and_nothing_is_left(tmp_path):
    for item, road in ((shared(size=1001), Road(b"")), (shared(size=1), Road(b"a" * 600, b"a" * 600))):
        with pytest.raises(Mendable, match="too big"):
            command(tmp_path, road, item)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_road_that_breaks_leaves_nothing(tmp_path):
    with pytest.raises(Unreachable):
        command(tmp_path, Road(b"ab", fails=Unreachable("Slack did not hand over the file.")), shared())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert command(tmp_path, Road(b"abcd"), shared())


def test_an_id_that_is_none_makes_no_path(tmp_path):
    with pytest.raises(Mendable):
        command(tmp_path, Road(b"a"), shared(file_id="../../F1"))


def test_a_name_is_shown_harmlessly():
    assert shown(Attachment(id="F1", name="a<!channel>`b`\n*c*.exe", size=1, url="")) == "“a!channelbc.exe”"


@pytest.mark.parametrize(
    ("url", "api", "same"),
    [
        ("https://files.slack.com/files-pri/T-F/a.csv", SLACK, True),
        ("https://slack.com/a.csv", SLACK, True),
        ("https://evil.example/a.csv", SLACK, False),
        ("https://files.slack.com.evil.example/a.csv", SLACK, False),
        ("https://evilslack.com/a.csv", SLACK, False),
        ("http://files.slack.com/a.csv", SLACK, False),
        ("https://files.slack.com:8443/a.csv", SLACK, False),
        ("https://files.slack.com@evil.example/a.csv", SLACK, False),
        ("http://169.254.169.254/latest", SLACK, False),
        ("http://127.0.0.1:8377/files-pri/F1/a.csv", LOCAL, True),
        ("http://127.0.0.1:22/", LOCAL, False),
        ("file:///etc/passwd", LOCAL, False),
        ("", SLACK, False),
    ],
)
def test_the_token_goes_to_slack_only(url, api, same):
    assert same_site(url, api) is same
    if not same:
        with pytest.raises(Unreachable):
            refuse(url, api)


def test_a_kept_file_is_shown_by_its_name(tmp_path):
    uploads = Uploads(tmp_path, Road(b"a"), 100)
    path = asyncio.run(uploads.command(shared("my rows.csv"))).split('"')[1]
    assert uploads.named(f"Read {path} and check it; `{path}`, {tmp_path}/other.csv") == (
        f"Read my-rows.csv and check it; `my-rows.csv`, {tmp_path}/other.csv"
    )
