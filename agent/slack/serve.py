"""Odyssey in Slack for as long as a block runs: opened, served over Socket Mode or HTTP, closed in order."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette

from agent.errors import Mendable
from agent.settings import SlackSettings
from agent.slack.http import web_app
from agent.slack.manifest import EVENTS_PATH, INSTALL_PATH
from agent.slack.model import Assistant
from agent.slack.service import Paces, SlackService
from agent.slack.workspaces import Workspaces

log = logging.getLogger(__name__)


class Serving:
    """What runs: the service, and where it can be reached."""

    def __init__(self, service: SlackService, workspace: str, port: int | None) -> None:
        self.service = service
        self.workspace = workspace
        self.port = port  # of HTTP mode

    @property
    def told(self) -> str:
        """One line for the person who started it."""
        if self.port is None:
            return f"Odyssey is in {self.workspace} over Socket Mode."
        pages = "" if self.workspace != "several workspaces" else f", installed at {INSTALL_PATH}"
        return f"Odyssey listens for {self.workspace} on port {self.port} at {EVENTS_PATH}{pages}."


@asynccontextmanager
async def serving(
    assistant: Assistant, engine: Engine, home: Path, settings: SlackSettings, paces: Paces | None = None
) -> AsyncIterator[Serving]:
    """Raises `Configuration`, `Unreachable` or `Mendable` where it cannot begin; what had begun is closed again."""
    async with aiohttp.ClientSession() as session:
        workspaces = await Workspaces.open(settings, session, engine)
        service = SlackService(assistant, engine, home, settings, workspaces, session, paces)
        try:
            await service.start()
            if settings.mode == "socket":
                yield Serving(service, workspaces.name, None)
                return
            secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
            async with listening(web_app(service.app, secret), settings.http_host, settings.http_port) as port:
                yield Serving(service, workspaces.name, port)
        finally:
            await service.close()


class _Server(uvicorn.Server):
    """Leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(app: Starlette, host: str, port: int) -> AsyncIterator[int]:
    """Serve an ASGI application; the port it listens on. Raises `Mendable` where the port is taken."""
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise Mendable(
            f"Port {port} on {host} cannot be listened on ({error.strerror}); set SLACK_HTTP_PORT or --port."
        ) from None
    # asyncio sets this only on sockets it made itself; without it an answer waits 40 ms for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    server = _Server(config)
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
