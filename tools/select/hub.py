"""Models on the hub: their card, configuration and headers, without their weights."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import NotASafetensorsRepoError
from huggingface_hub.hf_api import ModelInfo

from tools import models
from tools.contract import Candidate
from tools.errors import UserFault
from tools.hub import WAIT, asking, online
from tools.models import Tensor
from tools.select.option import UNKNOWN, Found, LeftOut, Option
from tools.select.shape import shape_of, weights_of

_PICKLED = re.compile(r"\.(bin|pt|pth|ckpt|pkl)$")


def look(
    ids: Sequence[str], cache: Path, endpoint: str | None = None, environment: Mapping[str, str] = os.environ
) -> Found:
    """Each model by its id, or why it cannot be had. `cache` takes configurations of a few kB.

    `endpoint`: another address of the hub than the environment's (HF_ENDPOINT).
    """
    found = Found()
    with online(environment):
        api = HfApi(endpoint=endpoint)
        for name in ids:
            try:
                found += Found((_option(api, name, cache),))
            except UserFault as fault:
                found += Found(left_out=(LeftOut(name, str(fault)),))
    return found


def _option(api: HfApi, name: str, cache: Path) -> Option:
    with asking(name, "model", "folder"):
        info = api.model_info(name, files_metadata=True, timeout=WAIT)
        config = _config(api, info, name, cache)
        weights = weights_of(_tensors(api, info, name))
    kind = models.kind_of(name, config)
    shape = shape_of(config, kind)
    files = info.siblings or []
    model = Candidate(
        name=name,
        kind=kind,
        path=name,
        digest="",
        method="existing",
        parameters=weights.count,
        bytes=sum(file.size or 0 for file in files if not _PICKLED.search(file.rfilename)),
        context=shape.context if shape else 0,
        licence=_card(info, "license") or UNKNOWN,
        facts={"architecture": str(config["model_type"]), "language": _card(info, "language")},
    )
    return Option(
        model,
        "hub",
        weights,
        shape,
        quantized="quantization_config" in config,
        tokenizer=any(file.rfilename == "tokenizer.json" for file in files),
    )


def _config(api: HfApi, info: ModelInfo, name: str, cache: Path) -> dict[str, Any]:
    files = {file.rfilename for file in info.siblings or []}
    if "config.json" not in files:
        raise UserFault(f"{name} is no model for transformers: it has no config.json.")
    path = api.hf_hub_download(name, "config.json", revision=info.sha, cache_dir=cache, etag_timeout=WAIT)
    return models.read_config(Path(path).parent)


def _tensors(api: HfApi, info: ModelInfo, name: str) -> list[Tensor]:
    try:
        metadata = api.get_safetensors_metadata(name, revision=info.sha, timeout=WAIT)
    except NotASafetensorsRepoError as error:
        pickled = sorted(f.rfilename for f in info.siblings or [] if _PICKLED.search(f.rfilename))
        what = f"pickled weights ({pickled[0]}), which can run code when they are opened" if pickled else "no weights"
        raise UserFault(f"{name} has {what}; take one that is stored as safetensors.") from error
    return [
        Tensor(name=key, dtype=tensor.dtype, shape=tuple(tensor.shape))
        for file in metadata.files_metadata.values()
        for key, tensor in file.tensors.items()
    ]


def _card(info: ModelInfo, field: str) -> str:
    value = getattr(info.card_data, field, None)
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value or "")
