"""A process that takes documents in, replaces and deletes them and renews facts, until it is killed.

It is forked from a server that has imported everything. Its encoder is a hash, for the kills are about the stores.
"""

import hashlib
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chromadb  # noqa: F401  # imported once, in the server
import numpy as np

from knowledge.knowledge import Knowledge

NAMES = [f"document-{number}.md" for number in range(6)]
PROJECTS = ("p1", "p2")


class Hashed:
    """Vectors that depend on the text alone and cost nothing."""

    name = "hashed/8"

    def embed(self, texts: Sequence[str]):
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], np.uint8) for text in texts]
        vectors = np.array(rows, np.float32).reshape(-1, 8) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def open_knowledge(folder: Path) -> Knowledge:
    return Knowledge(folder / "knowledge", Hashed(), guides=folder / "none")


def text_of(name: str, version: int) -> str:
    sections = "\n".join(
        f"## Part {n}\n\nIn {name}, version {version}, part {n} says {n * version}.\n" for n in range(9)
    )
    return f"# {name}\n\n{sections}"


def run(folder: Path, seed: int, out: Any) -> None:
    """Change things for ever; each change is told on `out` once it is acknowledged, and before it begins."""
    descriptor = out.detach()
    chance = random.Random(seed)
    knowledge = open_knowledge(folder)
    os.write(descriptor, b"open\n")
    while True:
        project, name, version = chance.choice(PROJECTS), chance.choice(NAMES), chance.randrange(1, 1000)
        action = chance.choice(["ingest", "ingest", "delete", "facts"])
        os.write(descriptor, f"begin {action} {project} {name} {version}\n".encode())
        if action == "ingest":
            path = folder / "given" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text_of(name, version))
            knowledge.ingest(project, path)
        elif action == "facts":
            knowledge.put_facts(project, {name: f"The score of {name} is {version}." if version % 5 else None})
        elif name in {document.name for document in knowledge.documents(project)}:
            knowledge.delete(project, name)
        os.write(descriptor, f"done {action} {project} {name} {version}\n".encode())
