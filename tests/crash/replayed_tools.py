"""The tools of the made-up walk as real jobs: each finds the result the walk wrote down for its parameters."""

import dataclasses
import json
import os
import threading
from typing import Any

from walk import CATALOGUE

from tools import digest
from tools.contract import JobContext, Result

TOOLS = {
    name: dataclasses.replace(tool, run="replayed_tools:run", needs=frozenset(), heavy=False)
    for name, tool in CATALOGUE.items()
}


def key(tool: str, params: dict[str, Any]) -> str:
    return digest.of_json([tool, params])


def run(params: Any, context: JobContext) -> Result:
    home = context.folder.parents[1]
    spec = context.spec
    with os.fdopen(os.open(home / "runs.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY), "w") as runs:
        runs.write(f"{spec.job}:{spec.attempt}\n")
    results = json.loads((home / "results.json").read_text())
    result = Result.model_validate(results[key(spec.tool, dict(spec.params))])
    if spec.tool == "serve":
        context.ready(result)
        never = threading.Event()
        while not context.cancelled:
            never.wait(0.05)
    return result
