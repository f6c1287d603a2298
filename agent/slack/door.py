"""What Slack itself can say to a person beside an answer: a sentence for one person, a window, a board, prompts."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from agent.errors import new_reference
from agent.slack.gateway import Outcome, Posted
from agent.slack.manifest import PROMPTS
from agent.slack.model import Place

log = logging.getLogger(__name__)

MOST_KNOWN = 10_000  # people whose direct messages are remembered
OPEN_IN = 2.5  # seconds a window may wait for its turn: its trigger lives for three


class Calls(Protocol):
    """The gateway, as it is used here."""

    async def call(self, team: str, method: str, *, patience: float | None = None, **arguments: Any) -> Outcome: ...


class Door:
    """Calls that belong to no conversation. None of them raises: what fails is logged, and said where it can be."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._direct: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the acknowledgement, which waits for nothing but acceptance."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: something beside a listener failed", new_reference(), exc_info=error)

    async def idle(self) -> None:
        """Wait until everything begun beside the listeners has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def whisper(self, place: Place, user: str, text: str) -> None:
        """A sentence that only this person sees."""
        below: dict[str, Any] = {"thread_ts": place.thread_ts} if place.thread_ts else {}
        outcome = await self._calls.call(
            place.team, "chat.postEphemeral", channel=place.channel, user=user, text=text, **below
        )
        _noted(outcome, "chat.postEphemeral")

    async def window(self, team: str, trigger: str, view: Mapping[str, Any]) -> bool:
        """Open a modal; False where its trigger was too old or Slack refused."""
        outcome = await self._calls.call(team, "views.open", patience=OPEN_IN, trigger_id=trigger, view=dict(view))
        return _noted(outcome, "views.open")

    async def board(self, team: str, user: str, view: Mapping[str, Any]) -> None:
        """Show a person's App Home."""
        _noted(await self._calls.call(team, "views.publish", user_id=user, view=dict(view)), "views.publish")

    async def prompts(self, team: str, channel: str) -> None:
        """What one could ask, above an empty conversation."""
        outcome = await self._calls.call(
            team,
            "assistant.threads.setSuggestedPrompts",
            channel_id=channel,
            title="Ask me, or begin with",
            prompts=[{"title": title, "message": message} for title, message in PROMPTS],
        )
        _noted(outcome, "assistant.threads.setSuggestedPrompts")

    def remember(self, team: str, user: str, channel: str) -> None:
        """Where a person's direct messages with the app are."""
        self._direct[team, user] = channel
        self._direct.move_to_end((team, user))
        while len(self._direct) > MOST_KNOWN:
            self._direct.popitem(last=False)

    async def direct(self, team: str, user: str) -> Place | None:
        """A person's direct messages with the app; None where Slack does not open them."""
        known = self._direct.get((team, user))
        if known is None:
            outcome = await self._calls.call(team, "conversations.open", patience=OPEN_IN, users=user)
            channel = outcome.data.get("channel") if isinstance(outcome, Posted) else None
            known = channel.get("id") if isinstance(channel, dict) else None
            if not isinstance(known, str):
                _noted(outcome, "conversations.open")
                return None
            self.remember(team, user, known)
        return Place(team=team, channel=known)


def _noted(outcome: Outcome, method: str) -> bool:
    if isinstance(outcome, Posted):
        return True
    log.warning("%s: %s did not happen: %s", new_reference(), method, outcome)
    return False
