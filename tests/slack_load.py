"""Slack's side of a load test: Socket Mode envelopes in, acknowledgements out, and a Web API that only says yes."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from slack_payloads import TEAM


class LoadSlack:
    """`async with LoadSlack() as slack:`; apps connect to `slack.api_url` with any token."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, str, dict[str, Any]]] = []  # when, method, arguments
        self._sockets: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self.connected_at: list[float] = []
        self.delivered = 0  # envelopes

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/"

    async def __aenter__(self) -> "LoadSlack":
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/socket", self._socket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await request.json() if request.content_type == "application/json" else dict(await request.post())
        async with self._changed:
            self.calls.append((time.perf_counter(), method, given))
            self._changed.notify_all()
        number = next(self._numbers)
        url = f"ws://127.0.0.1:{self._port}/socket?ticket={number}"
        answer = {"ok": True, "ts": f"1700000900.{number:06}", "url": url, "team_id": TEAM, "team": "Load"}
        identity = {"user_id": "U0ODYSSEY", "bot_id": "B0ODYSSEY", "messages": [], "channel": given.get("channel")}
        return web.json_response(answer | identity, headers={"x-oauth-scopes": "chat:write"})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1, "debug_info": {}})
        async with self._changed:
            self._sockets.append(socket)
            self.connected_at.append(time.perf_counter())
            self._changed.notify_all()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT and (waiting := self._acked(message.json())):
                    waiting.set_result(time.perf_counter())
        finally:
            self._sockets.remove(socket)
        return socket

    def _acked(self, said: dict[str, Any]) -> asyncio.Future[float] | None:
        waiting = self._waiting.pop(str(said.get("envelope_id")), None)
        return waiting if waiting is not None and not waiting.done() else None

    async def until(self, condition: Callable[[], bool], timeout: float = 60.0) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), timeout)

    async def connected(self, number: int) -> None:
        await self.until(lambda: len(self._sockets) >= number)

    async def deliver(self, payload: dict[str, Any], kind: str = "events_api") -> float:
        """Send it; seconds until its acknowledgement."""
        self.delivered += 1
        number = next(self._numbers)
        envelope = f"envelope-{number}"
        waiting = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        frame = {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": False}
        socket = self._sockets[number % len(self._sockets)]
        sent = time.perf_counter()
        await socket.send_json(frame)
        return await asyncio.wait_for(waiting, 60) - sent

    async def flood(self, payloads: Iterable[dict[str, Any]], at_once: int) -> list[float]:
        """Keep so many on their way; seconds to each acknowledgement."""
        left, taken = iter(payloads), []

        async def lane() -> None:
            for payload in left:
                taken.append(await self.deliver(payload))

        await asyncio.gather(*(lane() for _ in range(at_once)))
        return taken

    async def cut(self) -> None:
        """End one connection without a word, as a broken network does."""
        socket = self._sockets[0]
        assert socket._req is not None and socket._req.transport is not None
        socket._req.transport.abort()

    async def close_one(self) -> None:
        await self._sockets[0].close(code=WSCloseCode.GOING_AWAY)
