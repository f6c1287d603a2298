"""Task files of lm-eval, read without running anything of theirs: plain YAML that names local rows and templates.

What a task file may hold is a list, not a guess at what is harmful: lm-eval itself loads Python named by `!function`,
data sets and metrics from the hub, and code that comes with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools import digest
from tools.errors import UserFault

READERS = ("json", "csv")
OUTPUTS = ("multiple_choice", "generate_until", "loglikelihood")
_SCORING = frozenset({"task", "task_alias", "tag", "output_type", "metric_list", "generation_kwargs", "filter_list"})
_ROWS = frozenset(
    {"dataset_path", "dataset_name", "dataset_kwargs", "training_split", "validation_split", "test_split"}
)
_WORDS = frozenset({"doc_to_text", "doc_to_target", "doc_to_choice", "description", "gen_prefix", "target_delimiter"})
_SHOTS = frozenset({"num_fewshot", "fewshot_split", "fewshot_config", "fewshot_delimiter", "repeats", "metadata"})
_READING = frozenset({"data_files", "field", "sep", "delimiter"})
_LENGTHS = frozenset({"max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"})
_GENERATING = frozenset({"until", "do_sample", "temperature"}) | _LENGTHS


@dataclass(frozen=True)
class TaskFile:
    """One task: its settings with the paths of its rows made absolute."""

    path: Path
    config: dict[str, Any]
    digest: str  # of the settings and the rows

    @property
    def name(self) -> str:
        return str(self.config["task"])


def read(paths: Sequence[str]) -> list[TaskFile]:
    """The tasks of some files. Raises `UserFault` for what is missing in one, or may not be in it."""
    found = [_task(Path(path).expanduser().absolute()) for path in paths]
    names = [task.name for task in found]
    if len(set(names)) < len(names):
        raise UserFault(f"Two task files have the same name ({', '.join(sorted(names))}); set another `task` in one.")
    return found


def _task(path: Path) -> TaskFile:
    config = _settings(path, ())
    if isinstance(config.get("task"), list) or "group" in config:
        raise UserFault(f"{path} is a group of tasks; name the files of its tasks themselves, with commas between.")
    for name in ("task", "dataset_path", "doc_to_text", "doc_to_target", "output_type"):
        if config.get(name) is None:
            raise UserFault(f"{path} is no task file of lm-eval: it has no `{name}`.")
    if not (config.get("test_split") or config.get("validation_split")):
        raise UserFault(f"{path} names neither a test_split nor a validation_split to measure on.")
    _refuse_unknown(path, config)
    files = _rows(path, config)
    parts = [digest.of_file(file) for file in files]
    return TaskFile(path, config, digest.of_json({"settings": _without_folder(config), "rows": parts}))


def _settings(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """What the YAML says; `include` names a file beside it whose settings hold where this one has none."""
    if not path.is_file():
        raise UserFault(f"There is no task file {path}.")
    if path in seen:
        raise UserFault(f"{path} includes itself.")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        if "!function" in str(error):
            raise UserFault(
                f"{path} runs Python of its own (!function), which is not done here; write it as a template."
            ) from error
        raise UserFault(f"{path} is no plain YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise UserFault(f"{path} is no task file of lm-eval: it should hold settings such as `task: NAME`.")
    included = found.pop("include", None)
    if included is None:
        return found
    return {**_settings(_beside(path, str(included)), (*seen, path)), **found}


def _refuse_unknown(path: Path, config: dict[str, Any]) -> None:
    if unknown := sorted(set(map(str, config)) - (_SCORING | _ROWS | _WORDS | _SHOTS)):
        raise UserFault(f"{path} sets {', '.join(unknown)}, which is not measured here; take it out.")
    if config["output_type"] not in OUTPUTS:
        raise UserFault(f"{path}: output_type {config['output_type']} is not known; there are {', '.join(OUTPUTS)}.")
    listed = config.get("metric_list") or []
    for metric in listed if isinstance(listed, list) else [listed]:
        if not isinstance(metric, dict) or not isinstance(metric.get("metric"), str) or metric.get("hf_evaluate"):
            raise UserFault(f"{path}: every entry of metric_list needs a `metric` of lm-eval's own, not of the hub.")
    generating = _mapping(path, config, "generation_kwargs")
    if unknown := sorted(set(generating) - _GENERATING):
        raise UserFault(f"{path}: generation_kwargs may not set {', '.join(unknown)}.")
    if generating.get("do_sample") or generating.get("temperature"):
        raise UserFault(f"{path} draws its answers (do_sample), so no two runs agree; set do_sample: false.")


def _mapping(path: Path, config: dict[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name) or {}
    if not isinstance(found, dict):
        raise UserFault(f"{path}: {name} should hold settings, not {found!r}.")
    return dict(found)


def _rows(path: Path, config: dict[str, Any]) -> list[Path]:
    """The files of rows, which are made absolute in the settings."""
    if config["dataset_path"] not in READERS:
        raise UserFault(
            f"{path} takes its rows from {config['dataset_path']}; here they come from local files: set dataset_path to"
            " json or csv, and dataset_kwargs: data_files to a file beside the task file."
        )
    given = _mapping(path, config, "dataset_kwargs")
    if given.pop("trust_remote_code", False):
        raise UserFault(f"{path} asks for trust_remote_code: code that comes with data is never run; take it out.")
    if unknown := sorted(set(given) - _READING):
        raise UserFault(f"{path}: dataset_kwargs may set {', '.join(sorted(_READING))}, not {', '.join(unknown)}.")
    named = given.get("data_files")
    if not named:
        raise UserFault(f"{path} names no file of rows: set dataset_kwargs: data_files to one beside it.")
    files: list[Path] = []

    def placed(value: Any) -> Any:
        if isinstance(value, dict):
            return {split: placed(each) for split, each in value.items()}
        if isinstance(value, list):
            return [placed(each) for each in value]
        files.append(_beside(path, str(value)))
        if not files[-1].is_file():
            raise UserFault(f"{path}: there is no file {files[-1]} of rows.")
        return str(files[-1])

    config["dataset_kwargs"] = {**given, "data_files": placed(named)}
    return files


def _beside(path: Path, name: str) -> Path:
    """A file in the task file's folder or below it: a task file opens nothing else."""
    if "://" in name:
        raise UserFault(f"{path} names {name}; here rows come from local files: put the file beside the task file.")
    found = (path.parent / name).resolve()
    if not found.is_relative_to(path.parent.resolve()):
        raise UserFault(f"{path} names {name}, which lies outside its folder; put the file beside the task file.")
    return found


def _without_folder(config: dict[str, Any]) -> dict[str, Any]:
    """Settings as they are the same wherever the files lie; the rows count by what they hold."""
    reading = {name: value for name, value in config["dataset_kwargs"].items() if name != "data_files"}
    return {**config, "dataset_kwargs": reading, "metadata": None}
