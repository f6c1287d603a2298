"""The real encoder and the real guides, once for all tests of this folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge.embed import OnnxEmbedder
from knowledge.knowledge import Knowledge
from knowledge.reader import OnnxReader

CACHE = Path(os.environ.get("ODYSSEY_CACHE", "~/.cache/odyssey")).expanduser()


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(CACHE / "encoder")


@pytest.fixture(scope="session")
def reader() -> OnnxReader:
    return OnnxReader(CACHE / "encoder")


@pytest.fixture(scope="session")
def guides(embedder: OnnxEmbedder, reader: OnnxReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """All guides indexed. Ask, ingest into projects of your own, and leave the guides alone."""
    knowledge = Knowledge(tmp_path_factory.mktemp("guides"), embedder, CACHE, reader=reader)
    knowledge.ensure_guides()
    yield knowledge
    knowledge.close()


@pytest.fixture
def knowledge(embedder: OnnxEmbedder, tmp_path: Path) -> Iterator[Knowledge]:
    """An empty folder of its own, without guides."""
    opened = Knowledge(tmp_path / "knowledge", embedder, guides=tmp_path / "none")
    yield opened
    opened.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file to ingest."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written
