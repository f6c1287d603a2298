"""The vector store in a folder and at a server, and what happens when the server is not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import Adapted, OnnxEmbedder
from knowledge.errors import Unavailable
from knowledge.knowledge import Knowledge
from knowledge.store import Server
from tests.chroma_server import chroma_server, free_port

Write = Callable[[str, str], Path]
ATLAS = "# Atlas plan\n\nThe Atlas plan's refund window is 17 days. It costs 31 euros a month.\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with chroma_server(tmp_path_factory.mktemp("server")) as port:
        yield Server("127.0.0.1", port)


def test_a_server_holds_what_the_folder_would(
    server: Server, embedder: OnnxEmbedder, write: Write, tmp_path: Path
) -> None:
    first = Knowledge(tmp_path / "a", embedder, guides=tmp_path / "none", server=server)
    other = Knowledge(tmp_path / "b", embedder, guides=tmp_path / "none", server=server)
    first.ingest("p1", write("atlas.md", ATLAS))
    assert "17 days" in first.answer("What is the refund window of the Atlas plan?", "p1").answer
    assert other.passages("refund window", "p1") == []  # another home at the same server
    assert first.audit().sound
    assert not (tmp_path / "a" / "chroma").exists()
    first.close()
    again = Knowledge(tmp_path / "a", embedder, guides=tmp_path / "none", server=server)
    assert again.passages("refund window", "p1")
    assert again.rebuild() == []
    assert again.audit().sound
    again.delete("p1", "atlas.md")
    assert again.passages("refund window", "p1") == []
    again.close()
    other.close()


def test_a_server_that_is_not_there_is_told_in_a_sentence(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    alone = Knowledge(tmp_path / "k", embedder, guides=tmp_path / "none", server=Server("127.0.0.1", free_port()))
    with pytest.raises(Unavailable, match=r"chroma run --host 127\.0\.0\.1"):
        alone.ingest("p1", write("atlas.md", ATLAS))
    alone.close()


class Langchain:
    """Embeddings as langchain offers them, of another length and not of unit length."""

    def __init__(self, embedder: OnnxEmbedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) * 3 for value in row[:200]] for row in self._embedder.embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_other_embeddings_can_be_plugged_in(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    adapted = Adapted(lambda: Langchain(embedder), "company/embeddings-2")
    assert np.allclose(np.linalg.norm(adapted.embed(["a text", "another"]), axis=1), 1, atol=1e-5)
    assert adapted.embed([]).shape[0] == 0
    knowledge = Knowledge(tmp_path / "k", adapted, guides=tmp_path / "none")
    knowledge.ingest("p1", write("atlas.md", ATLAS))
    answer = knowledge.answer("What is the refund window of the Atlas plan?", "p1")
    assert "17 days" in answer.answer  # judged by the gate that looks at words alone
    assert knowledge.answer("Who won the world cup in 1998?", "p1").abstained
    knowledge.close()


class Dead:
    """Embeddings whose server is gone."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise ConnectionError("no route to the server")

    def embed_query(self, text: str) -> list[float]:
        raise ConnectionError("no route to the server")


def test_embeddings_that_do_not_answer_are_told_in_a_sentence(write: Write, tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path / "k", Adapted(Dead, "company/dead"), guides=tmp_path / "none")
    with pytest.raises(Unavailable, match=r"company/dead do not answer .* ODYSSEY_EMBEDDINGS"):
        knowledge.ingest("p1", write("atlas.md", ATLAS))
    assert knowledge.documents("p1") == []
    knowledge.close()


def test_homes_with_encoders_of_other_lengths_share_a_cache(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    guides = tmp_path / "guides"
    guides.mkdir()
    (guides / "atlas.md").write_text(ATLAS)
    for number, one in enumerate([embedder, Adapted(lambda: Langchain(embedder), "company/embeddings-2"), embedder]):
        knowledge = Knowledge(tmp_path / str(number), one, tmp_path / "cache", guides)
        knowledge.ensure_guides()
        assert knowledge.search("refund window")[0].source == "atlas.md"
        knowledge.close()
