"""The Web API's door: one address a method, arguments as forms, queries or JSON, tokens, rates, Slack's error names."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agent.workspace import strict_json
from agent.workspace.errors import RateLimited, Refused
from agent.workspace.rates import Rates
from agent.workspace.store import Doc
from agent.workspace.weather import Abort, Trouble, Weather
from agent.workspace.world import World


class Arguments(BaseModel):
    """A method's arguments; unknown ones are ignored, as Slack does."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def parsed(value: object) -> object:
    """JSON that came as a string in a form. ValueError where it is none."""
    return strict_json.read(value) if isinstance(value, str) else value


FromJson = BeforeValidator(parsed)  # for arguments that are objects or lists

Handler = Callable[[World, Any], Awaitable[Doc]]


@dataclass(frozen=True)
class Method:
    """One method: what it takes, what it does, how often it may be called, by whom."""

    arguments: type[Arguments]
    handler: Handler
    tier: int | None  # None: a limit of its own, or none
    caller: str = "bot"  # whose token: bot or app, or a client's id and secret


class Api:
    """Answers `/api/METHOD`."""

    def __init__(
        self, world: World, rates: Rates, methods: Mapping[str, Method], weather: Weather, abort: Abort
    ) -> None:
        self._world = world
        self._rates = rates
        self._methods = methods
        self._weather = weather
        self._abort = abort

    async def answer(self, name: str, request: Request) -> Response:
        """The method's answer; a refusal is HTTP 200 with ok false, too many calls are HTTP 429."""
        given: Doc = {}
        trouble = self._weather.trouble(name)
        if trouble is not None and not trouble.lost_after_effect:
            await asyncio.sleep(trouble.delay_s)
        if trouble is not None and trouble.status and not trouble.lost_after_effect:
            self._weather.record(name, given, trouble.status, "on purpose")
            return _troubled(trouble)
        response = await self._answer(name, request, given)
        said = json.loads(bytes(response.body))
        self._weather.record(name, given, response.status_code, said.get("error"))
        if trouble is not None and trouble.lost_after_effect:
            await asyncio.sleep(trouble.delay_s)
            self._abort(request.scope["client"])
        return response

    async def _answer(self, name: str, request: Request, given: Doc) -> JSONResponse:
        try:
            given |= await arguments_of(request, self._world.limits.body_bytes)
            return JSONResponse({"ok": True} | await self._call(name, request, given))
        except RateLimited as refusal:
            headers = {"Retry-After": str(refusal.retry_after)}
            return JSONResponse({"ok": False, "error": refusal.code}, status_code=429, headers=headers)
        except Refused as refusal:
            body: Doc = {"ok": False, "error": refusal.code}
            if refusal.messages:
                body["response_metadata"] = {"messages": list(refusal.messages)}
            return JSONResponse(body)

    async def _call(self, name: str, request: Request, given: Doc) -> Doc:
        method = self._methods.get(name)
        if method is None:
            raise Refused("unknown_method")
        self._authorise(method, request, given)
        if method.tier is not None:
            self._rates.method(name, method.tier)
        try:
            arguments = method.arguments.model_validate(given)
        except ValidationError as fault:
            raise Refused("invalid_arguments", *_sentences(fault)) from None
        return await method.handler(self._world, arguments)

    def _authorise(self, method: Method, request: Request, given: Doc) -> None:
        if method.caller == "client":
            given |= _basic_auth(request.headers.get("authorization", ""))
            return
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else given.get("token")
        credentials = self._world.credentials
        right, other = credentials.bot_token, credentials.app_token
        if method.caller == "app":
            right, other = other, right
        if not token:
            raise Refused("not_authed")
        if token == other:
            raise Refused("not_allowed_token_type")
        if token != right:
            raise Refused("invalid_auth")


def _troubled(trouble: Trouble) -> JSONResponse:
    headers = {"Retry-After": str(trouble.retry_after)} if trouble.status == 429 else {}
    error = "ratelimited" if trouble.status == 429 else "internal_error"
    return JSONResponse({"ok": False, "error": error}, status_code=trouble.status, headers=headers)


async def arguments_of(request: Request, most: int) -> Doc:
    """What a request says, from its query, form or JSON.

    Refused: invalid_json, json_not_object, invalid_form_data, request_too_large (more than `most` bytes).
    """
    given: Doc = dict(request.query_params)
    body = await body_of(request, most)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" and body:
        try:
            said = strict_json.read(body)
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(said, dict):
            raise Refused("json_not_object")
        return given | said
    if kind == "application/x-www-form-urlencoded":
        try:
            return given | dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=1000))
        except ValueError:  # not UTF-8, or too many fields
            raise Refused("invalid_form_data") from None
    if kind == "multipart/form-data":
        raise Refused("invalid_form_data", "this workspace takes forms as application/x-www-form-urlencoded")
    return given


async def body_of(request: Request, most: int) -> bytes:
    """The body's bytes. Refused: request_too_large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused("request_too_large")
        parts.append(part)
    return b"".join(parts)


async def json_of(request: Request, most: int) -> Any:
    """The body as JSON, whatever its content type says. Refused: request_too_large, invalid_json."""
    try:
        return strict_json.read(await body_of(request, most))
    except ValueError:
        raise Refused("invalid_json", "The request is no JSON.") from None


def _sentences(fault: ValidationError) -> list[str]:
    found = []
    for each in fault.errors(include_url=False, include_context=False, include_input=False):
        where = "/".join(str(part) for part in each["loc"])
        what = "missing required field" if each["type"] == "missing" else each["msg"]
        found.append(f"[ERROR] {what}: {where}"[:300])
    return found[:10]


def _basic_auth(header: str) -> dict[str, str]:
    """Client id and secret of an Authorization header; empty where it has none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": client_id, "client_secret": secret}
