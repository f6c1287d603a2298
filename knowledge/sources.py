"""The sources as they were given, kept in files: what everything else is made from, and made anew.

A source is two files: its bytes, and what is known of it. The second is put in place in one step and names the first,
so a crash leaves the old version or the new one, and at most bytes that nobody names.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from knowledge.model import PROJECT_AUDIENCE, Frozen


class Kept(Frozen):
    """What is known of a kept source. `number` counts its versions from 1."""

    scope: str
    name: str
    file: str  # in the folder of the sources
    digest: str  # of the bytes
    number: int
    owner: str = ""  # who gave it
    audience: str = PROJECT_AUDIENCE
    added: str = ""  # time in UTC, ISO 8601


class Sources:
    """The kept sources of one folder. Not safe for several threads: its owner holds a lock."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder

    def put(self, kept: Kept, data: bytes) -> None:
        """Keep a source in place of its older version."""
        before = self.get(kept.scope, kept.name)
        self._write(self.folder / kept.file, data)
        self._write(self._record(kept.scope, kept.name), kept.model_dump_json().encode())
        if before is not None and before.file != kept.file:
            (self.folder / before.file).unlink(missing_ok=True)

    def remove(self, scope: str, name: str) -> None:
        """Forget a source; from the first step on it is gone."""
        kept = self.get(scope, name)
        self._record(scope, name).unlink(missing_ok=True)
        if kept is not None:
            (self.folder / kept.file).unlink(missing_ok=True)

    def get(self, scope: str, name: str) -> Kept | None:
        return self._load(self._record(scope, name))

    def all(self) -> Iterator[Kept]:
        """Every kept source whose record can be read, in a fixed order."""
        for record in sorted(self.folder.glob("*.json")):
            if kept := self._load(record):
                yield kept

    def path(self, kept: Kept) -> Path:
        return self.folder / kept.file

    def sweep(self) -> None:
        """Remove bytes that no record names, which a crash leaves behind."""
        named = {kept.file for kept in self.all()}
        for path in self.folder.iterdir():
            if path.suffix != ".json" and path.name not in named:
                path.unlink()

    def file_for(self, scope: str, name: str, digest: str, suffix: str) -> str:
        """The file name of a version's bytes; the suffix tells how to read them."""
        return f"{self._key(scope, name)}-{digest.removeprefix('sha256:')[:16]}{suffix}"

    def _record(self, scope: str, name: str) -> Path:
        return self.folder / f"{self._key(scope, name)}.json"

    def _load(self, record: Path) -> Kept | None:
        try:
            return Kept.model_validate_json(record.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    @staticmethod
    def _key(scope: str, name: str) -> str:
        return hashlib.sha256(f"{scope}\0{name}".encode()).hexdigest()[:32]

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        unfinished.write_bytes(data)
        unfinished.chmod(0o600)
        unfinished.replace(path)
