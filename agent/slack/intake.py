"""Acceptance: a delivery is on disk before Slack is told so. One thread commits whatever has gathered meanwhile."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.errors import OdysseyError
from agent.slack.model import Delivery

log = logging.getLogger(__name__)
_MOST_AT_ONCE = 500  # deliveries of one commit


class NotAccepted(OdysseyError):
    """A delivery could not be written down. It must not be acknowledged: Slack delivers it again."""


class Accepting(Protocol):
    """Where deliveries are written down."""

    def accept(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Write all down in one transaction; False for one that is known already."""
        ...


@dataclass(frozen=True)
class _Request:
    delivery: Delivery
    answer: asyncio.Future[bool]
    loop: asyncio.AbstractEventLoop


class Intake:
    """Accepts deliveries from event loops. `start` before the first, `close` after the last."""

    def __init__(self, store: Accepting, news: Callable[[], None] = lambda: None) -> None:
        """`news` is called from the writer thread after a commit that brought something new (`Turns.wake`)."""
        self._store = store
        self._news = news
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="slack-intake", daemon=True)

    def start(self) -> None:
        self._writer.start()

    def close(self) -> None:
        """Commit what is waiting and end."""
        self._requests.put(None)
        self._writer.join()

    async def accept(self, delivery: Delivery) -> bool:
        """Return once it is on disk; False if it was there already. Then it may be acknowledged.

        Raises `NotAccepted` where it could not be written: do not acknowledge it.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        self._requests.put(_Request(delivery, answer, loop))
        return await answer

    # --- the writer thread ---------------------------------------------------------------------------------------

    def _write(self) -> None:
        while (first := self._requests.get()) is not None:
            batch, last = self._gather(first)
            self._commit(batch)
            if last:
                return

    def _gather(self, first: _Request) -> tuple[list[_Request], bool]:
        """Everything that waits by now, and whether the end was among it."""
        batch = [first]
        while len(batch) < _MOST_AT_ONCE:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return batch, False
            if request is None:
                return batch, True
            batch.append(request)
        return batch, False

    def _commit(self, batch: Sequence[_Request]) -> None:
        try:
            new = self._store.accept([request.delivery for request in batch])
        except Exception:  # the boundary of a commit: whatever is wrong, the next one is tried
            refusal = NotAccepted("The request could not be written down; it will be delivered again.")
            log.exception("%s: %d deliveries were not accepted", refusal.reference, len(batch))
            _tell(batch, [refusal] * len(batch))
            return
        _tell(batch, new)
        if any(new):
            self._news()


def _tell(batch: Sequence[_Request], answers: Sequence[bool | NotAccepted]) -> None:
    """Resolve the futures, one visit to each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[bool], bool | NotAccepted]]] = {}
    for request, answer in zip(batch, answers, strict=True):
        by_loop.setdefault(request.loop, []).append((request.answer, answer))
    for loop, resolved in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, resolved)
        except RuntimeError:
            # The loop has ended: nobody waits. What is on disk is answered all the same.
            log.info("Accepted %d deliveries whose connection is gone.", len(resolved))


def _resolve(resolved: Sequence[tuple[asyncio.Future[bool], bool | NotAccepted]]) -> None:
    for future, answer in resolved:
        if future.done():
            continue
        if isinstance(answer, NotAccepted):
            future.set_exception(answer)
        else:
            future.set_result(answer)
