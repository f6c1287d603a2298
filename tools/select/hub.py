"""Models on the hub: their card, configuration and headers, without their weights."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    NotASafetensorsRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    SafetensorsParsingError,
)
from huggingface_hub.hf_api import ModelInfo

from tools import models
from tools.contract import Candidate
from tools.errors import UserFault
from tools.jobs.environment import OFFLINE
from tools.models import Tensor
from tools.select.option import UNKNOWN, Found, LeftOut, Option
from tools.select.shape import shape_of, weights_of

_WAIT = 20.0  # seconds for an answer of the hub
_PICKLED = re.compile(r"\.(bin|pt|pth|ckpt|pkl)$")
_MEND = "check the network, or HF_ENDPOINT for a mirror; or fetch it elsewhere and name its folder"


def look(
    ids: Sequence[str], cache: Path, endpoint: str | None = None, environment: Mapping[str, str] = os.environ
) -> Found:
    """Each model by its id, or why it cannot be had. `cache` takes configurations of a few kB.

    `endpoint`: another address of the hub than the environment's (HF_ENDPOINT).
    """
    found = Found()
    with _online(environment):
        api = HfApi(endpoint=endpoint)
        for name in ids:
            try:
                found += Found((_option(api, name, cache),))
            except UserFault as fault:
                found += Found(left_out=(LeftOut(name, str(fault)),))
    return found


@contextmanager
def _online(environment: Mapping[str, str]) -> Iterator[None]:
    """Jobs are kept from the hub unless they are to ask it, as here; who runs Odyssey may still forbid it."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = environment.get(OFFLINE) == "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _option(api: HfApi, name: str, cache: Path) -> Option:
    try:
        info = api.model_info(name, files_metadata=True, timeout=_WAIT)
        config = _config(api, info, name, cache)
        weights = weights_of(_tensors(api, info, name))
    except GatedRepoError as error:
        raise UserFault(
            f"{name} is only for people who accepted its terms: accept them on its page, and set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserFault(f"The hub has no model {name} that may be seen here; check the id, or set HF_TOKEN.") from error
    except OfflineModeIsEnabled as error:
        raise UserFault(
            f"{name} was not looked up: HF_HUB_OFFLINE is set where Odyssey runs; name a folder instead."
        ) from error
    except LocalEntryNotFoundError as error:
        raise UserFault(f"The hub could not be reached about {name}: {_MEND}.") from error
    except (SafetensorsParsingError, EntryNotFoundError, HFValidationError) as error:
        raise UserFault(f"{name} cannot be read from the hub: {_said(error)}") from error
    except HfHubHTTPError as error:
        raise UserFault(
            f"The hub answered {error.response.status_code} about {name}; try again, or {_MEND}."
        ) from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise UserFault(f"The hub could not be reached about {name} ({_said(error)}): {_MEND}.") from error
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
    path = api.hf_hub_download(name, "config.json", revision=info.sha, cache_dir=cache, etag_timeout=_WAIT)
    return models.read_config(Path(path).parent)


def _tensors(api: HfApi, info: ModelInfo, name: str) -> list[Tensor]:
    try:
        metadata = api.get_safetensors_metadata(name, revision=info.sha, timeout=_WAIT)
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


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
