"""An answer shown while it is being written: a status at once, a stream, and the poster for what comes after.

    nothing told for a moment ──> "is thinking…", and a session with a Stop button
    first text ──> chat.startStream ──> chat.appendStream, at a beat ──> the poster: chat.stopStream, chat.update
                        │                       └── its life ends, it is refused or grows too long ──> the poster
                        └── refused, or no thread to stream in ──> drafts, which the poster posts and updates

The message a stream makes has the key of the answer's first message, and its name is written down as soon as it is
known. The poster closes it and puts the final body in its place: what was streamed is never the last word.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future

from agent.errors import new_reference
from agent.slack.gateway import Gateway, Limited, Lost, Posted, Refused
from agent.slack.model import Block, Delivery, Message, Rendered
from agent.slack.store import SlackStore
from tools.contract import Frozen

log = logging.getLogger(__name__)
THINKING = "is thinking…"


class StreamSettings(Frozen):
    """Times in seconds."""

    quiet: float = 0.15  # before a status is shown: a shorter turn needs none
    beat: float = 0.7  # between two pieces of a stream
    life: float = 240.0  # of a stream; Slack closes it after about 300
    refresh: float = 90.0  # a status drops after 120
    longest: int = 11_000  # characters of one streamed message; Slack takes about 13,200. The rest comes at the end
    draft_beat: float = 3.0  # between two updates where streaming is not possible
    loading: tuple[str, ...] = ("Reading the project…", "Looking things up…", "Writing…")


class Streams:
    """Opens a `Streamed` for each turn. Made in the event loop that sends; `open` is called from any thread."""

    def __init__(
        self,
        gateway: Gateway,
        store: SlackStore,
        settings: StreamSettings | None = None,
        clean: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`clean` makes Markdown of a model safe to show (mentions, links); it is given the whole text so far."""
        self.gateway = gateway
        self.store = store
        self.settings = settings or StreamSettings()
        self.clean = clean
        self._loop = asyncio.get_running_loop()
        self._shown: set[Future[None]] = set()

    def open(self, delivery: Delivery, *, again: bool = False) -> "Streamed":
        """Begin to show a turn. `again`: an earlier process began to, so only a status is shown."""
        streamed = Streamed(self, delivery, self._loop, may_stream=not again and delivery.way not in _SEEN_BY_ONE)
        self._shown.add(streamed.shown)
        streamed.shown.add_done_callback(self._shown.discard)
        return streamed

    async def idle(self) -> None:
        """Wait until every answer that was finished is in the poster's hands."""
        while self._shown:
            await asyncio.wait([asyncio.wrap_future(shown) for shown in tuple(self._shown)])


_SEEN_BY_ONE = frozenset({"command", "button", "modal"})  # ways whose answers may be for one person's eyes


