"""What Slack tells, translated and accepted. Nothing is decided here: that is for the conversation.

Every listener ends, and so acknowledges, only after what was said is on disk; a window opens beside it.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from agent.slack import translate
from agent.slack.acceptance import Acceptance
from agent.slack.door import Door
from agent.slack.interactions import Interactions
from agent.slack.manifest import COMMAND, SHORTCUT
from agent.slack.model import Place
from agent.slack.payloads import Event, HomeOpened, Malformed, Press, Revoked, SessionStopped, Shortcut, read
from agent.slack.translate import Ourselves

log = logging.getLogger(__name__)
NO_TEXT = "That message has no text I can read; ask me about one with words."

Body = dict[str, Any]


class Listeners:
    """Everything Slack can tell. `register` once."""

    def __init__(
        self,
        *,
        acceptance: Acceptance,
        door: Door,
        interactions: Interactions,
        home: Callable[[str], Mapping[str, Any]],
        stop: Callable[[Place], bool],
        forget: Callable[[str, tuple[str, ...] | None], None],
        several: bool = False,
    ) -> None:
        """`home(actor)` is a person's board; `stop(place)` ends the turn of a session; `forget(team, bots)` drops
        a workspace's installation, or with `bots` only where one of these bot users is its own."""
        self._acceptance = acceptance
        self._door = door
        self._interactions = interactions
        self._home = home
        self._stop = stop
        self._forget = forget
        self._several = several

    def register(self, app: AsyncApp) -> None:
        """Listen to exactly what the manifest subscribes to."""
        for name, listener in self.events().items():
            app.event(name)(listener)
        app.command(COMMAND)(self.command)
        app.message_shortcut(SHORTCUT)(self.shortcut)
        app.action(re.compile(""))(self._interactions.pressed)
        app.view_submission(re.compile(""))(self._interactions.submitted)

    def events(self) -> dict[str, Callable[..., Awaitable[None]]]:
        """The listener of each type of event."""
        return {
            "app_mention": self.message,
            "message": self.message,
            "app_home_opened": self.home_opened,
            "agent_session_stopped": self.session_stopped,
            "app_uninstalled": self.uninstalled,
            "tokens_revoked": self.revoked,
        }

    # --- what is said --------------------------------------------------------------------------------------------

    async def message(self, body: Body, context: AsyncBoltContext) -> None:
        heard = translate.message(body, self._us(context))
        if heard is None or not heard.deliveries:
            return
        if heard.only_inside and not await self._acceptance.is_inside(heard.deliveries[0].place):
            return
        for delivery in heard.deliveries:
            await self._acceptance.take(delivery)

    async def command(self, body: Body, context: AsyncBoltContext, ack: AsyncAck) -> None:
        await self._acceptance.take(translate.command(body, self._us(context), datetime.now(UTC)))
        await ack()

    async def shortcut(self, body: Body, context: AsyncBoltContext, ack: AsyncAck) -> None:
        delivery = translate.shortcut(body, self._us(context), datetime.now(UTC))
        if delivery is not None:
            await self._acceptance.take(delivery)
        else:
            self._door.soon(self._no_text(body))
        await ack()

    async def _no_text(self, body: Body) -> None:
        chosen = read(Shortcut, body)
        place = Place(team=chosen.team, channel=chosen.channel, thread_ts=chosen.thread_ts)
        await self._door.whisper(place, chosen.user, NO_TEXT)

    def _us(self, context: AsyncBoltContext) -> Ourselves:
        return Ourselves(user=context.bot_user_id or "", several=self._several)

    def tell_who_pressed(self, body: Body, sentence: str) -> None:
        """What somebody pressed could not be done; nothing where it was no press, or in no channel."""
        if body.get("type") not in ("block_actions", "message_action"):
            return
        pressed = read(Press if body["type"] == "block_actions" else Shortcut, body)
        if isinstance(pressed, Press | Shortcut) and pressed.channel is not None:
            place = Place(team=pressed.team, channel=pressed.channel, thread_ts=pressed.thread_ts)
            self._door.soon(self._door.whisper(place, pressed.user, sentence))

    # --- what happens --------------------------------------------------------------------------------------------

    async def home_opened(self, body: Body, context: AsyncBoltContext) -> None:
        event = read(Event, body)
        opened = event.event
        if not isinstance(opened, HomeOpened):
            raise Malformed("An opened home is none.")
        if opened.channel is not None:
            self._door.remember(event.team, opened.user, opened.channel)
        if opened.tab == "home":
            self._door.soon(self._show_home(event.team, opened.user, self._us(context)))
        elif opened.channel is not None:
            self._door.soon(self._door.prompts(event.team, opened.channel))

    async def _show_home(self, team: str, user: str, us: Ourselves) -> None:
        view = await asyncio.to_thread(self._home, us.person(team, user))
        await self._door.board(team, user, view)

    async def session_stopped(self, body: Body) -> None:
        event = read(Event, body)
        stopped = event.event
        if not isinstance(stopped, SessionStopped):
            raise Malformed("A stopped session is none.")
        self._stop(Place(team=event.team, channel=stopped.channel, thread_ts=stopped.thread_ts))

    async def uninstalled(self, body: Body) -> None:
        event = read(Event, body)
        await asyncio.to_thread(self._forget, event.team, None)
        log.warning("The workspace %s has removed the app; its token is forgotten.", event.team)

    async def revoked(self, body: Body) -> None:
        event = read(Event, body)
        if isinstance(event.event, Revoked) and event.event.tokens.bot:
            await asyncio.to_thread(self._forget, event.team, event.event.tokens.bot)
            log.warning("The workspace %s has revoked the app's token; it is forgotten.", event.team)
