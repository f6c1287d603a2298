"""A prompt that the project found, by name and version: read from the run that wrote it down, put before questions."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, ValidationError

from tools.contract import DataKind, JobContext
from tools.errors import UserFault
from tools.prompt.template import Item, Prompt, item_of
from tools.report.snapshot import Evidence

Row = Mapping[str, Any]
Similar = Callable[[Sequence[Item], int], list[list[Item]]]


@dataclass(frozen=True)
class Recorded:
    """A prompt with what its evidence says of it."""

    name: str
    version: int
    prompt: Prompt

    @property
    def title(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def fact(self) -> dict[str, JsonValue]:
        return {"name": self.name, "version": self.version, "digest": self.prompt.digest}

    def asked(self, rows: Sequence[Row], kind: DataKind, similar: Similar) -> list[dict[str, Any]]:
        """The rows as the model is asked behind the prompt: each with `messages`, the last one the wanted answer.

        `similar` chooses, for each of some questions, so many solved examples that resemble it.
        """
        items = [_item(row, kind) for row in rows]
        each = self.prompt.selection == "similar" and self.prompt.shots > 0
        chosen = similar(items, self.prompt.shots) if each else [[] for _ in items]
        found = []
        for row, item, few in zip(rows, items, chosen, strict=True):
            wanted = {"role": "assistant", "content": self.prompt.write(item.wanted)}
            found.append({**row, "messages": [*self.prompt.messages(item, few), wanted]})
        return found


def _item(row: Row, kind: DataKind) -> Item:
    if kind is DataKind.CHECKLIST:  # a list of points, no wanted answer
        return Item(turns=({"role": "user", "content": str(row["prompt"])},), wanted="")
    return item_of(row, kind)


def recorded(reference: str, evidence: Sequence[Evidence], context: JobContext) -> Recorded:
    """The prompt "name@2", or the newest version of "name". Raises `UserFault` where the project has none such."""
    name, _, wanted = reference.partition("@")
    found = {key: run for key, run in _known(evidence).items() if key[0] == name}
    version = int(wanted) if wanted.isdigit() else max((number for _, number in found), default=0)
    run = found.get((name, version))
    if run is None or (wanted and not wanted.isdigit()):
        known = ", ".join(f"{name}@{number}" for name, number in sorted(_known(evidence))) or "none yet: `prompt` does"
        raise UserFault(f"The project has found no prompt {reference}; it has {known}.")
    path = context.folder.parent / run.run / "prompt.json"
    try:
        prompt = Prompt.model_validate(json.loads(path.read_text(encoding="utf-8"))["prompt"])
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise UserFault(
            f"{path}, where {name}@{version} was written down, cannot be read: run `prompt` again."
        ) from error
    if prompt.digest != _said(run)["digest"]:
        raise UserFault(f"{path} was changed since {run.run} wrote it: its digest is another; run `prompt` again.")
    return Recorded(name, version, prompt)


def _known(evidence: Sequence[Evidence]) -> dict[tuple[str, int], Evidence]:
    """By name and version the run that found it, the newest that did."""
    runs = [one for one in evidence if one.tool == "prompt" and _said(one)]
    return {(str(_said(one)["name"]), int(_said(one)["version"])): one for one in runs}


def _said(evidence: Evidence) -> dict[str, Any]:
    found = evidence.facts.get("prompt")
    return found if isinstance(found, dict) else {}
