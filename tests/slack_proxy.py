"""A road with holes between an app and the workspace: forwards Web API calls, and does to some what networks do."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
from aiohttp import web

# before: the workspace never hears of it. after: it did it, and the app hears nothing good of it
Fault = Literal["429", "503 before", "503 after", "cut before", "cut after", "no answer"]


@dataclass
class Hole:
    method: str
    fault: Fault
    times: int = 1
    when: Callable[[dict[str, Any]], bool] = lambda given: True


class Proxy:
    """`async with Proxy(workspace.server.url) as proxy:`; `proxy.api_url` is what the app is given."""

    def __init__(self, target: str, port: int = 0) -> None:
        self._target = target
        self.port = port
        self.holes: list[Hole] = []
        self.calls: list[tuple[float, str, dict[str, Any]]] = []
        self._released = asyncio.Event()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def count(self) -> Counter[str]:
        return Counter(method for _, method, _ in self.calls)

    def given(self, method: str) -> list[dict[str, Any]]:
        return [given for _, name, given in self.calls if name == method]

    async def __aenter__(self) -> "Proxy":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.path.rpartition("/")[2]
        given = await request.json() if request.content_type == "application/json" else dict(request.query)
        self.calls.append((asyncio.get_running_loop().time(), method, given))
        fault = self._fault(method, given)
        if fault == "429":
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
        if fault == "503 before":
            return web.Response(status=503)
        if fault == "cut before":
            return self._cut(request)
        response = await self._forward(request)
        if fault == "503 after":
            return web.Response(status=503)
        if fault == "cut after":
            return self._cut(request)
        if fault == "no answer":
            await self._released.wait()
        return response

    def _fault(self, method: str, given: dict[str, Any]) -> Fault | None:
        for hole in self.holes:
            if hole.method == method and hole.times > 0 and hole.when(given):
                hole.times -= 1
                return hole.fault
        return None

    def _cut(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        url = f"{self._target}{request.path_qs}"
        body = await request.read()
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type, headers=kept
            )
