"""Copies of what people gave: one of each document a project has, none of what was replaced or taken out."""

from pathlib import Path

from estate import Estate
from walk import Walk

from agent.documents import discard, keep
from agent.lifecycle.events import RemoveDocument
from agent.lifecycle.project import DocumentRef
from agent.lifecycle.stages import Stage


def kept(estate: Estate) -> list[str]:
    folder = estate.home / "documents" / estate.project.id
    return sorted(path.read_text() for path in folder.iterdir()) if folder.is_dir() else []


def test_what_is_replaced_or_taken_out_leaves_no_copy(tmp_path: Path) -> None:
    policy, prices = tmp_path / "policy.md", tmp_path / "prices.md"
    with Estate(tmp_path / "home", Walk().to(Stage.ASSESS)) as estate:
        owner, project = estate.owner, estate.project.id

        def give(file: Path, text: str) -> None:
            file.write_text(text)
            number = next(estate.events)
            owner.add_documents("ana", project, file, f"given-{number}")
            assert estate.dispatcher.wait_for(f"given-{number}:0", 30)

        give(policy, "Returns take 14 days.")
        give(prices, "A chair is 40 euros.")
        give(policy, "Returns take 30 days.")
        assert kept(estate) == ["A chair is 40 euros.", "Returns take 30 days."]
        give(policy, "Returns take 30 days.")
        owner.submit("ana", project, RemoveDocument(name="prices.md"), "gone")
        assert estate.dispatcher.wait_for("gone", 30)
        assert kept(estate) == ["Returns take 30 days."]


def test_only_copies_are_removed(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text("Mine.")
    body = keep(tmp_path / "home", "p1", file, "mine.md", event_id="e1")
    again = keep(tmp_path / "home", "p1", file, "mine.md", event_id="e1")
    assert body == again and Path(body.path).read_text() == "Mine."
    project = Walk().to(Stage.ASSESS).project
    now = project.jobs[next(iter(project.jobs))].requested_at
    own = DocumentRef(name="mine.md", path=str(file), digest=body.digest, by="ana", at=now)
    discard(tmp_path / "home" / "documents", project, own)
    around = own.model_copy(update={"path": f"{tmp_path}/home/documents/../../mine.md"})
    discard(tmp_path / "home" / "documents", project, around)
    assert file.exists(), "not one of ours"
    copy = own.model_copy(update={"path": body.path})
    discard(tmp_path / "home" / "documents", project.model_copy(update={"documents": {"mine.md": copy}}), copy)
    assert Path(body.path).exists(), "still read"
    discard(tmp_path / "home" / "documents", project, copy)
    assert not Path(body.path).exists()
