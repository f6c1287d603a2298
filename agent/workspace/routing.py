"""Every address of the workspace: Slack's, the people's, the page's, and in tests the faults'."""

import asyncio
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from agent.workspace import api_agents, api_chat, api_conversations, api_streams, api_views, faults, web
from agent.workspace.api import Api, Arguments, Method
from agent.workspace.api_files import Uploads
from agent.workspace.errors import Refused
from agent.workspace.faults import Storm
from agent.workspace.identity import APP, NOTICE
from agent.workspace.oauth import OAuth
from agent.workspace.people import People
from agent.workspace.rates import Rates
from agent.workspace.socket_mode import SocketMode
from agent.workspace.store import Doc
from agent.workspace.weather import Abort, FairWeather
from agent.workspace.world import World

PAGE = Path(__file__).with_name("page")
KINDS = (".html", ".js", ".css", ".svg", ".png", ".ico")


def routes(world: World, storm: Storm | None, abort: Abort) -> list[BaseRoute]:
    """`storm` is the weather of a workspace made for tests."""
    rates = Rates(world.limits, asyncio.get_running_loop().time)
    uploads, oauth = Uploads(), OAuth()
    methods = {
        **api_agents.METHODS,
        **api_chat.methods(rates),
        **api_conversations.METHODS,
        **api_streams.METHODS,
        **api_views.METHODS,
        **uploads.methods(),
        **oauth.methods(),
        "apps.connections.open": Method(Arguments, _open_connection, None, caller="app"),
    }
    api = Api(world, rates, methods, storm or FairWeather(), abort)

    async def call(request: Request) -> Response:
        return await api.answer(request.path_params["method"], request)

    async def health(request: Request) -> Response:
        body = {"ok": True, "service": "local workspace", "is_slack": False, "notice": NOTICE}
        return JSONResponse(body | {"app_connected": world.courier.connected})

    found: list[BaseRoute] = [Route("/api/{method}", call, methods=["GET", "POST"]), Route("/health", health)]
    socket_mode = world.courier if isinstance(world.courier, SocketMode) else None
    if socket_mode is not None:
        found.append(WebSocketRoute("/socket", socket_mode.serve))
    if storm is not None:
        found += faults.routes(world, storm, socket_mode)
    return [*found, *People(world).routes(), *web.routes(world, uploads, oauth), *_page_routes()]


async def _open_connection(world: World, given: Arguments) -> Doc:
    """apps.connections.open. Refused where events go over HTTP: the app has no Socket Mode then."""
    if not isinstance(world.courier, SocketMode):
        raise Refused("forbidden_team")
    address = world.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/socket?ticket={world.courier.ticket()}&app_id={APP}"}


def _page_routes() -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        path = PAGE / (request.path_params.get("name") or "index.html")
        if path.parent != PAGE or path.suffix not in KINDS or not path.is_file():
            return PlainTextResponse("There is nothing here.", status_code=404)
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    async def permalink(request: Request) -> Response:
        digits = request.path_params["message"].removeprefix("p")
        thread = request.query_params.get("thread_ts") or f"{digits[:-6]}.{digits[-6:]}"
        return RedirectResponse(f"/#//{quote(request.path_params['channel'])}/{quote(thread)}")

    return [Route("/", page), Route("/archives/{channel}/{message}", permalink), Route("/{name}", page)]