class Streamed:
    """One answer on its way. `tell` and `finish` are called from the turn's thread and return at once."""

    def __init__(
        self, streams: Streams, delivery: Delivery, loop: asyncio.AbstractEventLoop, *, may_stream: bool
    ) -> None:
        self._streams = streams
        self._settings = streams.settings
        self._delivery = delivery
        self._loop = loop
        self._may_stream = may_stream
        self._text = ""
        self._told = asyncio.Event()  # there is text to show, or the end
        self._finished = asyncio.Event()
        self.shown: Future[None] = asyncio.run_coroutine_threadsafe(self._run(), loop)

    def tell(self, piece: str) -> None:
        """The next piece of the answer."""
        self._loop.call_soon_threadsafe(self._hear, piece)

    def finish(self) -> None:
        """The answer is in the outbox (or there is none): hand the message over to the poster."""
        self._loop.call_soon_threadsafe(self._end)

    def _hear(self, piece: str) -> None:
        self._text += piece
        if self._may_stream and not self._told.is_set() and stable(self._text):
            self._told.set()

    def _end(self) -> None:
        self._finished.set()
        self._told.set()

    # --- the showing ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Show it until it is finished; a fault here costs the show, never the answer."""
        try:
            await _within(self._told, self._settings.quiet)
            if not self._finished.is_set():
                await asyncio.gather(self._signs(), self._words())
        except Exception:  # the boundary of a show
            log.exception("%s: an answer could not be shown while it was written", new_reference())

    async def _signs(self) -> None:
        """A status until there is text or an answer, and a session with its Stop button until the answer."""
        thread = self._thread()
        if thread is None:
            return
        shown, loading = False, list(self._settings.loading)
        while not self._told.is_set():
            status = {"status": THINKING, "loading_messages": loading}
            first, shown = not shown, await self._sign("assistant.threads.setStatus", thread, **status)
            if first:
                await self._sign("agents.sessions.setStatus", thread, status="processing")
            await _within(self._told, self._settings.refresh)
        await self._finished.wait()
        await self._sign("agents.sessions.setStatus", thread, status="active")
        if shown and not self._text:
            await self._sign("assistant.threads.setStatus", thread, status="")

    async def _words(self) -> None:
        await self._told.wait()
        if self._may_stream and not self._finished.is_set():
            await self._show()

    async def _show(self) -> None:
        thread = self._delivery.place.thread_ts
        store = self._streams.store
        key = f"reply:{self._delivery.id}:0"
        place = self._delivery.place
        if thread is None or not await asyncio.to_thread(store.outbox.begin_stream, key, place.key, store.now()):
            return await self._draft()
        opened, ended = await self._stream(key, thread)
        await asyncio.to_thread(store.end_stream, self._message(), opened=opened)
        if not ended:
            await self._draft()

    async def _stream(self, key: str, thread: str) -> tuple[bool, bool]:
        """Stream; whether a message may have been opened, and whether the answer was finished meanwhile."""
        place, first = self._delivery.place, self._safe()
        outcome = await self._streams.gateway.call(
            place.team,
            "chat.startStream",
            channel=place.channel,
            thread_ts=thread,
            markdown_text=first,
            recipient_user_id=self._delivery.actor,
            recipient_team_id=place.team,
            patience=0.0,
        )
        if not isinstance(outcome, Posted) or outcome.ts is None:
            log.info("No stream in %s: %s", place.key, outcome)
            return isinstance(outcome, Lost), False
        await asyncio.to_thread(self._streams.store.outbox.streaming, key, outcome.ts)
        return True, await self._append(outcome.ts, first)

    async def _append(self, ts: str, sent: str) -> bool:
        """Append at the beat; whether it went on until the answer was finished."""
        end = self._loop.time() + self._settings.life
        place = self._delivery.place
        while not self._finished.is_set():
            await _within(self._finished, self._settings.beat)
            safe = self._safe()
            if self._loop.time() >= end or not safe.startswith(sent):
                return False
            if self._finished.is_set() or safe == sent:
                continue
            outcome = await self._streams.gateway.call(
                place.team,
                "chat.appendStream",
                channel=place.channel,
                ts=ts,
                markdown_text=safe[len(sent) :],
                patience=self._settings.beat,
            )
            if isinstance(outcome, Refused | Lost):
                log.info("The stream %s in %s ended: %s", ts, place.key, outcome)
                return False
            sent = sent if isinstance(outcome, Limited) else safe
        return True

    async def _draft(self) -> None:
        """Let the poster post the beginning of the answer and update it."""
        while not self._finished.is_set():
            await asyncio.to_thread(self._streams.store.draft, self._message())
            await _within(self._finished, self._settings.draft_beat)

    # --- help ----------------------------------------------------------------------------------------------------

    def _message(self) -> Message:
        """What was told so far, as a message of its own."""
        text = self._safe() or "…"
        block: Block = {"type": "markdown", "text": text}
        key = f"reply:{self._delivery.id}:0"
        body = Rendered(text=text[:3000], blocks=(block,))
        return Message(key=key, place=self._delivery.place, body=body, rank="progress")

    def _safe(self) -> str:
        """The text so far, cleaned, up to a place where what follows cannot change what was shown."""
        text = self._text if self._finished.is_set() else stable(self._text)
        return self._streams.clean(text)[: self._settings.longest]

    def _thread(self) -> str | None:
        """The root of the thread in which signs are shown: in a direct message that of the person's own line."""
        return self._delivery.place.thread_ts or (self._delivery.message or "").rpartition(":")[2] or None

    async def _sign(self, method: str, thread: str, **what: object) -> bool:
        """Set a sign beside the messages; whether Slack took it. It is a courtesy: nothing waits for it."""
        place = self._delivery.place
        at = {"channel_id": place.channel, "thread_ts": thread}
        return isinstance(await self._streams.gateway.call(place.team, method, patience=0.5, **at, **what), Posted)


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, for so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def stable(text: str) -> str:
    """The text up to its last whole word, with no mention, link or code left open: what follows hardly changes it."""
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    line = text.rfind("\n", 0, end) + 1
    for opening, closing in (("<", ">"), ("[", ")")):
        start = text.rfind(opening, line, end)
        if start >= 0 and closing not in text[start:end]:
            end = start
    fence = text.rfind("```", 0, end)
    if text.count("```", 0, end) % 2:
        end = fence
    elif text.count("`", max(line, fence + 3), end) % 2:
        end = min(end, text.rfind("`", 0, end))
    return text[:end]
