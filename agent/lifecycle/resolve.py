"""From the names in a request to the models and data a job works on, by digest."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from agent.lifecycle.project import JobPhase, JobState, Project, TaskKind
from tools.contract import Candidate, DataKind, Dataset, Frozen, Inputs, Parameters, Tool

_LONGEST = 80  # characters of a refused value that are shown
Catalogue = Mapping[str, Tool]


class Unresolved(Exception):
    """A request names something the project does not have; the text says what it has."""


class Resolved(Frozen):
    """A checked request: complete parameters and everything they name."""

    params: dict[str, JsonValue]
    inputs: Inputs


def resolve(project: Project, catalogue: Catalogue, tool_name: str, params: Mapping[str, Any]) -> Resolved:
    """Check `params` against the tool's own parameters and look up what they name.

    Raises `Unresolved` with a sentence that says what is wrong and what would do.
    """
    tool = catalogue.get(tool_name)
    if tool is None:
        raise Unresolved(f"There is no tool called {tool_name}; there are {', '.join(sorted(catalogue))}.")
    checked = _checked(tool, _with_defaults(project, tool, params))
    values = checked.model_dump(mode="json")
    models = {f: find_model(project, values[f]) for f in tool.models if values.get(f)}
    data = {f: find_data(project, values[f]) for f in tool.datasets if values.get(f)}
    _check_kinds(tool, data)
    service = project.service()
    inputs = Inputs(models=models, data=data, endpoint=service.endpoint if service else None)
    if service is None and tool.asks(checked, inputs):
        raise Unresolved(f"{tool.title} asks the project's endpoint, and none is running; `serve` starts one.")
    return Resolved(params=values, inputs=inputs)


def _check_kinds(tool: Tool, data: Mapping[str, Dataset]) -> None:
    for name, wanted in tool.kinds.items():
        given = data.get(name)
        if given is not None and given.kind is not wanted:
            raise Unresolved(
                f"{tool.name}: {name}={given.name} will not do: it is {given.kind} data where {wanted} data is needed."
                f" ({_described(tool, name)})"
            )


# The kind of data a parameter asks for where that is not what the charter measures on.
_KINDS: dict[tuple[str, str], DataKind] = {
    ("pretrain", "data"): DataKind.CORPUS,
    ("rlhf", "preferences"): DataKind.PREFERENCE,
    ("augment", "data"): DataKind.FACTS,
}


def _with_defaults(project: Project, tool: Tool, params: Mapping[str, Any]) -> dict[str, Any]:
    """Where the person named no data and one set is the obvious one, that is meant; the margin is the charter's."""
    values = dict(params)
    if "margin" in tool.parameters.model_fields:
        values.setdefault("margin", project.charter.margin)
    for name in tool.datasets:
        field = tool.parameters.model_fields[name]
        if values.get(name) or not field.is_required():
            continue
        if obvious := _obvious(project, _KINDS.get((tool.name, name))):
            values[name] = obvious
    return values


def _obvious(project: Project, kind: DataKind | None) -> str | None:
    """The only data of this kind; for the charter's own kinds, and for labels and texts found, its test set."""
    fitting = [d.name for d in project.datasets.values() if d.kind is kind]
    if len(fitting) == 1:
        return fitting[0]
    decides = project.charter.task in (TaskKind.CLASSIFICATION, TaskKind.RETRIEVAL)
    return project.charter.test_set if kind is None or (kind is DataKind.FACTS and decides) else None


def _checked(tool: Tool, params: Mapping[str, Any]) -> Parameters:
    try:
        return tool.parameters.model_validate(dict(params))
    except ValidationError as error:
        # A wrong value before a missing one: the person wrote the first.
        first = min(error.errors(include_url=False), key=lambda fault: fault["type"] == "missing")
        name = str(first["loc"][0]) if first["loc"] else "the parameters"  # pydantic's way through a union says nothing
        known = ", ".join(tool.parameters.model_fields)
        if first["type"] == "extra_forbidden":
            raise Unresolved(f"{tool.name} has no parameter {name}; it has {known}.") from None
        if first["type"] == "missing":
            raise Unresolved(f"{tool.name} needs {name}: {_described(tool, name)}.") from None
        message = str(first["msg"])
        if not first["loc"]:  # of several together, which the sentence names
            raise Unresolved(f"{tool.name}: {message.removeprefix('Value error, ')}.") from None
        given = first.get("input")
        raise Unresolved(
            f"{tool.name}: {name}={_shown(given)} will not do: {message[:1].lower()}{message[1:]}."
            f" ({_described(tool, name)})"
        ) from None


def _shown(given: object) -> str:
    shown = repr(given)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _described(tool: Tool, name: str) -> str:
    field = tool.parameters.model_fields.get(name)
    return (field.description or name).rstrip(".") if field else name


def find_model(project: Project, name: str) -> Candidate:
    """A candidate by name; "current" is the one the project goes on with, "parent" the one that was made from."""
    current = project.model
    if name == "current":
        if current is None:
            raise Unresolved(f"{project.name} has no model yet: `pretrain` one or `choose model …`.")
        return current
    if name == "parent":
        parent = next((c for c in project.candidates.values() if current and c.digest == current.parent_digest), None)
        if parent is None:
            raise Unresolved(f"The current model of {project.name} was not made from another one here.")
        return parent
    if name in project.candidates:
        return project.candidates[name]
    known = ", ".join(project.candidates) or "none yet"
    raise Unresolved(f"{project.name} has no model called {name}; it has {known}.")


def find_data(project: Project, name: str) -> Dataset:
    if name in project.datasets:
        return project.datasets[name]
    known = ", ".join(project.datasets) or "none yet: `register data PATH as NAME`"
    raise Unresolved(f"{project.name} has no data called {name}; it has {known}.")


def find_job(project: Project, number: str) -> JobState:
    """A job by its id, with or without the leading j."""
    job = project.jobs.get(f"j{number.removeprefix('j')}")
    if job is None:
        known = ", ".join(j.id for j in project.active_jobs()) or "none is running"
        raise Unresolved(f"{project.name} has no job {number}; active: {known}.")
    return job


def clash(project: Project, tool: Tool, params: Mapping[str, Any]) -> str | None:
    """Why this job may not start beside the ones that are active: two jobs must not make the same name."""
    name = params.get("name")
    for job in project.jobs.values():
        if job.phase is JobPhase.ACTIVE and job.tool == tool.name and job.params.get("name") == name and name:
            return f"Job {job.id} is already making {name}; wait for it or cancel it (`cancel {job.id}`)."
    return None
