"""The local workspace: one server on 127.0.0.1 that the real Slack app talks to in Slack's place. It is not Slack."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from agent.workspace import routing, seed, streams
from agent.workspace.faults import Storm
from agent.workspace.guard import Guard
from agent.workspace.http_events import Address, HttpEvents
from agent.workspace.identity import BOT_USER, TEAM, credentials_of
from agent.workspace.limits import SLACK, Limits
from agent.workspace.live import Live
from agent.workspace.socket_mode import SocketMode
from agent.workspace.store import Store
from agent.workspace.transient import Transient
from agent.workspace.weather import FairWeather
from agent.workspace.world import World


class Server(uvicorn.Server):
    """Leaves the process's signals alone, and stops when it is told to, not at its next look around."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # renews the date of its headers
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1.0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def abort(self, client: tuple[str, int]) -> None:
        """End the connection that came from this address as a broken network does."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.abort()


class LocalWorkspace:
    """A workspace kept in `folder`. Give `events_url` to have events POSTed (signed) in place of Socket Mode.

    `port` 0 takes a free one; it is known after `start`. Credentials are there at once and the same after a restart.
    `testing` opens the routes of `faults`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        limits: Limits = SLACK,
        events_url: str | None = None,
        testing: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.team = TEAM
        self.bot_user = BOT_USER
        self._folder = folder
        self._port = port
        self._limits = limits
        self._events_url = events_url
        self._storm = Storm() if testing else None
        self._credentials = credentials_of(folder)
        self._live = Live()
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._world: World | None = None

    @property
    def url(self) -> str:
        """The page's address, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """For SLACK_API_URL and slack_sdk's `base_url`."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self._credentials.bot_token

    @property
    def app_token(self) -> str:
        return self._credentials.app_token

    @property
    def signing_secret(self) -> str:
        return self._credentials.signing_secret

    @property
    def client_id(self) -> str:
        return self._credentials.client_id

    @property
    def client_secret(self) -> str:
        return self._credentials.client_secret

    async def start(self) -> None:
        """Open the store and listen. OSError where the port is taken."""
        listener = socket.create_server(("127.0.0.1", self._port))
        # asyncio sets this only on sockets made with IPPROTO_TCP; without it each answer waits 40 ms for a delayed ack
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        world = self._world = self._open()
        seed.seed(world.store, int(world.clock()))
        app = Starlette(routes=routing.routes(world, self._storm, self._abort))
        config = uvicorn.Config(
            Guard(app, lambda: self._port),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws_max_size=self._limits.body_bytes,
        )
        self._server = Server(config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(0.005)
        streams.resume(world)
        world.courier.start()

    def _open(self) -> World:
        store = Store(self._folder / "workspace.sqlite")
        weather = self._storm or FairWeather()
        loop = asyncio.get_running_loop()
        world = World(
            folder=self._folder,
            store=store,
            live=self._live,
            limits=self._limits,
            credentials=self._credentials,
            courier=SocketMode(store, self._limits, weather, self._abort, self._app_changed),
            transient=Transient(self._limits, loop.time),
            base_url=self.url,
        )
        if self._events_url is not None:
            address = Address(self._events_url, self.signing_secret)
            world.courier = HttpEvents(store, self._limits, weather, address, self._app_changed, world.clock)
        return world

    async def stop(self) -> None:
        """Close every connection; what is undelivered stays in the folder."""
        if self._server is None or self._serving is None or self._world is None:
            return
        self._world.closed = True
        self._live.close()
        await self._world.courier.close()
        self._server.leave()
        await self._serving
        self._world.store.close()
        self._server = self._serving = self._world = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _abort(self, client: tuple[str, int]) -> None:
        if self._server is not None:
            self._server.abort(client)

    def _app_changed(self, connected: bool) -> None:
        self._live.tell_all({"type": "bot", "connected": connected})
