"""Taking a delivery in, and knowing the conversations there have been."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from agent.slack.door import Door
from agent.slack.model import Delivery, Place

MOST_THREADS = 20_000  # conversations that are known without asking the record

Learn = Callable[..., Awaitable[None]]  # asks for the names of the people that texts mention


class Accepts(Protocol):
    """The intake."""

    async def accept(self, delivery: Delivery) -> bool: ...


class Entered(Protocol):
    """Whether a conversation has taken place already. Blocks; runs in a worker thread."""

    def entered(self, thread: str, place: str, root: str | None) -> bool: ...


class Acceptance:
    """Belongs to one event loop."""

    def __init__(self, intake: Accepts, threads: Entered, door: Door, learn: Learn) -> None:
        self._intake = intake
        self._threads = threads
        self._door = door
        self._learn = learn
        self._known: dict[str, None] = {}

    async def take(self, delivery: Delivery) -> None:
        """Return once it is on disk. Raises `NotAccepted`: then it must not be acknowledged."""
        await self._intake.accept(delivery)
        self._note(delivery.thread)
        self._door.soon(self._names(delivery))

    async def is_inside(self, place: Place) -> bool:
        """Whether Odyssey was addressed in the thread, or has posted there."""
        if place.key in self._known:
            return True
        channel = Place(team=place.team, channel=place.channel).key
        inside = await asyncio.to_thread(self._threads.entered, place.key, channel, place.thread_ts)
        if inside:
            self._note(place.key)
        return inside

    async def _names(self, delivery: Delivery) -> None:
        await self._learn(delivery.actor, delivery.text)

    def _note(self, thread: str) -> None:
        self._known.pop(thread, None)
        self._known[thread] = None
        if len(self._known) > MOST_THREADS:
            del self._known[next(iter(self._known))]
