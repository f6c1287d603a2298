"""A prompt's version: how many different prompts of its name the project has found, itself included."""

import json
from pathlib import Path

from tools.contract import JobContext


def version_of(context: JobContext, name: str, digest: str) -> int:
    """1 for the first of a name; the same prompt, by digest, keeps its version."""
    held = context.inputs.files.get("snapshot")
    record = json.loads(Path(held.path).read_text(encoding="utf-8")) if held else {}
    known: dict[str, int] = {}
    for evidence in record.get("project", {}).get("evidence", []):
        found = evidence.get("facts", {}).get("prompt") if evidence.get("tool") == "prompt" else None
        if isinstance(found, dict) and found.get("name") == name:
            known[str(found.get("digest"))] = int(found.get("version", 0))
    return known.get(digest) or 1 + max(known.values(), default=0)
