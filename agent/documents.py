"""Documents on their way into a project's knowledge: found at paths, read, kept below the home."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.errors import Mendable
from agent.lifecycle.events import AddDocument
from knowledge.ingest import files_at, read
from tools import digest


def named(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """The files at paths with the names they get: a file's own, and within a folder its path from there."""
    for path in paths:
        for file in files_at([path]):
            yield (file.relative_to(path).as_posix() if path.is_dir() else file.name), file


def readable(path: Path) -> list[Path]:
    """The documents at a path; one that cannot be read spoils the request before anything is taken."""
    path = path.expanduser()
    if not path.exists():
        raise Mendable(f"There is nothing at {path}; check the path (it is read on the machine Odyssey runs on).")
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    if not files:
        raise Mendable(f"{path} holds no files; name a document or a folder of documents.")
    for file in files:
        read(file)
    return files


def keep(home: Path, project_id: str, file: Path, name: str, audience: str = "project") -> AddDocument:
    """The event that adds a document, whose copy is kept below the home."""
    content = digest.of_file(file)
    kept = home / "documents" / project_id / f"{content[7:19]}-{file.name}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, kept)
    return AddDocument(name=name, path=str(kept), digest=content, audience=audience)
