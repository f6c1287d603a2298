"""Asking the hub of models and data: only where a job is to, and with a sentence for everything that can go wrong."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    SafetensorsParsingError,
)

from tools.errors import UserFault
from tools.jobs.environment import OFFLINE

WAIT = 20.0  # seconds for an answer
_LONGEST = 120  # characters of somebody else's words


@contextmanager
def online(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Jobs are kept from the hub unless they are to ask it, as here; who runs Odyssey may still forbid it."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = environment.get(OFFLINE) == "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def asking(name: str, what: str, instead: str) -> Iterator[None]:
    """Turns the hub's errors about `name` into `UserFault`. `what` it is (model), `instead`: what else to name."""
    mend = f"check the network, or HF_ENDPOINT for a mirror; or fetch it elsewhere and name its {instead}"
    try:
        yield
    except GatedRepoError as error:
        raise UserFault(
            f"{name} is only for people who accepted its terms: accept them on its page, and set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserFault(
            f"The hub has no {what} {name} that may be seen here; check the id, or set HF_TOKEN."
        ) from error
    except OfflineModeIsEnabled as error:
        raise UserFault(
            f"{name} was not looked up: HF_HUB_OFFLINE is set where Odyssey runs; name a {instead} instead."
        ) from error
    except LocalEntryNotFoundError as error:
        raise UserFault(f"The hub could not be reached about {name}: {mend}.") from error
    except (SafetensorsParsingError, EntryNotFoundError, HFValidationError) as error:
        raise UserFault(f"{name} cannot be read from the hub: {_said(error)}") from error
    except HfHubHTTPError as error:
        raise UserFault(f"The hub answered {error.response.status_code} about {name}; try again, or {mend}.") from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise UserFault(f"The hub could not be reached about {name} ({_said(error)}): {mend}.") from error


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:_LONGEST]
