"""The vector store in a folder and at a server, and what happens when the server is not there."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import Adapted, OnnxEmbedder
from knowledge.errors import Unavailable
from knowledge.knowledge import Knowledge
from knowledge.store import Server

Write = Callable[[str, str], Path]
ATLAS = "# Atlas plan\n\nThe Atlas plan's refund window is 17 days. It costs 31 euros a month.\n"


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    folder = tmp_path_factory.mktemp("server")
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--path", str(folder / "data")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1)
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield Server("127.0.0.1", port)
    finally:
        process.kill()
        process.wait()


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


def test_other_embeddings_can_be_plugged_in(embedder: OnnxEmbedder, write: Write, tmp_path: Path) -> None:
    adapted = Adapted(Langchain(embedder), "company/embeddings-2")
    assert np.allclose(np.linalg.norm(adapted.embed(["a text", "another"]), axis=1), 1, atol=1e-5)
    assert adapted.embed([]).shape[0] == 0
    knowledge = Knowledge(tmp_path / "k", adapted, guides=tmp_path / "none")
    knowledge.ingest("p1", write("atlas.md", ATLAS))
    answer = knowledge.answer("What is the refund window of the Atlas plan?", "p1")
    assert "17 days" in answer.answer  # judged by the gate that looks at words alone
    assert knowledge.answer("Who won the world cup in 1998?", "p1").abstained
    knowledge.close()
