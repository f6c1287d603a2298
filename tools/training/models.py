"""Loading and saving models, as folders of safetensors with their tokenizer."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tools import digest
from tools import models as known
from tools.contract import Candidate, JobContext, ModelKind
from tools.errors import UserFault
from tools.training import prefix

_OWN_CODE = "trust_remote_code"  # named by transformers where a folder wants its own code to be run
_NEEDED = ("config.json", "tokenizer.json")


def check_folder(candidate: Candidate) -> Path:
    """The folder of a model, or a sentence that says what is missing from it.

    Checked first because a missing path surfaces in transformers as "Repo id must use alphanumeric chars".
    """
    folder = Path(candidate.path)
    if not folder.is_dir():
        raise UserFault(f"The model {candidate.name} should lie at {folder}, but there is no such folder.")
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise UserFault(f"{folder} is no model: {', '.join(missing)} is missing from it.")
    return folder


def require_whole(candidate: Candidate, tool: str) -> None:
    """Raises `UserFault` where the weights cannot be trained on, or are not there."""
    check_folder(candidate)
    known.require_whole(candidate, tool)


def _config(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))


def load_causal(candidate: Candidate, quantization: Any = None) -> tuple[Any, Any]:
    """A model that generates and its tokenizer, in 32 bit (or as it was quantized), not training.

    `quantization` is a configuration of transformers by which the weights are quantized while they are loaded.
    """
    known.require_kind(candidate, ModelKind.CAUSAL, tool="Generating")
    folder = check_folder(candidate)
    tokenizer = load_tokenizer(folder)
    dtype = "auto" if "quantization_config" in _config(folder) else torch.float32
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,  # left out, transformers asks on the terminal whether it may run a folder's code
            # None would put the folder's own configuration aside
            **({"quantization_config": quantization} if quantization is not None else {}),
        )
    except (OSError, ValueError, KeyError) as error:
        if _OWN_CODE in str(error):
            raise UserFault(
                f"{folder} brings program code of its own, which is never run here; take a model of a kind that"
                " transformers knows by itself."
            ) from error
        raise UserFault(f"{folder} cannot be loaded as a model that generates: {error}") from error
    if (folder / known.PREFIX).is_dir():
        model.config.max_position_embeddings -= prefix.attach(model, folder / known.PREFIX)
    return model.eval(), tokenizer


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with the adapters of a folder beside its weights."""
    return PeftModel.from_pretrained(model, folder, local_files_only=True)


def load_tokenizer(folder: Path) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.chat_template is None:
        raise UserFault(f"The tokenizer in {folder} has no chat template; add chat_template.jinja to the folder.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def save_candidate(
    context: JobContext,
    model: Any,
    tokenizer: Any,
    *,
    name: str,
    method: str,
    kind: ModelKind = ModelKind.CAUSAL,
    parent: Candidate | None = None,
    facts: dict[str, Any] | None = None,
) -> Candidate:
    """Write model and tokenizer to the job's folder `model` and describe them."""
    folder = context.folder / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Candidate(
        name=name,
        kind=kind,
        path=str(folder.resolve()),
        digest=digest.of_path(folder),
        method=method,
        parent=parent.name if parent else None,
        parent_digest=parent.digest if parent else None,
        job=context.spec.job,
        parameters=parent.parameters if parent and method == "int8" else model.num_parameters(),
        bytes=digest.size_of(folder),
        context=int(getattr(model.config, "max_position_embeddings", 0) or 0),
        licence=parent.licence if parent else "Apache-2.0",
        facts=facts or {},
    )
