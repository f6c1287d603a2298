"""What is wrong with a JSON value, worded as Slack words it: a sentence and a pointer."""

from typing import Any

from pydantic import ValidationError

WORDS = {"missing": "missing required field", "extra_forbidden": "invalid additional property"}


def sentences(fault: ValidationError | RecursionError, root: str, value: Any) -> list[str]:
    """At most ten faults of `value`, each at its place below `root`."""
    if isinstance(fault, RecursionError):
        return [f"[ERROR] nested too deeply [json-pointer:/{root}]"]
    found = []
    for each in fault.errors(include_url=False, include_context=False, include_input=False):
        pointer = "/".join(["", root, *_path(each["loc"], value)])
        found.append(f"[ERROR] {WORDS.get(each['type'], each['msg'])} [json-pointer:{pointer}]"[:400])
    return found[:10]


def _path(where: tuple[int | str, ...], value: Any) -> list[str]:
    """The place in the JSON: pydantic's path without the names of the types it tried."""
    path = []
    for part in where:
        if isinstance(value, dict) and part not in value and value.get("type") == part:
            continue
        path.append(str(part))
        value = _inside(value, part)
    return path


def _inside(value: Any, part: int | str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
