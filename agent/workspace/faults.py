"""Faults on purpose, for tests: routes under `/faults`, there only where the workspace was made with `testing=True`.

POST /faults/weather   {"lose_acks": 0.2, "duplicate": 0.3, "shuffle_s": 0.05, "seed": 7}     all optional; {} is fair
                       an ack is lost with this probability (the event comes again), a delivery is sent twice with that,
                       each waits up to so many seconds so that others overtake it
POST /faults/method    {"method": "chat.postMessage", "times": 3, "kind": "ratelimited"|"error"|"lost"|"slow",
                        "retry_after": 1, "status": 500, "delay_s": 0}
                       the next calls: HTTP 429 with Retry-After, HTTP 500, done but the answer lost (after
                           delay_s, in which a client may time out), or answered only after delay_s
POST /faults/cut       {"how_many": 1}     connections of the app end at once, without a close frame's politeness
POST /faults/refresh   {}                  every connection is asked to refresh, as Slack does
GET  /faults/calls     ?method=&since=0    {"calls": [{"n", "method", "arguments", "status", "error", "at"}]}
GET  /faults/events                        {"unacknowledged": events on their way, "connections": n}
POST /faults/emit      {"event": {...}}    an event to the app, as it is given (also malformed ones)
"""

import asyncio
import random
import time
from collections import deque
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agent.workspace.api import json_of
from agent.workspace.errors import Refused
from agent.workspace.refusals import answered
from agent.workspace.socket_mode import SocketMode
from agent.workspace.store import Doc
from agent.workspace.weather import Trouble
from agent.workspace.world import World

KEPT = 100_000  # calls
Given = TypeVar("Given", bound=BaseModel)


class Forecast(BaseModel):
    """Probabilities from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    lose_acks: float = Field(default=0.0, ge=0, le=1)
    duplicate: float = Field(default=0.0, ge=0, le=1)
    shuffle_s: float = Field(default=0.0, ge=0, le=60)
    seed: int = 0


class MethodFault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    method: str
    times: int = Field(default=1, ge=0)
    kind: Literal["ratelimited", "error", "lost", "slow"] = "ratelimited"
    retry_after: int = Field(default=1, ge=0)
    status: int = Field(default=500, ge=400, le=599)
    delay_s: float = Field(default=0.0, ge=0, le=60)

    def trouble(self) -> Trouble | None:
        if self.kind == "slow":
            return Trouble(status=0, delay_s=self.delay_s)
        status = 429 if self.kind == "ratelimited" else self.status
        return Trouble(status, self.retry_after, self.kind == "lost", self.delay_s)


class Cut(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    how_many: int = Field(default=1, ge=1)


class Emit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    event: dict[str, Any]


class Storm:
    """The weather that tests make, and the record of every API call."""

    def __init__(self) -> None:
        self._forecast = Forecast()
        self._dice = random.Random(0)
        self._faults: dict[str, deque[MethodFault]] = {}
        self.calls: deque[Doc] = deque(maxlen=KEPT)
        self._count = 0

    def expect(self, forecast: Forecast) -> None:
        self._forecast = forecast
        self._dice = random.Random(forecast.seed)

    def fail(self, fault: MethodFault) -> None:
        self._faults.setdefault(fault.method, deque()).extend([fault] * fault.times)

    def copies(self) -> int:
        return 2 if self._dice.random() < self._forecast.duplicate else 1

    def delay(self) -> float:
        return self._dice.random() * self._forecast.shuffle_s

    def loses_ack(self) -> bool:
        return self._dice.random() < self._forecast.lose_acks

    def trouble(self, method: str) -> Trouble | None:
        waiting = self._faults.get(method)
        return waiting.popleft().trouble() if waiting else None

    def record(self, method: str, arguments: dict[str, object], status: int, error: str | None) -> None:
        self._count += 1
        kept = {name: value for name, value in arguments.items() if name != "token"}
        call = {"n": self._count, "method": method, "arguments": kept, "status": status, "error": error}
        self.calls.append(call | {"at": time.time()})


def routes(world: World, storm: Storm, socket_mode: SocketMode | None) -> list[BaseRoute]:
    async def weather(request: Request) -> Response:
        storm.expect(await _given(request, Forecast))
        return JSONResponse({"ok": True})

    async def method(request: Request) -> Response:
        storm.fail(await _given(request, MethodFault))
        return JSONResponse({"ok": True})

    async def cut(request: Request) -> Response:
        asked = await _given(request, Cut)
        chosen = socket_mode.connections[: asked.how_many] if socket_mode else ()
        for connection in chosen:
            connection.abort()
        return JSONResponse({"ok": True, "cut": len(chosen)})

    async def refresh(request: Request) -> Response:
        connections = socket_mode.connections if socket_mode else ()
        work = [asyncio.create_task(socket_mode.refresh(each)) for each in connections if socket_mode]
        await asyncio.gather(*work)
        return JSONResponse({"ok": True, "refreshed": len(connections)})

    async def calls(request: Request) -> Response:
        wanted, since = request.query_params.get("method"), int(request.query_params.get("since") or 0)
        found = [each for each in storm.calls if each["n"] > since and wanted in (None, "", each["method"])]
        return JSONResponse({"ok": True, "calls": found})

    async def events(request: Request) -> Response:
        connections = len(socket_mode.connections) if socket_mode else 0
        return JSONResponse({"ok": True, "unacknowledged": world.courier.pending, "connections": connections})

    async def emit(request: Request) -> Response:
        world.emit((await _given(request, Emit)).event)
        return JSONResponse({"ok": True})

    posts = {"weather": weather, "method": method, "cut": cut, "refresh": refresh, "emit": emit}
    found: list[BaseRoute] = [Route(f"/faults/{name}", answered(ask), methods=["POST"]) for name, ask in posts.items()]
    return [*found, Route("/faults/calls", answered(calls)), Route("/faults/events", answered(events))]


async def _given(request: Request, model: type[Given]) -> Given:
    try:
        return model.model_validate(await json_of(request, 2**20))
    except ValidationError as fault:
        raise Refused("invalid_arguments", str(fault.errors(include_url=False)[0]["msg"])) from None
