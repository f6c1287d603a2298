import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.catalogue import Catalogue
from knowledge.embed import OnnxEmbedder
from knowledge.errors import Busy, NotFound, Refused, Unavailable
from knowledge.knowledge import Knowledge
from knowledge.sources import Sources
from knowledge.store import VectorStore

Write = Callable[[str, str], Path]

ATLAS = "# Atlas plan\n\nThe Atlas plan's refund window is 17 days. It costs 31 euros a month.\n"


def vectors(knowledge: Knowledge, scope: str, embedder: OnnxEmbedder) -> int:
    """How many passages the vector store has of a scope."""
    return len(knowledge.retriever.store.nearest(scope, embedder.embed(["anything"])[0], 1000))


def test_a_document_is_found_and_quoted_exactly(knowledge: Knowledge, write: Write) -> None:
    document = knowledge.ingest("p1", write("atlas.md", ATLAS))
    assert (document.name, document.title, document.passages) == ("atlas.md", "Atlas plan", 1)
    (hit,) = knowledge.passages("What is the refund window of the Atlas plan?", "p1")
    assert "17 days" in hit.text
    assert knowledge.text(hit.scope, hit.source)[hit.start : hit.end] == hit.text


def test_the_same_document_again_changes_nothing(knowledge: Knowledge, write: Write) -> None:
    path = write("atlas.md", ATLAS)
    assert knowledge.ingest("p1", path) == knowledge.ingest("p1", path)
    assert len(knowledge.documents("p1")) == 1


def test_a_new_version_replaces_the_old_one(knowledge: Knowledge, write: Write, embedder: OnnxEmbedder) -> None:
    knowledge.ingest("p1", write("atlas.md", ATLAS + "\n## More\n\nOld words about zeppelins.\n"))
    knowledge.ingest("p1", write("atlas.md", ATLAS.replace("17", "23")))
    hits = knowledge.passages("refund window zeppelins", "p1")
    assert ["23 days" in hit.text for hit in hits] == [True]
    assert vectors(knowledge, "project/p1", embedder) == 1


def test_deleting_removes_every_passage(knowledge: Knowledge, write: Write, embedder: OnnxEmbedder) -> None:
    knowledge.ingest("p1", write("atlas.md", ATLAS))
    knowledge.delete("p1", "atlas.md")
    assert knowledge.documents("p1") == []
    assert knowledge.passages("refund window", "p1") == []
    assert vectors(knowledge, "project/p1", embedder) == 0
    with pytest.raises(NotFound, match="no document"):
        knowledge.delete("p1", "atlas.md")


def test_projects_do_not_see_each_other(knowledge: Knowledge, write: Write) -> None:
    knowledge.ingest("p1", write("atlas.md", ATLAS))
    knowledge.ingest("guides", write("other.md", "# Borealis\n\nThe Borealis window is 38 days.\n"))
    assert knowledge.passages("refund window", "p2") == []
    assert knowledge.answer("What is the refund window of the Atlas plan?", "p2").abstained
    assert knowledge.search("Borealis window") == []  # a project named like the guides is not the guides
    assert {hit.source for hit in knowledge.search("refund window", "p1")} == {"atlas.md"}


def test_a_refused_document_leaves_the_old_one(knowledge: Knowledge, write: Write, tmp_path: Path) -> None:
    path = write("atlas.md", ATLAS)
    knowledge.ingest("p1", path)
    path.write_bytes(b"\x00\x01")
    with pytest.raises(Refused):
        knowledge.ingest("p1", path)
    assert "17 days" in knowledge.passages("refund window", "p1")[0].text


@pytest.mark.parametrize(
    "question", ["", "?", "'; DROP TABLE words; --", '" OR *', "NEAR(a b)", "\x00", "x" * 20000, "🙂", "。"]
)
def test_rubbish_is_answered_without_a_fault(knowledge: Knowledge, write: Write, question: str) -> None:
    knowledge.ingest("p1", write("atlas.md", ATLAS))
    assert knowledge.answer(question, "p1").answer
    knowledge.search(question, "p1", k=3)


def test_an_empty_folder_abstains(knowledge: Knowledge) -> None:
    answer = knowledge.answer("What is LoRA?", "nobody")
    assert answer.abstained
    assert answer.searched == ("0 project documents (0 passages)", "0 guides (0 passages)")


def test_only_one_process_opens_a_folder(knowledge: Knowledge, embedder: OnnxEmbedder, tmp_path: Path) -> None:
    with pytest.raises(Busy, match=r"Process \d+ has .* open"):
        Knowledge(tmp_path / "knowledge", embedder)


