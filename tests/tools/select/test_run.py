"""Candidates side by side, on the record of a made-up project and small folders of models."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from walk import TICKETS, TINY, Walk, record

from agent.lifecycle.project import TaskKind
from agent.lifecycle.stages import Stage
from tools import digest
from tools.contract import DataKind, Dataset, File, Inputs, JobContext, Result, Spec, Split
from tools.errors import UserFault
from tools.select.plan import plan
from tools.select.run import run
from tools.select.spec import SelectParameters

Select = Callable[..., tuple[Result, Path]]


def a_model(folder: Path, width: int, licence: str = "mit", **config: Any) -> Path:
    """A causal model with 50 x width embeddings and one linear layer of width x width."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 128,
        "hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50, **config,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(entries), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\nlanguage: en\n---\n", encoding="utf-8")
    layers = {"embed_tokens.weight": torch.zeros(50, width), "layers.0.up_proj.weight": torch.zeros(width, width)}
    save_file(layers, folder / "model.safetensors")
    return folder


def texts(folder: Path, name: str, kind: DataKind, rows: int, size: int) -> Dataset:
    """`rows` rows of `size` bytes of text."""
    path = folder / f"{name}.jsonl"
    path.write_text((json.dumps({"text": "x" * size}) + "\n") * rows, encoding="utf-8")
    split = Split(path=str(path), digest=digest.of_file(path), rows=rows)
    return Dataset(name=name, kind=kind, digest=split.digest, splits={"train": split})


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """At the choice of a model, with data that lies on the disk and no candidate."""
    walk = Walk().to(Stage.SELECT)
    tickets = texts(tmp_path, "tickets", DataKind.TASK, rows=100, size=400)
    datasets = {"tickets": tickets.model_copy(update={"digest": TICKETS.digest})}
    walk.project = walk.project.model_copy(update={"datasets": datasets, "candidates": {}, "evidence": ()})
    return walk


@pytest.fixture
def select(tmp_path: Path) -> Select:
    def start(walk: Walk, data: Dataset | None = None, **params: Any) -> tuple[Result, Path]:
        folder = tmp_path / "jobs" / "j900"
        folder.mkdir(parents=True)
        path = tmp_path / "snapshot.json"
        path.write_text(json.dumps(record(walk)), encoding="utf-8")
        files = {"snapshot": File(path=str(path), digest=digest.of_file(path))}
        spec = Spec(
            job="j900", tool="select", params={}, inputs=Inputs(files=files, data={"data": data} if data else {})
        )
        context = JobContext(spec, folder, lambda event: None, lambda: False, lambda: datetime(2026, 3, 2))
        return run(SelectParameters(**params), context), folder

    return start


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "candidates.csv").open(encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def shown(folder: Path) -> str:
    return (folder / "candidates.md").read_text(encoding="utf-8")


def test_one_table_has_every_candidate_with_what_it_needs(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "small", 8)
    a_model(tmp_path / "models" / "large", 16)
    (a_model(tmp_path / "models" / "broken", 8) / "config.json").write_text("{", encoding="utf-8")
    result, folder = select(walk, folder=str(tmp_path / "models"), batch=1, length=10, rank=2)
    rows = table(folder)
    assert list(rows) == ["small", "large"]  # nothing is measured: the smallest first
    small = rows["small"]
    assert (small["weights"], small["dtype"], small["licence"], small["vocabulary"]) == ("464", "F32", "mit", "50")
    assert int(small["inference_bytes"]) == 4 * 464 + 2 * 1 * 2 * 4 * 128 * 2
    beside = 17 * 4 * 8 * 10 + 8 * 50 * 10
    assert int(small["full_bytes"]) == 16 * 464 + beside
    assert int(small["lora_bytes"]) == 4 * 464 + 16 * 2 * 16 + beside
    assert small["fits"].split() == ["inference", "inference_32_bit", "full", "lora", "prompt_tuning"]
    assert int(small["optimal_tokens"]) == 20 * 464
    assert float(small["pretraining_flops"]) == 6 * 464 * 20 * 464
    assert float(small["lora_flops"]) == 4 * 464 * 3 * 10_000  # 100 rows of 400 bytes, 4 a token, 3 times
    assert result.facts["recommendation"] == "existing"
    assert "1 left out" in result.summary
    assert "is not JSON" in shown(folder)
    assert [artefact.kind for artefact in result.artefacts] == ["table", "table", "plot"]


def test_what_was_measured_stands_beside_and_what_was_not_has_its_command(
    walk: Walk, select: Select, tmp_path: Path
) -> None:
    held = a_model(tmp_path / "models" / "taken", 16)
    a_model(tmp_path / "models" / "other", 8)
    taken = TINY.model_copy(update={"name": "taken", "path": str(held)})
    walk.project = walk.project.model_copy(update={"candidates": {"taken": taken}, "current": "taken"})
    measured = walk.measure(taken, TICKETS, 0.20, 0.15)
    result, folder = select(walk, folder=str(tmp_path / "models"))
    rows = table(folder)
    assert list(rows) == ["taken", "other"]
    assert (rows["taken"]["from"], float(rows["taken"]["value"])) == ("project", 0.20)
    assert "0.200 [0.150, 0.250] on 400 items (e" in shown(folder)
    assert measured in shown(folder)
    assert f"not measured yet: `add model {tmp_path}/models/other`, then `evaluate model=other data=tickets" in shown(
        folder
    )
    assert "the target 0.9 is not met yet" in str(result.facts["reasons"])


def test_a_gpu_opens_ways_and_a_small_machine_closes_them(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "one", 8)
    _, folder = select(walk, folder=str(tmp_path / "models"), gpu_memory_gb=8)
    assert "qlora" in table(folder)["one"]["fits"]
    assert "full_mixed" in table(folder)["one"]["fits"]


def test_no_training_row_is_longer_than_the_model_reads(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "one", 8)
    _, folder = select(walk, folder=str(tmp_path / "models"), batch=1, length=100_000)
    assert int(table(folder)["one"]["full_bytes"]) == 16 * 464 + 17 * 4 * 8 * 128 + 8 * 50 * 128


def test_what_does_not_fit_is_said_with_both_numbers(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "one", 8)
    result, folder = select(walk, folder=str(tmp_path / "models"), memory_gb=0.5)
    assert result.facts["recommendation"] == "neither"
    assert table(folder)["one"]["fits"] == ""
    assert "it takes 6.0 kB to run, and the machine has 0 bytes for it" in str(result.facts["reasons"])


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"licences": "apache-2.0"}, "its licence is mit, not apache-2.0"),
        ({"language": "zh"}, "its languages are en, without zh"),
        ({"context": 4096}, "it reads 128 tokens, not 4,096"),
    ],
)
def test_pre_training_is_for_when_nothing_does_and_there_is_text(
    walk: Walk, select: Select, tmp_path: Path, params: dict[str, Any], said: str
) -> None:
    a_model(tmp_path / "models" / "one", 8)
    corpus = texts(tmp_path, "corpus", DataKind.CORPUS, rows=2000, size=10_000)  # 5 M tokens
    result, _ = select(walk, data=corpus, folder=str(tmp_path / "models"), flops=1e12, price_per_hour=3.6, **params)
    assert result.facts["recommendation"] == "pretrain"
    reasons = str(result.facts["reasons"])
    assert f"one: {said}." in reasons
    assert "corpus holds about 5.0 M tokens" in reasons
    # 1 M weights, 20 M tokens, 1.2e14 operations: two minutes at 1e12 a second, 12 cents at 3.6 an hour
    assert "A model of 1.0 M weights wants 20.0 M tokens (20 a weight) and 1.2e14 operations" in reasons
    assert "2 min at 1e12 a second, 0.12 at 3.6 an hour" in reasons


