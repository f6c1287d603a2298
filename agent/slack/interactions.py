"""Buttons and windows. A button says something, opens a window or votes; a window that is sent says something."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from agent.errors import new_reference
from agent.slack import actions, translate
from agent.slack.acceptance import Acceptance
from agent.slack.actions import Origin, Passage
from agent.slack.blocks import modals
from agent.slack.door import Door
from agent.slack.model import Place
from agent.slack.payloads import Press, Submission, read
from agent.slack.translate import Ourselves
from tools.contract import Tool

log = logging.getLogger(__name__)

UNKNOWN = "I do not know this button any more; say what you want in words, or `help`. ({reference})"
TOO_LATE = "The window did not open in time; press the button again."

Body = dict[str, Any]
Vote = Callable[[str, str, bool], None]


class Interactions:
    """Presses and submissions, accepted before they are acknowledged."""

    def __init__(
        self, acceptance: Acceptance, vote: Vote, door: Door, catalogue: Mapping[str, Tool], *, several: bool = False
    ) -> None:
        """`vote(turn, actor, good)` keeps a vote; it blocks and runs in a worker thread."""
        self._acceptance = acceptance
        self._vote = vote
        self._door = door
        self._catalogue = catalogue
        self._several = several

    async def pressed(self, body: Body, context: AsyncBoltContext, ack: AsyncAck) -> None:
        press = read(Press, body)
        kind = press.actions[0].action_id.partition(":")[0]
        if kind == actions.SAY:
            await self._say(body, press, self._us(context))
        elif kind == actions.FEEDBACK:
            await self._feedback(press, self._us(context))
        else:
            await self._open(kind, press)
        await ack()

    async def _say(self, body: Body, press: Press, us: Ourselves) -> None:
        delivery = translate.press(body, us, datetime.now(UTC), await self._home(press))
        if delivery is None:
            self._unknown(press)
        else:
            await self._acceptance.take(delivery)

    async def _feedback(self, press: Press, us: Ourselves) -> None:
        vote = actions.Vote.parse(press.actions[0].value)
        if vote is None:
            self._unknown(press)
        else:
            await asyncio.to_thread(self._vote, vote.turn, us.person(press.team, press.user), vote.good)

    async def _open(self, kind: str, press: Press) -> None:
        """A window, at once: its trigger lives for three seconds."""
        view = self._window(kind, press)
        if view is None:
            self._unknown(press)
        else:
            self._door.soon(self._show(press, view))

    def _window(self, kind: str, press: Press) -> Mapping[str, Any] | None:
        value = press.actions[0].value
        if kind == actions.NEW_PROJECT:
            return modals.new_project_modal(_origin(press, None))
        if kind == actions.REASON and (meant := actions.Press.parse(value)) is not None:
            return modals.reason_modal(_origin(press, meant))
        if (
            kind == actions.FORM
            and (form := actions.FormValue.parse(value))
            and (tool := self._catalogue.get(form.tool))
        ):
            asked = actions.Press(say=form.tool, project=form.project)
            return modals.form_modal(_origin(press, asked), tool, form.params)
        if kind == actions.PASSAGE and (passage := Passage.parse(value)) is not None:
            return modals.passage_modal(passage)
        return None

    async def _show(self, press: Press, view: Mapping[str, Any]) -> None:
        if not await self._door.window(press.team, press.trigger, view):
            await self._whisper(press, TOO_LATE)

    async def submitted(self, body: Body, context: AsyncBoltContext, ack: AsyncAck) -> None:
        sent = read(Submission, body)
        home = await self._direct_of(sent)
        meant = translate.submission(body, self._us(context), datetime.now(UTC), home, self._catalogue)
        if meant.faults:
            await ack(response_action="errors", errors=meant.faults)
            return
        if meant.delivery is not None:
            await self._acceptance.take(meant.delivery)
        await ack()

    async def _direct_of(self, sent: Submission) -> Place | None:
        """Where its answer goes when it was opened from the App Home; asked for only then."""
        origin = Origin.parse(sent.view.private_metadata)
        return None if origin.place is not None else await self._door.direct(sent.team, sent.user)

    async def _home(self, press: Press) -> Place | None:
        return None if press.channel is not None else await self._door.direct(press.team, press.user)

    def _unknown(self, press: Press) -> None:
        reference = new_reference()
        log.warning("%s: an unknown button %r was pressed", reference, press.actions[0].action_id[:80])
        self._door.soon(self._whisper(press, UNKNOWN.format(reference=reference)))

    async def _whisper(self, press: Press, text: str) -> None:
        home = await self._home(press)
        if press.channel is None and home is None:
            return
        place, _ = translate.where(press, home)
        await self._door.whisper(place.model_copy(update={"thread_ts": press.thread_ts}), press.user, text)

    def _us(self, context: AsyncBoltContext) -> Ourselves:
        return Ourselves(user=context.bot_user_id or "", several=self._several)


def _origin(press: Press, meant: actions.Press | None) -> Origin:
    """What a window is opened for, and where its answer belongs; from the App Home that is not known yet."""
    if press.channel is None:
        return Origin(press=meant)
    place, thread = translate.where(press, None)
    return Origin(press=meant, place=place, thread=thread)
