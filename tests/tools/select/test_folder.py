"""Finding models below a folder: those that can be used, and by name those that cannot."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tools.contract import ModelKind
from tools.errors import UserFault
from tools.select.folder import DEEPEST, look

SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 50}


def a_model(folder: Path, dtype: torch.dtype = torch.float32, **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    entries = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 128, **SIZES, **config,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(entries), encoding="utf-8")
    tensors = {"model.embed_tokens.weight": torch.zeros(50, 8), "model.layers.0.mlp.up_proj.weight": torch.zeros(16, 8)}
    save_file({name: tensor.to(dtype) for name, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder


def reasons(root: Path) -> dict[str, str]:
    return {each.name: each.reason for each in look(root).left_out}


def test_every_model_is_found_with_what_its_files_say(tmp_path: Path) -> None:
    one = a_model(tmp_path / "one", dtype=torch.bfloat16)
    (one / "LICENSE").write_text("MIT License\n\nCopyright (c) nobody", encoding="utf-8")
    two = a_model(tmp_path / "makers" / "two")
    (two / "README.md").write_text("---\nlanguage:\n- en\n- zh\nlicense: apache-2.0\n---\n", encoding="utf-8")
    found = {option.name: option for option in look(tmp_path).options}
    assert set(found) == {"one", "makers/two"}
    first, second = found["one"], found["makers/two"]
    assert (first.model.kind, first.model.parameters, first.context) == (ModelKind.CAUSAL, 528, 128)
    assert (first.weights.dtype, first.weights.bytes, first.model.licence) == ("BF16", 1056, "mit")
    assert (first.weights.linear, first.weights.sides) == (128, 24)
    assert (second.model.licence, second.languages) == ("apache-2.0", ("en", "zh"))
    assert second.weights.bytes == 4 * 528


def test_the_folder_itself_may_be_one_and_what_lies_in_a_model_is_no_other(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "alone")
    a_model(folder / "checkpoint-10")
    assert [option.name for option in look(folder).options] == ["alone"]


def test_the_hubs_cache_gives_models_their_ids(tmp_path: Path) -> None:
    revision = "models--Qwen--Qwen3-0.6B/snapshots/0123abcd"
    blob = tmp_path / "models--Qwen--Qwen3-0.6B" / "blobs" / "f00"
    folder = a_model(tmp_path / revision)
    blob.parent.mkdir()
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to("../../blobs/f00")
    assert [option.name for option in look(tmp_path).options] == ["Qwen/Qwen3-0.6B"]


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path: Path) -> None:
    a_model(tmp_path / "good")
    pickled = a_model(tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    a_model(tmp_path / "remote", auto_map={"AutoModelForCausalLM": "modeling.Mine"})
    (a_model(tmp_path / "malformed") / "config.json").write_text("{", encoding="utf-8")
    (a_model(tmp_path / "cut") / "model.safetensors").write_bytes(b"\x10\0\0")
    a_model(tmp_path / "picture", model_type="vit", architectures=["ViTModel"])
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "adapter_config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "gguf").mkdir()
    (tmp_path / "gguf" / "model-q4.gguf").write_bytes(b"GGUF")
    found = look(tmp_path)
    assert [option.name for option in found.options] == ["good"]
    told = reasons(tmp_path)
    wanted = {
        "pickled": "pickled weights (pytorch_model.bin)",
        "remote": "auto_map",
        "malformed": "is not JSON",
        "cut": "is not a whole safetensors file",
        "picture": "is of the kind ViTModel",
        "lora": "adapters without their model",
        "gguf": "GGUF files",
    }
    assert told.keys() == wanted.keys()
    assert all(words in told[name] for name, words in wanted.items())


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": 5},
        {"architectures": [5]},
        {"architectures": {}},
        {"architectures": "LlamaForCausalLM"},
        {"model_type": 7},
        {"num_hidden_layers": "many"},
        {"max_position_embeddings": [1]},
        {"vocab_size": -1},
        {"architectures": ["BertForSequenceClassification"], "id2label": 3},
        {"architectures": ["BertForSequenceClassification"], "num_labels": "x"},
    ],
)
def test_no_configuration_ends_the_search(tmp_path: Path, config: dict[str, Any]) -> None:
    a_model(tmp_path / "odd", **config)
    found = look(tmp_path)
    assert len(found.options) + len(found.left_out) == 1


@pytest.mark.parametrize(
    "header",
    [
        b"[]", b"null", b'{"a": 1}', b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 0]}}', b'{"a": {"data_offsets": []}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_no_header_ends_the_search(tmp_path: Path, header: bytes) -> None:
    folder = a_model(tmp_path / "odd")
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "is not a whole safetensors file" in reasons(tmp_path)["odd"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    a_model(tmp_path / "elsewhere" / "secret")
    a_model(tmp_path / "models" / "mine")
    (tmp_path / "models" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "models" / "round").symlink_to(tmp_path / "models")
    found = look(tmp_path / "models")
    assert [option.name for option in found.options] == ["mine"]
    assert "leads out of" in reasons(tmp_path / "models")["link"]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "config.json").write_text('{"port": 80}', encoding="utf-8")
    a_model(tmp_path / ".hidden")
    a_model(tmp_path.joinpath(*"abcdef"[: DEEPEST + 1]))
    with pytest.raises(UserFault, match=r"no model lies there; a model is a folder with config\.json"):
        look(tmp_path)


def test_a_folder_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="is no folder of this machine"):
        look(tmp_path / "missing")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserFault, match="is a file; name the folder"):
        look(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "closed")
    (folder / "model.safetensors").chmod(0)
    assert "cannot be read" in reasons(tmp_path)["closed"]