def test_with_too_little_text_neither_is_advised(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "one", 8)
    result, _ = select(walk, folder=str(tmp_path / "models"), language="zh")
    assert result.facts["recommendation"] == "neither"
    assert "there is too little text" in result.summary


def test_an_encoder_is_for_classifying(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "bert", 8, model_type="bert", architectures=["BertModel"])
    _, folder = select(walk, folder=str(tmp_path / "models"))
    assert "it does not generate text" in table(folder)["bert"]["against"]
    assert table(folder)["bert"]["qlora_bytes"] == ""


def test_a_classifying_project_has_the_packaged_encoder(walk: Walk, select: Select) -> None:
    charter = walk.project.charter.model_copy(update={"task": TaskKind.CLASSIFICATION})
    walk.project = walk.project.model_copy(update={"charter": charter})
    _, folder = select(walk)
    rows = table(folder)
    assert (rows["minilm"]["from"], rows["minilm"]["would_do"]) == ("packaged", "True")
    assert "`add model minilm`, then `evaluate model=minilm data=tickets split=test`" in shown(folder)


def test_a_candidate_whose_folder_is_gone_stands_by_its_record(walk: Walk, select: Select) -> None:
    walk.project = walk.project.model_copy(update={"candidates": {TINY.name: TINY}})
    _, folder = select(walk)
    assert int(table(folder)[TINY.name]["weights"]) == TINY.parameters
    assert table(folder)[TINY.name]["lora_bytes"] == ""


def test_nothing_to_compare_is_a_sentence(walk: Walk, select: Select) -> None:
    with pytest.raises(UserFault, match=r"name a folder with models \(folder=PATH\)"):
        select(walk)


def test_nothing_usable_is_a_sentence(walk: Walk, select: Select, tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "one", 8, auto_map={"AutoModel": "mine.M"})
    with pytest.raises(UserFault, match=r"None of what was found can be used: .*auto_map"):
        select(walk, folder=str(tmp_path / "models"))


@pytest.mark.parametrize(
    "params",
    [
        {"hub": "no-slash"}, {"hub": "../x"}, {"hub": "a/b/c"}, {"language": "english please"}, {"batch": 0},
        {"length": 1}, {"rank": 0}, {"flops": 1}, {"flops": float("inf")}, {"memory_gb": -1}, {"gpu_memory_gb": 0},
        {"price_per_hour": float("nan")}, {"context": 0}, {"epochs": 0}, {"endpoint": "http://x"},
    ],
)  # fmt: skip
def test_absurd_parameters_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SelectParameters(**params)


def test_the_plan_says_what_is_looked_at() -> None:
    asked = plan(SelectParameters(folder="/models", hub="a/b,c/d"), Inputs())
    assert any("/models" in step for step in asked.steps)
    assert any("a/b, c/d" in step for step in asked.steps)
    assert asked.seconds > plan(SelectParameters(), Inputs()).seconds
