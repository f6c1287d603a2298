"""The states of installations under way: each is good once, for ten minutes, in this process."""

import logging
import secrets
import time
from collections.abc import Callable

from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

log = logging.getLogger(__name__)
LIFE = 600.0  # seconds
MOST = 1_000  # under way; the oldest goes


class States(AsyncOAuthStateStore):
    """Whoever comes back from Slack must have been sent there from here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: dict[str, float] = {}

    @property
    def logger(self) -> logging.Logger:
        return log

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        state = secrets.token_urlsafe(32)
        self._issued[state] = self._clock() + LIFE
        if len(self._issued) > MOST:
            del self._issued[next(iter(self._issued))]
        return state

    async def async_consume(self, state: str) -> bool:
        return self._issued.pop(state, 0.0) > self._clock()
