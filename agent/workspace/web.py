"""Addresses that the app is given: response_url, upload addresses, private files, the OAuth page."""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from agent.workspace import files, interactions, strict_json
from agent.workspace.api import body_of
from agent.workspace.api_files import Uploads
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER
from agent.workspace.oauth import OAuth
from agent.workspace.world import World


def routes(world: World, uploads: Uploads, oauth: OAuth) -> list[BaseRoute]:
    async def response(request: Request) -> Response:
        return await _respond(world, request)

    async def upload(request: Request) -> Response:
        return await uploads.receive(world, request.path_params["ticket"], request)

    async def authorize(request: Request) -> Response:
        return await oauth.authorize(world, request)

    async def private_file(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {world.credentials.bot_token}":
            raise Refused("invalid_auth")
        file = files.get(world, request.path_params["file"])
        files.require_seen(world, file, BOT_USER)
        return files.download(world, file)

    return [
        Route("/response/{key}", _plain(response), methods=["POST"]),
        Route("/oauth/v2/authorize", _plain(authorize), methods=["GET"]),
        Route("/upload/{ticket}", _plain(upload), methods=["POST"]),
        Route("/files-pri/{file}/{name}", _plain(private_file), methods=["GET"]),
    ]


async def _respond(world: World, request: Request) -> Response:
    """A response_url: five answers in thirty minutes."""
    hook = world.transient.use_hook(request.path_params["key"])
    body = await body_of(request, world.limits.body_bytes)
    try:
        said = strict_json.read(body)
    except ValueError:
        raise Refused("invalid_payload") from None
    if not isinstance(said, dict):
        raise Refused("invalid_payload")
    try:
        interactions.respond(world, hook, said)
    except ValidationError:
        raise Refused("invalid_payload") from None
    return PlainTextResponse("ok")


def _plain(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refusal:
            status = {"invalid_auth": 403, "request_too_large": 413}.get(refusal.code, 404)
            return JSONResponse({"ok": False, "error": refusal.code}, status_code=status)

    return guarded
