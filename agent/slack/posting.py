"""Sending one message so that it stands once: looked for where that is in doubt, then posted, updated or uploaded.

chat.postMessage knows no key against doubles, so the key travels in the message's metadata, where it is found again.
What only one person sees leaves no trace to be found: it is sent at least once.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from agent.errors import new_reference
from agent.ledger.messages import MessageRow
from agent.slack.gateway import Gateway, Limited, Lost, Outcome, Posted, Refused
from agent.slack.model import Message
from agent.slack.search import Doubt, Search, file_name, metadata
from agent.slack.store import SlackStore

log = logging.getLogger(__name__)
T = TypeVar("T")
Result = Literal["sent", "lost", "later", "failed"]

_BAD_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments"}
)
_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "user_not_in_channel"})
_AT_ONCE = 1.0  # seconds of patience: the poster asks only when the limits let a call through


class Posting:
    """Sends messages of the outbox. Belongs to one event loop; the database is asked on a thread of its own."""

    def __init__(self, gateway: Gateway, store: SlackStore) -> None:
        self._gateway = gateway
        self._outbox = store.outbox
        self._search = Search(gateway)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="slack-outbox")

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def ask(self, call: Callable[..., T], *arguments: object) -> T:
        """A call of the outbox, off the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def send(self, key: str) -> Result:
        """Bring a message a step nearer to standing as wanted.

        `lost`: nobody knows whether it arrived, try again after a while. `later`: the limits do not let it through.
        """
        row = await self.ask(self._outbox.get, key)
        if row is None:
            return "sent"
        try:
            message = Message.model_validate_json(row.body)
        except ValidationError:
            return await self._fail(key, "its body cannot be read")
        if row.state == "sending" and row.ts is None and message.ephemeral_for is None:
            return await self._settle_doubt(row, message)
        if row.once:
            return await self._once(row, message)
        if row.ts is None:
            return await self._post(row, message)
        return await self._update(row, row.ts, message)

    # --- in doubt ------------------------------------------------------------------------------------------------

    async def _settle_doubt(self, row: MessageRow, message: Message) -> Result:
        """Look for a message that may stand already; then it waits for what is left to do."""
        try:
            ts = await self._search.find(row, message, lambda: self.ask(self._outbox.known, row.place))
        except Doubt as doubt:
            log.info("Whether %s stands is not known yet: %s", row.key, doubt)
            await self.ask(self._outbox.lost, row.key)
            return "lost"
        if ts is None:
            await self.ask(self._outbox.absent, row.key)
        elif row.once:
            await self.ask(self._outbox.posted, row.key, row.digest, ts)
        else:
            await self.ask(self._outbox.found, row.key, ts)
        return "sent"

    # --- first posts ---------------------------------------------------------------------------------------------

    async def _post(self, row: MessageRow, message: Message) -> Result:
        arguments: dict[str, Any] = {
            "channel": message.place.channel,
            "thread_ts": message.place.thread_ts,
            "metadata": metadata(row.key),
            **_QUIET,
        }
        return await self._first(row, message, "chat.postMessage", arguments)

    async def _once(self, row: MessageRow, message: Message) -> Result:
        if message.upload is not None:
            return await self._upload(row, message, message.upload)
        arguments = {
            "channel": message.place.channel,
            "thread_ts": message.place.thread_ts,
            "user": message.ephemeral_for,
        }
        return await self._first(row, message, "chat.postEphemeral", arguments)

    async def _first(self, row: MessageRow, message: Message, method: str, arguments: dict[str, Any]) -> Result:
        """Post, and the words alone where Slack takes the blocks for wrong."""
        await self.ask(self._outbox.sending, row.key, row.digest)
        outcome = await self._call(message, method, arguments | _shown(message))
        if isinstance(outcome, Refused) and outcome.error in _BAD_BLOCKS and message.body.blocks:
            log.error("%s: the blocks of %s are refused (%s)", new_reference(), row.key, outcome.error)
            outcome = await self._call(message, method, arguments | {"text": message.body.text})
        if isinstance(outcome, Refused) and outcome.error in _NOT_THERE and message.ephemeral_for is not None:
            # Odyssey is not in that channel: the person who asked still gets the words, in a direct message.
            direct = {"channel": message.ephemeral_for, **_QUIET}
            outcome = await self._call(message, "chat.postMessage", direct | _shown(message))
        return await self._conclude_first(row, outcome)

    async def _upload(self, row: MessageRow, message: Message, picture: Path) -> Result:
        try:
            content = await self.ask(picture.read_bytes)
        except OSError:
            return await self._fail(row.key, f"its picture {picture} cannot be read")
        await self.ask(self._outbox.sending, row.key, row.digest)
        name = file_name(row.key)
        outcome = await self._call(
            message,
            "files.upload_v2",
            {
                "content": content,
                "filename": name,
                "title": message.body.text[:200],
                "alt_txt": message.body.text[:1000],
                "channel": message.place.channel,
                "thread_ts": message.place.thread_ts,
            },
        )
        return await self._conclude_first(row, outcome)

    async def _conclude_first(self, row: MessageRow, outcome: Outcome) -> Result:
        if isinstance(outcome, Posted):
            await self.ask(self._outbox.posted, row.key, row.digest, outcome.ts)
            return "sent"
        if isinstance(outcome, Limited):
            await self.ask(self._outbox.absent, row.key)
            return "later"
        return await self._unsuccessful(row, outcome)

    # --- changes -------------------------------------------------------------------------------------------------

    async def _update(self, row: MessageRow, ts: str, message: Message) -> Result:
        at = {"channel": message.place.channel, "ts": ts}
        if row.stream:
            closed = await self._call(message, "chat.stopStream", {**at, "metadata": metadata(row.key)})
            if isinstance(closed, Lost | Limited):
                return await self._not_updated(row, closed)
        arguments = {**at, "metadata": metadata(row.key)}
        outcome = await self._call(message, "chat.update", arguments | _shown(message))
        if isinstance(outcome, Refused) and outcome.error in _BAD_BLOCKS and message.body.blocks:
            log.error("%s: the blocks of %s are refused (%s)", new_reference(), row.key, outcome.error)
            outcome = await self._call(message, "chat.update", arguments | {"text": message.body.text, "blocks": []})
        if isinstance(outcome, Posted):
            await self.ask(self._outbox.posted, row.key, row.digest)
            return "sent"
        return await self._not_updated(row, outcome)

    async def _not_updated(self, row: MessageRow, outcome: Lost | Limited | Refused) -> Result:
        return "later" if isinstance(outcome, Limited) else await self._unsuccessful(row, outcome)

    # --- help ----------------------------------------------------------------------------------------------------

    async def _call(self, message: Message, method: str, arguments: dict[str, Any]) -> Outcome:
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._gateway.call(message.place.team, method, patience=_AT_ONCE, **given)

    async def _unsuccessful(self, row: MessageRow, outcome: Lost | Refused) -> Result:
        if isinstance(outcome, Refused):
            return await self._fail(row.key, outcome.error)
        log.info("Nobody knows whether %s arrived: %s", row.key, outcome.why)
        await self.ask(self._outbox.lost, row.key)
        return "lost"

    async def _fail(self, key: str, why: str) -> Result:
        log.error("%s: message %s cannot be shown in Slack: %s", new_reference(), key, why)
        await self.ask(self._outbox.failed, key)
        return "failed"


_QUIET = {"unfurl_links": False, "unfurl_media": False}  # a preview of a link can leak data without a click


def _shown(message: Message) -> dict[str, Any]:
    blocks = list(message.body.blocks)
    return {"text": message.body.text, **({"blocks": blocks} if blocks else {})}
