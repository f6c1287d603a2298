"""Content digests: what evidence is tied to."""

import hashlib
import json
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20


def of_bytes(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def of_json(value: Any) -> str:
    """Digest of a JSON value, independent of key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return of_bytes(text.encode())


def of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def of_path(path: Path) -> str:
    """Digest of a file, or of a folder by the names and digests of the files below it."""
    if path.is_file():
        return of_file(path)
    entries = {p.relative_to(path).as_posix(): of_file(p) for p in sorted(path.rglob("*")) if p.is_file()}
    return of_json(entries)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
