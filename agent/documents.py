"""Documents on their way into a project's knowledge: found at paths, read, kept below the home."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.errors import Mendable
from agent.lifecycle.events import AddDocument
from agent.lifecycle.project import DocumentRef, Project
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


def keep(
    home: Path, project_id: str, file: Path, name: str, audience: str = "project", *, event_id: str
) -> AddDocument:
    """The body of the event that adds a document, whose copy is kept below the home: each event has its own."""
    kept = copies(home) / project_id / f"{digest.of_json(event_id)[7:19]}-{file.name}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, kept)
    return AddDocument(name=name, path=str(kept), digest=digest.of_file(kept), audience=audience)


def copies(home: Path) -> Path:
    """The folder of what people gave."""
    return home / "documents"


def discard(folder: Path, project: Project | None, document: DocumentRef) -> None:
    """Remove the copy of a document that was replaced or taken out, unless another of the project is read from it."""
    path = Path(document.path).resolve()
    used = project is not None and any(held.path == document.path for held in project.documents.values())
    if path.is_relative_to(folder.resolve()) and not used:
        path.unlink(missing_ok=True)
