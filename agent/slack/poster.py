"""The poster: takes what waits in the outbox and sends it, within Slack's limits and in a fair order.

Order holds within a place for first posts; where there is a choice, replies go before final states, those before
cards, those before progress. A message in progress changes often and is sent seldom: only its newest body counts.
"""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from agent.errors import new_reference
from agent.slack.gateway import Gateway
from agent.slack.model import Place
from agent.slack.posting import Posting
from agent.slack.schedule import Choice, Lane, Pace, Past, choose
from agent.slack.store import SlackStore

log = logging.getLogger(__name__)
_PAUSE = 1.0  # seconds after a fault of the database
CLEAN_EVERY = 3600.0  # seconds


class Poster:
    """Sends until it is closed. Belongs to one event loop; `wake` may be called from any thread."""

    def __init__(
        self,
        gateway: Gateway,
        store: SlackStore,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._pace = pace or Pace()
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._posting = Posting(gateway, store)
        self._past = Past()
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        store.on_wanted(self.wake)

    async def start(self) -> None:
        """Take up what an earlier process left, and send from now on."""
        await self._posting.ask(self._store.outbox.recover)
        self._task = self._loop.create_task(self._run(), name="slack-poster")

    def wake(self) -> None:
        """There may be something to send."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def idle(self) -> None:
        """Wait until nothing waits or is being sent."""
        self._idle.clear()
        self._news.set()
        await self._idle.wait()

    async def close(self, timeout: float = 5.0) -> None:
        """Let what is being sent arrive, for up to `timeout` seconds, and end; the rest is sent after a start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._posting.close()

    # --- the loop ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        cleaned = self._clock()
        while True:
            self._news.clear()
            try:
                wait = await self._round()
                if self._clock() - cleaned >= CLEAN_EVERY:
                    cleaned = self._clock()
                    await self._posting.ask(self._store.clean)
            except SQLAlchemyError:
                log.exception("%s: the outbox could not be read", new_reference())
                wait = _PAUSE
            try:
                # not wait_for: in Python 3.11 it forgets a cancellation that comes with the news, and nothing closes
                async with asyncio.timeout(min(wait or CLEAN_EVERY, CLEAN_EVERY)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _round(self) -> float | None:
        """Start what may be sent now; in how many seconds to look again."""
        waiting = await self._posting.ask(self._store.outbox.pending)
        if not waiting and not self._tasks and not self._news.is_set():  # nor since this round began
            self._idle.set()
        chosen, wait = choose(waiting, self._tasks.keys(), self._past, self._clock(), self._pace, self._ready_in)
        for choice in chosen:
            self._tasks[choice.lane] = self._loop.create_task(self._send(choice))
        return wait

    def _ready_in(self, lane: Lane) -> float:
        return self._gateway.ready_in(lane.team, lane.method, lane.channel)

    async def _send(self, choice: Choice) -> None:
        item = choice.item
        try:
            result = await self._posting.send(item.key)
            place = Place.of(item.place)
            if result in ("sent", "failed") and place is not None:
                self._past.sent(item, place.team, self._clock())
            elif result == "lost":
                self._past.lost(item, self._clock(), self._pace)
        except Exception:  # the boundary of a sending: the next message must be sent all the same
            log.exception("%s: what became of %s is not known", new_reference(), item.key)
            self._past.lost(item, self._clock(), self._pace)
        finally:
            del self._tasks[choice.lane]
            self._news.set()
