"""Socket Mode: events, interactions and commands to the app over websockets, each until its acknowledgement.

As Slack: `apps.connections.open` gives an address with a ticket that works once; at most ten connections, each delivery
goes to any one of them; an event without an ack within three seconds, or whose connection ended, goes out again with a
higher retry_attempt: at once, after 1 minute, after 5 minutes, then it is given up. Unlike Slack, events that find no
connection do not use up their retries: they wait (bounded, in the store, over a restart too) and go out in order when a
connection comes. An interaction is tried once, and once more where its connection ended before the ack; the person
waits for it, so it is never kept.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.workspace import strict_json
from agent.workspace.errors import Refused, Unanswered
from agent.workspace.identity import APP
from agent.workspace.limits import Limits
from agent.workspace.store import Doc, Store
from agent.workspace.weather import Abort, Weather


@dataclass(eq=False)
class Delivery:
    """One thing on its way to the app."""

    id: str
    kind: str  # events_api, interactive, slash_commands
    payload: Doc
    attempt: int = 0
    reason: str = ""
    answered: bool = False
    response: Doc | None = None
    outcome: asyncio.Future[bool] | None = None  # of the attempt under way: acknowledged, or its connection ended

    def settle(self, acknowledged: bool) -> None:
        self.answered = self.answered or acknowledged
        if self.outcome is not None and not self.outcome.done():
            self.outcome.set_result(acknowledged)

    def frame(self) -> Doc:
        body: Doc = {"type": self.kind, "envelope_id": self.id, "payload": self.payload}
        body["accepts_response_payload"] = self.kind != "events_api"
        if self.kind == "events_api":
            body |= {"retry_attempt": self.attempt, "retry_reason": self.reason}
        return body


@dataclass(eq=False)
class Connection:
    """One websocket of the app."""

    socket: WebSocket
    abort: Callable[[], None]  # end it without a word, as a broken network does
    carried: set[Delivery] = field(default_factory=set)  # sent and not acknowledged
    retiring: bool = False  # asked to refresh: nothing new is sent on it


class SocketMode:
    """The courier over websockets. `changed` hears when the app appears or goes."""

    def __init__(
        self, store: Store, limits: Limits, weather: Weather, abort: Abort, changed: Callable[[bool], None]
    ) -> None:
        self._store = store
        self._limits = limits
        self._weather = weather
        self._abort = abort
        self._changed = changed
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._turn = itertools.count()
        self._deliveries: dict[str, Delivery] = {}
        self._arrived = asyncio.Event()  # a connection is there
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._numbers = itertools.count(1)

    @property
    def connected(self) -> bool:
        return bool(self._connections)

    @property
    def connections(self) -> tuple[Connection, ...]:
        return tuple(self._connections)

    @property
    def pending(self) -> int:
        """Events on their way."""
        return len(self._deliveries)

    def start(self) -> None:
        """Take up the events that were accepted before a restart."""
        for body in self._store.every("pending"):
            self._start(Delivery(id=body["id"], kind="events_api", payload=body["payload"]), body["key"])

    async def close(self) -> None:
        """Stop delivering; events not acknowledged stay in the store."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ticket(self) -> str:
        """Refused: too_many_connections."""
        if len(self._connections) >= self._limits.connections:
            raise Refused("too_many_websockets")
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        asyncio.get_running_loop().call_later(self._limits.ticket_life_s, self._tickets.discard, ticket)
        return ticket

    def send(self, callback: Doc) -> None:
        if len(self._deliveries) >= self._limits.pending_events:
            return  # as Slack, which drops events of an app that does not take them
        delivery = Delivery(id=secrets.token_hex(16), kind="events_api", payload=callback)
        key = f"{callback['event_time']:012d}:{next(self._numbers):09d}:{delivery.id}"
        self._store.put("pending", key, {"id": delivery.id, "key": key, "payload": callback})
        self._start(delivery, key)

    async def ask(self, kind: str, payload: Doc) -> Doc | None:
        delivery = Delivery(id=secrets.token_hex(16), kind=kind, payload=payload)
        self._deliveries[delivery.id] = delivery
        try:
            async with asyncio.timeout(self._limits.ack_s):
                while not await self._attempt(delivery):
                    if not self._connections:
                        raise Unanswered("not connected")
        except TimeoutError:
            raise Unanswered("timeout") from None
        finally:
            self._forget(delivery)
        return delivery.response

    def _start(self, delivery: Delivery, key: str) -> None:
        self._deliveries[delivery.id] = delivery
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, key: str) -> None:
        """One event, until its ack or the end of its retries."""
        await self._arrived.wait()
        for delay in (None, *self._limits.retry_delays_s):
            if delay is not None:
                delivery.attempt += 1
                delivery.reason = "timeout"
                await asyncio.sleep(delay)
            if delivery.answered or await self._event_attempt(delivery):
                break
        self._forget(delivery)
        self._store.drop("pending", key)

    async def _event_attempt(self, delivery: Delivery) -> bool:
        await self._arrived.wait()
        try:
            async with asyncio.timeout(self._limits.ack_s):
                return await self._attempt(delivery)
        except TimeoutError:
            return delivery.answered

    async def _attempt(self, delivery: Delivery) -> bool:
        """Send once and wait for the ack. False: the connection ended (or there is none)."""
        if delay := self._weather.delay():
            await asyncio.sleep(delay)
        ready = [each for each in self._connections if not each.retiring] or self._connections
        if not ready:
            return False
        delivery.outcome = asyncio.get_running_loop().create_future()
        for _ in range(self._weather.copies()):
            connection = ready[next(self._turn) % len(ready)]
            connection.carried.add(delivery)
            try:
                await connection.socket.send_json(delivery.frame())
            except (WebSocketDisconnect, RuntimeError, OSError):  # closed under our hands
                connection.carried.discard(delivery)
                delivery.settle(False)
        return await delivery.outcome

    def _forget(self, delivery: Delivery) -> None:
        self._deliveries.pop(delivery.id, None)
        for connection in self._connections:
            connection.carried.discard(delivery)

    async def serve(self, socket: WebSocket) -> None:
        """One connection of the app, from its ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets or len(self._connections) >= self._limits.connections:
            await socket.close(4001)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        connection = Connection(socket, lambda: self._abort(socket.scope["client"]))
        refresh = asyncio.create_task(self._refresh_in_time(connection))
        try:
            await socket.send_json(self._hello(len(self._connections) + 1))
            self._connections.append(connection)
            self._arrived.set()
            self._changed(True)
            await self._listen(connection)
        finally:
            refresh.cancel()
            self._leave(connection)

    def _hello(self, number: int) -> Doc:
        life = int(self._limits.refresh_after_s)
        debug = {"host": "local-workspace", "build_number": 1, "approximate_connection_time": life}
        return {"type": "hello", "num_connections": number, "connection_info": {"app_id": APP}, "debug_info": debug}

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                said = strict_json.read(await connection.socket.receive_text())
            except (WebSocketDisconnect, RuntimeError):  # it ended; RuntimeError where we closed it ourselves
                return
            except (ValueError, KeyError):  # no JSON, or a binary frame: Slack ignores what it does not know
                continue
            if isinstance(said, dict):
                self._acknowledge(connection, said)

    def _acknowledge(self, connection: Connection, said: Doc) -> None:
        envelope = said.get("envelope_id")
        delivery = self._deliveries.get(envelope) if isinstance(envelope, str) else None
        if delivery is None or delivery.answered:
            return
        if self._weather.loses_ack():
            if delivery.kind != "events_api":
                delivery.settle(False)  # nobody would send it again later, so at once
            return
        payload = said.get("payload")
        delivery.response = payload if isinstance(payload, dict) else None
        delivery.settle(True)
        connection.carried.discard(delivery)

    def _leave(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        for delivery in connection.carried:
            delivery.settle(False)
        if not self._connections:
            self._arrived.clear()
            self._changed(False)

    async def refresh(self, connection: Connection) -> None:
        """Ask for a new connection as Slack does: a warning, some seconds, then the end of this one."""
        debug = {"host": "local-workspace"}
        try:
            await connection.socket.send_json({"type": "disconnect", "reason": "warning", "debug_info": debug})
            await asyncio.sleep(self._limits.refresh_warning_s)
            connection.retiring = True
            await connection.socket.send_json(
                {"type": "disconnect", "reason": "refresh_requested", "debug_info": debug}
            )
        except (WebSocketDisconnect, RuntimeError, OSError):  # it ended meanwhile
            return

    async def _refresh_in_time(self, connection: Connection) -> None:
        await asyncio.sleep(self._limits.refresh_after_s)
        await self.refresh(connection)
