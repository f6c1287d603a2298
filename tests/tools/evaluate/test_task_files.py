import json
from pathlib import Path

import pytest

from tools.errors import UserFault
from tools.evaluate.task_files import read

TASK = """
task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: completion
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "Colour?", "completion": "red"}) + "\n")
    return tmp_path


def write(folder: Path, text: str, name: str = "task.yaml") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_task_file_names_rows_beside_it(folder: Path) -> None:
    (task,) = read([write(folder, TASK)])
    assert task.name == "colours"
    assert task.config["dataset_kwargs"] == {"data_files": {"test": str(folder / "rows.jsonl")}}
    (folder / "rows.jsonl").write_text(json.dumps({"prompt": "Colour?", "completion": "blue"}) + "\n")
    assert read([str(task.path)])[0].digest != task.digest


def test_a_file_may_include_another_one_beside_it(folder: Path) -> None:
    write(folder, TASK, "base.yaml")
    (task,) = read([write(folder, "include: base.yaml\ntask: shades\n")])
    assert (task.name, task.config["output_type"]) == ("shades", "generate_until")
    with pytest.raises(UserFault, match="includes itself"):
        read([write(folder, "include: own.yaml\n", "own.yaml")])
    with pytest.raises(UserFault, match="outside its folder"):
        read([write(folder, "include: ../base.yaml\n")])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("process_docs: !function code.run", "runs Python of its own"),
        ("process_docs: name", "sets process_docs, which is not measured here"),
        ("unsafe_code: true", "sets unsafe_code"),
        ("dataset_path: allenai/ai2_arc", "takes its rows from allenai/ai2_arc"),
        ("dataset_kwargs: {data_files: rows.jsonl, trust_remote_code: true}", "asks for trust_remote_code"),
        ("dataset_kwargs: {data_files: 'https://example.com/rows.jsonl'}", "rows come from local files"),
        ("dataset_kwargs: {data_files: /etc/hosts}", "outside its folder"),
        ("dataset_kwargs: {data_files: gone.jsonl}", "there is no file"),
        ("dataset_kwargs: {}", "names no file of rows"),
        ("dataset_kwargs: {data_files: rows.jsonl, data_dir: /}", "not data_dir"),
        ("output_type: loglikelihood_rolling", "output_type loglikelihood_rolling is not known"),
        ("metric_list: [{metric: acc, hf_evaluate: true}]", "of lm-eval's own"),
        ("generation_kwargs: {do_sample: true}", "draws its answers"),
        ("generation_kwargs: {temperature: 0.7}", "draws its answers"),
        ("generation_kwargs: {num_beams: 4}", "may not set num_beams"),
        ("task: [a, b]", "group of tasks"),
        ("test_split: null", "neither a test_split nor a validation_split"),
        ("[", "no plain YAML"),
    ],
)
def test_what_a_task_file_may_not_hold_is_said(folder: Path, line: str, said: str) -> None:
    with pytest.raises(UserFault, match=said):
        read([write(folder, f"{TASK}{line}\n")])


def test_what_is_no_task_file_is_said(folder: Path) -> None:
    with pytest.raises(UserFault, match="There is no task file"):
        read([str(folder / "gone.yaml")])
    with pytest.raises(UserFault, match="it has no `doc_to_target`"):
        read([write(folder, TASK.replace("doc_to_target: completion", ""))])
    with pytest.raises(UserFault, match="should hold settings"):
        read([write(folder, "- a list")])
    with pytest.raises(UserFault, match="the same name"):
        read([write(folder, TASK), write(folder, TASK, "again.yaml")])
