import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tools import digest
from tools.contract import ModelKind
from tools.errors import UserFault
from tools.models import known_model, packaged_encoder


def a_model(folder: Path, architecture: str = "BertModel", **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    entries = {"model_type": "bert", "architectures": [architecture], "max_position_embeddings": 512, **config}
    (folder / "config.json").write_text(json.dumps(entries), encoding="utf-8")
    save_file({"a": torch.zeros(3, 5), "b": torch.zeros(7)}, folder / "model.safetensors")
    return folder


def test_the_packaged_encoder_is_described() -> None:
    model = packaged_encoder()
    assert (model.name, model.kind, model.context, model.licence) == ("minilm", ModelKind.ENCODER, 256, "apache-2.0")
    assert 22_000_000 < model.parameters < 23_000_000
    assert model.facts["language"] == "en"
    assert model.digest == digest.of_path(Path(model.path))
    assert known_model(" MiniLM ") == model


@pytest.mark.parametrize(
    ("architecture", "config", "kind"),
    [
        ("BertModel", {}, ModelKind.ENCODER),
        ("BertForMaskedLM", {}, ModelKind.ENCODER),
        ("LlamaForCausalLM", {"model_type": "llama"}, ModelKind.CAUSAL),
        ("LlamaForSequenceClassification", {"model_type": "llama", "num_labels": 1}, ModelKind.REWARD),
        ("LlamaForSequenceClassification", {"model_type": "llama", "id2label": {"0": "LABEL_0"}}, ModelKind.REWARD),
    ],
)
def test_a_folder_says_what_it_is(
    tmp_path: Path, architecture: str, config: dict[str, object], kind: ModelKind
) -> None:
    folder = a_model(tmp_path / "mine", architecture, **config)
    model = known_model(str(folder))
    assert (model.name, model.kind, model.parameters, model.context) == ("mine", kind, 22, 512)
    assert model.licence == "unknown"


def test_the_licence_is_read_from_the_card(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "mine")
    (folder / "README.md").write_text(
        "---\ntags:\n- license: no\nlicense: 'mit'\n---\nlicense: other\n", encoding="utf-8"
    )
    assert known_model(str(folder)).licence == "mit"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("                 Apache License\n           Version 2.0, January 2004", "apache-2.0"),
        ("Copyright (c) 2026\n\nPermission is hereby granted, free\nof charge, to any person", "mit"),
        ("All rights reserved.", "unknown"),
    ],
)
def test_without_a_card_the_licence_file_is_known_by_its_beginning(tmp_path: Path, text: str, licence: str) -> None:
    folder = a_model(tmp_path / "mine")
    (folder / "LICENSE.txt").write_text(text, encoding="utf-8")
    assert known_model(str(folder)).licence == licence


def test_several_languages_are_read_from_the_card(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "mine")
    for entry in ("language:\n- en\n- zh\n", "language: [en, 'zh']\n"):
        (folder / "README.md").write_text(f"---\n{entry}license: mit\n---\n", encoding="utf-8")
        assert known_model(str(folder)).facts["language"] == "en, zh"


def test_code_that_comes_with_a_model_is_refused(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "mine", auto_map={"AutoModel": "modeling.Mine"})
    with pytest.raises(UserFault, match=r"asks to run code that comes with the model \(auto_map\)"):
        known_model(str(folder))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "There is no model called ''"),
        ("nonsense", "There is no model called 'nonsense': give `minilm` or the path"),
        ("Qwen/Qwen3-0.6B", "hf download Qwen/Qwen3-0.6B --local-dir FOLDER"),
    ],
)
def test_a_name_that_is_none(name: str, said: str) -> None:
    with pytest.raises(UserFault, match=said):
        known_model(name)


def test_a_path_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match=r"config\.json is missing"):
        known_model(str(tmp_path))
    folder = a_model(tmp_path / "mine")
    with pytest.raises(UserFault, match="is a file; a model is a folder"):
        known_model(str(folder / "config.json"))
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserFault, match="is not JSON"):
        known_model(str(folder))
    (folder / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserFault, match="names no model_type"):
        known_model(str(folder))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "mine")
    shutil.move(folder / "model.safetensors", folder / "pytorch_model.bin")
    with pytest.raises(UserFault, match=r"pickled weights \(pytorch_model\.bin\)"):
        known_model(str(folder))
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(UserFault, match=r"there are no \*\.safetensors"):
        known_model(str(folder))


@pytest.mark.parametrize("rest", [0, 5, 30, 120])
def test_weights_cut_off_are_noticed(tmp_path: Path, rest: int) -> None:
    folder = a_model(tmp_path / "mine")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:rest])
    with pytest.raises(UserFault, match="is not a whole safetensors file"):
        known_model(str(folder))


def test_a_foreign_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="give the encoder it was trained from"):
        known_model(str(a_model(tmp_path / "mine", "BertForSequenceClassification")))
    with pytest.raises(UserFault, match="tags words with a head of another make"):
        known_model(str(a_model(tmp_path / "tagger", "BertForTokenClassification")))
    with pytest.raises(UserFault, match="Odyssey takes models that generate"):
        known_model(str(a_model(tmp_path / "other", "ViTModel", model_type="vit")))
