"""Whether a message stands already: looked for by its key in the thread or channel where it belongs."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from agent.ledger.messages import MessageRow
from agent.slack.gateway import Gateway, Posted, Refused
from agent.slack.model import Message

EVENT_TYPE = "odyssey_message"  # of the metadata that carries a message's key
_SKEW = 300  # seconds by which Slack's clock may be behind ours
_PAGE = 200  # messages of one request


class Doubt(Exception):
    """Slack did not say; ask again later."""


def metadata(key: str) -> dict[str, Any]:
    """What a message carries so that it is found again."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def file_name(key: str) -> str:
    """The name under which a picture is uploaded, and found again."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip("-") + ".png"


class Search:
    """Reads threads and channels. Belongs to one event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._selves: dict[str, frozenset[str]] = {}

    async def find(
        self, row: MessageRow, message: Message, known: Callable[[], Awaitable[frozenset[str]]]
    ) -> str | None:
        """Slack's name of the message with the row's key, or None if it stands nowhere. Raises `Doubt`.

        A stream carries no key while it is open: for one, the first own message without a key, which no row knows
        (`known`), is taken. Where Slack lets nobody look, it is taken to be absent: better twice than never.
        """
        name = file_name(row.key) if message.upload is not None else None
        unnamed: list[str] = []
        async for found in self._messages(row, message):
            if _key(found) == row.key or (name is not None and name in _files(found)):
                return str(found["ts"])
            if row.stream and _key(found) is None and await self._own(message.place.team, found):
                unnamed.append(str(found["ts"]))
        if unnamed:
            taken = await known()
            return next((ts for ts in sorted(unnamed) if ts not in taken), None)
        return None

    async def _messages(self, row: MessageRow, message: Message) -> AsyncIterator[dict[str, Any]]:
        """The messages of the place since the row was made, page by page."""
        place = message.place
        oldest = f"{row.at.timestamp() - _SKEW:.6f}"
        arguments: dict[str, Any] = {
            "channel": place.channel,
            "oldest": oldest,
            "limit": _PAGE,
            "include_all_metadata": "true",
        }
        method = "conversations.history"
        if place.thread_ts is not None:
            method, arguments = "conversations.replies", {**arguments, "ts": place.thread_ts}
        while True:
            outcome = await self._gateway.call(place.team, method, **arguments)
            if isinstance(outcome, Refused):
                return
            if not isinstance(outcome, Posted):
                raise Doubt(str(outcome))
            for found in outcome.data.get("messages") or []:
                if float(found.get("ts", 0)) >= float(oldest):
                    yield found
            cursor = (outcome.data.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            arguments["cursor"] = cursor

    async def _own(self, team: str, found: dict[str, Any]) -> bool:
        """Whether a message is the app's own."""
        if team not in self._selves:
            outcome = await self._gateway.call(team, "auth.test")
            if not isinstance(outcome, Posted):
                raise Doubt(str(outcome))
            self._selves[team] = frozenset(str(outcome.data[k]) for k in ("bot_id", "user_id") if outcome.data.get(k))
        return bool(self._selves[team] & {str(found.get("bot_id")), str(found.get("user"))})


def _key(found: dict[str, Any]) -> str | None:
    carried = found.get("metadata") or {}
    if carried.get("event_type") != EVENT_TYPE:
        return None
    key = (carried.get("event_payload") or {}).get("key")
    return str(key) if key is not None else None


def _files(found: dict[str, Any]) -> set[str]:
    return {str(file.get("name")) for file in found.get("files") or []}