def test_a_folder_opened_again_knows_what_it_knew(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    first = Knowledge(tmp_path / "k", embedder)
    first.ingest("p1", write("atlas.md", ATLAS))
    first.close()
    second = Knowledge(tmp_path / "k", embedder)
    assert "17 days" in second.passages("refund window", "p1")[0].text
    second.close()


def test_a_crash_between_the_stores_leaves_no_stray(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    """What stands after the first steps of an ingest, a replacement and a deletion, when the process dies there."""
    folder = tmp_path / "k"
    first = Knowledge(folder, embedder)
    first.ingest("p1", write("kept.md", ATLAS))
    first.ingest("p1", write("gone.md", "# Gone\n\nA page about zeppelins.\n"))
    first.close()
    catalogue, store = Catalogue(folder / "knowledge.sqlite"), VectorStore(folder / "chroma")
    catalogue.begin("project/p1", "new.md")
    store.add("project/p1", "new.md", "version", ["stray-0"], embedder.embed(["refund window"]))
    catalogue.begin("project/p1", "kept.md")
    store.add("project/p1", "kept.md", "newer", ["stray-1"], embedder.embed(["refund window"]))
    catalogue.begin("project/p1", "gone.md")
    Sources(folder / "sources").remove("project/p1", "gone.md")
    catalogue.close()
    store.close()
    second = Knowledge(folder, embedder)
    assert [d.name for d in second.documents("p1")] == ["kept.md"]
    assert vectors(second, "project/p1", embedder) == 1
    assert "17 days" in second.passages("refund window", "p1")[0].text
    second.close()


def test_a_lost_vector_store_is_filled_from_the_catalogue(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    first = Knowledge(tmp_path / "k", embedder)
    first.ingest("p1", write("atlas.md", ATLAS))
    first.close()
    (tmp_path / "k" / "chroma").rename(tmp_path / "lost")
    second = Knowledge(tmp_path / "k", embedder)
    assert vectors(second, "project/p1", embedder) == 1
    second.close()


def test_a_spoilt_catalogue_is_told_in_a_sentence_and_frees_the_folder(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    folder = tmp_path / "k"
    folder.mkdir()
    (folder / "knowledge.sqlite").write_text("this is no database, however long one looks at it")
    with pytest.raises(Unavailable, match="odyssey knowledge rebuild"):
        Knowledge(folder, embedder)
    (folder / "knowledge.sqlite").unlink()
    Knowledge(folder, embedder).close()


def test_a_spoilt_vector_store_is_mended_as_the_error_says(
    embedder: OnnxEmbedder, write: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "k"
    first = Knowledge(folder, embedder)
    first.ingest("p1", write("atlas.md", ATLAS))
    first.close()
    (folder / "chroma" / "chroma.sqlite3").write_text("this is no database, however long one looks at it")
    with pytest.raises(Unavailable, match="odyssey knowledge rebuild"):
        Knowledge(folder, embedder)
    mended = Knowledge(folder, embedder, fresh=True)
    assert mended.passages("refund window", "p1")
    mended.close()


class Shorter:
    """Another encoder, with other vectors."""

    name = "shorter"

    def __init__(self, embedder: OnnxEmbedder) -> None:
        self._embedder = embedder

    def embed(self, texts):
        vectors = self._embedder.embed(texts)[:, :128]
        return vectors / (vectors**2).sum(1, keepdims=True) ** 0.5


def test_another_encoder_indexes_everything_anew(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    first = Knowledge(tmp_path / "k", embedder)
    first.ingest("p1", write("atlas.md", ATLAS))
    first.close()
    second = Knowledge(tmp_path / "k", Shorter(embedder))
    assert "17 days" in second.passages("refund window", "p1")[0].text
    second.close()


def test_guides_are_indexed_once_and_follow_their_files(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nAbout apples.\n")
    (folder / "b.md").write_text("# B\n\nAbout pears.\n")
    knowledge = Knowledge(tmp_path / "k", embedder, tmp_path / "cache", folder)
    assert [d.name for d in knowledge.ensure_guides()] == ["a.md", "b.md"]
    (folder / "b.md").unlink()
    (folder / "a.md").write_text("# A\n\nAbout plums.\n")
    assert [d.name for d in knowledge.ensure_guides()] == ["a.md"]
    assert ["plums" in hit.text for hit in knowledge.search("plums or pears")] == [True]
    knowledge.close()


def test_threads_share_one_object(knowledge: Knowledge, write: Write) -> None:
    paths = [write(f"d{i}.md", f"# Plan {i}\n\nThe window of plan number {i} is {100 + i} days.\n") for i in range(8)]
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            knowledge.ingest("p1", paths[number])
            assert str(100 + number) in knowledge.passages(f"window of plan number {number}", "p1")[0].text
        except BaseException as error:  # noqa: BLE001  # told in the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(knowledge.documents("p1")) == 8


def test_importing_knowledge_loads_nothing_heavy() -> None:
    heavy = ("chromadb", "onnx", "onnxruntime", "tokenizers", "numpy", "torch")
    code = f"import sys, knowledge.knowledge, knowledge.calibrate; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
