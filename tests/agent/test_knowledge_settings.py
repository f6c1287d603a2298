"""Settings of retrieval: a Chroma server, langchain's embeddings over the wire, and their calibration."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from agent.__main__ import main
from agent.bootstrap import LazyKnowledge, build_embedder
from agent.doctor import examine
from agent.errors import Configuration
from agent.settings import Settings, load
from knowledge.embed import Adapted
from knowledge.fitted import file_of, fitted
from knowledge.gate import WORDS, gates
from knowledge.knowledge import Knowledge
from knowledge.model import PROJECT_AUDIENCE
from knowledge.words import terms
from tests.chroma_server import chroma_server

ATLAS = "# Atlas plan\n\nThe Atlas plan's refund window is 17 days. It costs 31 euros a month.\n"


class _Embeddings(BaseHTTPRequestHandler):
    """OpenAI's wire: words hashed into 256 numbers."""

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = given["input"] if isinstance(given["input"], list) else [given["input"]]
        rows = [{"object": "embedding", "index": i, "embedding": vector(text)} for i, text in enumerate(texts)]
        body = json.dumps(
            {"object": "list", "data": rows, "model": "own", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None: ...


def vector(text: object) -> list[float]:
    assert isinstance(text, str), "tokens of OpenAI's own were sent, which no other server reads"
    made = np.zeros(256)
    for term in terms(text):
        made[hashlib.sha256(term.encode()).digest()[0]] += 1
    return [float(value) for value in made + 0.001]


@pytest.fixture
def embeddings_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("OPENAI_API_KEY", "none-is-needed")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Embeddings)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def test_a_chroma_server_by_setting_holds_the_vectors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = tmp_path / "atlas.md"
    document.write_text(ATLAS)
    with chroma_server(tmp_path / "server") as port:
        monkeypatch.setenv("ODYSSEY_CHROMA_URL", f"http://127.0.0.1:{port}")
        settings = load(home=tmp_path / "home")
        door = LazyKnowledge(settings.home / "knowledge", settings)
        opened = door.open()
        opened.ingest("p1", document, audience=PROJECT_AUDIENCE)
        assert "17 days" in opened.answer("What is the refund window of the Atlas plan?", "p1").answer
        assert opened.audit().sound
        door.close()
        found = {finding.subject: finding for finding in examine(settings)}
        assert found["chroma"].state == "ok"
    assert not (settings.home / "knowledge" / "chroma").exists()
    found = {finding.subject: finding for finding in examine(settings)}
    assert found["chroma"].state == "fault" and "ODYSSEY_CHROMA_URL" in found["chroma"].mend


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://host/path", "http://me:secret@host"])
def test_what_is_no_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODYSSEY_CHROMA_URL", url)
    with pytest.raises(Configuration, match="ODYSSEY_CHROMA_URL"):
        load()


@pytest.fixture
def own_embeddings(embeddings_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("ODYSSEY_EMBEDDINGS", "openai:own")
    monkeypatch.setenv("ODYSSEY_EMBEDDINGS_URL", embeddings_url)
    monkeypatch.setenv("ODYSSEY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ODYSSEY_HOME", str(tmp_path / "home"))
    return load()


def test_embeddings_by_setting_are_asked_over_the_wire(
    own_embeddings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder = build_embedder(own_embeddings)
    assert isinstance(embedder, Adapted) and embedder.embed(["refund", ""]).shape == (2, 256)
    document = tmp_path / "atlas.md"
    document.write_text(ATLAS)
    knowledge = Knowledge(tmp_path / "k", embedder, guides=tmp_path / "none")
    knowledge.ingest("p1", document)
    assert "17 days" in knowledge.answer("What is the refund window of the Atlas plan?", "p1").answer
    knowledge.close()
    assert main(["doctor"]) in (0, 1)
    assert "run `odyssey knowledge calibrate`" in capsys.readouterr().out


@pytest.mark.slow
def test_embeddings_by_setting_are_calibrated_and_used(
    own_embeddings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["knowledge", "calibrate", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["encoder"] == own_embeddings.encoder
    assert told["search"]["guides"]["hit_5"] > 0.8  # words hashed are nearly the words themselves
    kept = fitted(told["encoder"], own_embeddings.cache).gate
    assert kept != gates()[WORDS] and kept.nearest != 0
    assert main(["doctor"]) in (0, 1)
    assert "knowledge calibrate" not in capsys.readouterr().out
    assert main(["ask", "What is LoRA?", "--json"]) == 0
    cited = {citation["source"] for citation in json.loads(capsys.readouterr().out)["citations"]}
    assert "lora.md" in cited


def test_a_calibration_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    file_of("own", tmp_path).write_text('{"gate": {"bias": 1}}')
    assert fitted("own", tmp_path) == fitted("own")


def test_embeddings_that_do_not_answer_are_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ODYSSEY_EMBEDDINGS", "nobody:own")
    monkeypatch.setenv("ODYSSEY_CACHE", str(tmp_path / "cache"))
    assert main(["--home", str(tmp_path / "home"), "knowledge", "calibrate"]) == 1
    assert "nobody:own do not answer" in capsys.readouterr().err
