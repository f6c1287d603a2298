"""Signed HTTP in place of Socket Mode: signatures, retries, interactions, the address check."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from workspace_case import FAST

Play = Callable[..., None]
GENERAL = "C00GENERAL"


class Receiver:
    """The app's HTTP side: notes each request and answers with the statuses it is given."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/slack/events"
        self.secret = ""
        self.statuses: list[int] = []
        self.requests: asyncio.Queue[tuple[dict[str, str], Any]] = asyncio.Queue()

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        assert SignatureVerifier(self.secret).is_valid_request(body, dict(request.headers))
        if request.headers["content-type"].startswith("application/json"):
            said = json.loads(body)
        else:
            form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            said = json.loads(form["payload"]) if "payload" in form else form
        if said.get("type") == "url_verification":
            return PlainTextResponse(said["challenge"])
        await self.requests.put((dict(request.headers), said))
        status = self.statuses.pop(0) if self.statuses else 200
        return JSONResponse({"text": "done"}, status) if "command" in said else PlainTextResponse("", status)

    async def next(self) -> tuple[dict[str, str], Any]:
        return await asyncio.wait_for(self.requests.get(), 15)


@asynccontextmanager
async def listening(receiver: Receiver, listener: socket.socket) -> AsyncIterator[None]:
    app = Starlette(routes=[Route("/slack/events", receiver.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def with_receiver(play: Play, scenario: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    receiver = Receiver(listener.getsockname()[1])

    async def whole(stage: Any) -> None:
        receiver.secret = stage.workspace.signing_secret
        async with listening(receiver, listener):
            await scenario(stage, receiver)

    limits = replace(FAST, retry_delays_s=(0.0, 0.05, 0.1), ack_s=2.0)
    play(whole, limits=limits, events_url=receiver.url)


def test_events_are_signed_and_tried_again(play: Play) -> None:
    async def scenario(stage: Any, receiver: Receiver) -> None:
        receiver.statuses = [500, 404]
        await stage.say("hello")
        tries = [await receiver.next() for _ in range(3)]
        assert len({body["event_id"] for _, body in tries}) == 1
        assert [headers.get("x-slack-retry-num") for headers, _ in tries] == [None, "1", "2"]
        assert [headers.get("x-slack-retry-reason") for headers, _ in tries] == [None, "http_error", "http_error"]
        await stage.say("again")
        headers, body = await receiver.next()
        assert (body["event"]["text"], headers.get("x-slack-retry-num")) == ("again", None)

    with_receiver(play, scenario)


def test_commands_and_buttons_come_as_forms(play: Play) -> None:
    async def scenario(stage: Any, receiver: Receiver) -> None:
        answer = await stage.act("command", channel=GENERAL, command="/odyssey", text="status")
        assert answer["response"] == {"text": "done"}
        _, body = await receiver.next()
        assert (body["command"], body["text"]) == ("/odyssey", "status")
        button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
        blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
        posted = await stage.client.chat_postMessage(channel=GENERAL, text="t", blocks=blocks)
        await receiver.next()  # the message itself
        at = {"channel": GENERAL, "ts": posted["ts"]}
        receiver.statuses = [200, 500]
        assert (await stage.act("click", block_id="b", action_id="go", message=at))["ok"]
        assert (await receiver.next())[1]["actions"][0]["action_id"] == "go"
        assert (await stage.act("click", block_id="b", action_id="go", message=at))["status"] == 504
        opening = stage.client.apps_connections_open(app_token=stage.workspace.app_token)
        assert await stage.refusal(opening) == "forbidden_team"

    with_receiver(play, scenario)
