"""Searching, taking documents in and the index's soundness, as scripts use them, through the owner's socket."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.client import open_client
from agent.lifecycle.events import CreateProject, SetCharter
from agent.settings import load

Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that is owned, with mei's project: every command asks its owner over the socket."""
    home = tmp_path_factory.mktemp("home")
    with open_client(load(home=home, warm=False)) as client:
        assert client.submit("mei", None, CreateProject(name="desk")).accepted
        yield home


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, list[str], str]:
        status = main(["--home", str(home), *arguments])
        shown = capsys.readouterr()
        return status, shown.out.splitlines(), shown.err

    return run


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "desk").mkdir(parents=True)
    (folder / "refund.md").write_text("# Refunds\n\nA refund of the Atlas plan takes 14 days.\n")
    (folder / "desk" / "hours.md").write_text("# Hours\n\nThe desk answers from 8 to 18 o'clock.\n")
    (folder / "picture.txt").write_bytes(b"\x00\x01\xff\xfe\x00 no text")
    return folder


def test_a_batch_is_taken_in_but_for_what_cannot_be_read(run: Run, documents: Path) -> None:
    status, lines, _ = run("ingest", str(documents), str(documents / "gone.md"), "--project", "desk", "--as", "mei")
    assert status == 1
    assert [("not taken" in line, line.split(":")[0]) for line in lines] == [
        (False, str(documents / "desk" / "hours.md")),
        (True, str(documents / "picture.txt")),
        (False, str(documents / "refund.md")),
        (True, str(documents / "gone.md")),
    ]
    status, lines, _ = run(
        "ingest", str(documents / "desk"), "--project", "desk", "--as", "mei", "--audience", "workspace", "--json"
    )
    document = json.loads(lines[0])["document"]
    assert status == 0
    assert (document["name"], document["owner"], document["audience"]) == ("hours.md", "mei", "workspace")


def test_search_and_ask_give_scripts_one_object_a_line(run: Run, documents: Path, tmp_path: Path) -> None:
    assert run("ingest", str(documents / "refund.md"), "--project", "desk", "--as", "mei")[0] == 0
    asked = ("How long does a refund of the Atlas plan take?", "--project", "desk", "--as", "mei")
    _, lines, _ = run("search", *asked, "--k", "3", "--json")
    passages = json.loads(lines[0])["passages"]
    assert len(passages) == 3
    assert all(set(passage) == {"source", "heading", "text", "score"} for passage in passages)
    assert passages[0]["source"] == "refund.md"
    (tmp_path / "questions.jsonl").write_text('{"text": "What is LoRA?"}\n\n{"text": "什么是 LoRA？"}\n')
    _, lines, _ = run("search", "--jsonl", str(tmp_path / "questions.jsonl"), "--k", "1")
    assert [json.loads(line)["passages"][0]["source"] for line in lines] == ["lora.md", "lora.md"]
    _, lines, _ = run("ask", *asked, "--json")
    answer = json.loads(lines[0])
    assert {"answer", "language", "abstained", "as_of", "citations", "searched"} <= set(answer)
    cited = answer["citations"][0]
    assert {"source", "quote", "start", "end"} <= set(cited)
    assert cited["source"] == "refund.md" and "14 days" in cited["quote"]


def test_a_document_that_is_removed_is_answered_from_no_more(run: Run, home: Path, documents: Path) -> None:
    assert run("ingest", str(documents / "refund.md"), "--project", "desk", "--as", "mei")[0] == 0
    with open_client(load(home=home, warm=False)) as client:
        asked = "How long does a refund of the Atlas plan take?"
        assert client.say("mei", "before", asked, "desk").citations
        assert client.say("mei", "t", "remove document refund.md", "desk").kind == "proposal"
        assert client.say("mei", "t", "yes").kind == "done"
        after = client.say("mei", "after", asked, "desk")
        assert after.data["abstained"] is True and not after.citations
        assert client.audit_knowledge().sound


def test_who_has_no_role_neither_adds_nor_searches(run: Run, documents: Path) -> None:
    for command in (("ingest", str(documents)), ("search", "refunds")):
        status, lines, error = run(*command, "--project", "desk", "--as", "eve")
        assert (status, lines) == (1, [])
        assert "eve sees no project called desk" in error


def test_what_is_asked_wrongly_is_said(run: Run, documents: Path) -> None:
    project = ("--project", "desk", "--as", "mei")
    assert "no audience everybody" in run("ingest", str(documents), *project, "--audience", "everybody")[2]
    assert "1 to 50 passages, not 0" in run("search", "refunds", "--k", "0", *project)[2]


def test_the_index_is_audited_and_made_anew(run: Run, documents: Path) -> None:
    assert run("ingest", str(documents / "refund.md"), "--project", "desk", "--as", "mei")[0] == 0
    assert run("knowledge", "audit")[0] == 0
    status, lines, _ = run("knowledge", "rebuild", "--json")
    assert status == 0
    assert "refund.md" in {document["name"] for document in json.loads(lines[0])["documents"]}
    status, lines, _ = run("knowledge", "audit", "--json")
    assert (status, json.loads(lines[0])["sound"]) == (0, True)


def test_the_project_itself_is_searched_with_what_its_last_event_said(run: Run, home: Path) -> None:
    with open_client(load(home=home, warm=False)) as client:
        project = client.find_project("mei", "desk")
        assert project is not None
        for users in ("the night shift of Utrecht", "the day shift of Delft"):
            assert client.submit("mei", project.id, SetCharter(users=users)).accepted
            hits = client.search("mei", "Who are the users in the charter of desk?", project.id, 10)
            own = [hit.text for hit in hits if hit.source == "charter"]
            assert own and users in own[0]
            assert run("knowledge", "audit")[0] == 0
