"""HTTP mode: signed requests from Slack, and the pages of the installation. A proxy with TLS stands in front."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agent.errors import new_reference
from agent.slack.manifest import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH
from agent.slack.payloads import Malformed, check

log = logging.getLogger(__name__)

STALE = 300  # seconds; Slack's own rule against replays
LARGEST = 1 << 20  # bytes of a request; Slack's are some kilobytes


class Unsigned(Malformed):
    """A request does not carry Slack's signature of now."""


def web_app(app: AsyncApp, secret: str, clock: Callable[[], float] = time.time) -> Starlette:
    """The ASGI application. `secret` is the signing secret; `clock` gives seconds since 1970."""
    pages = _Pages(AsyncSlackRequestHandler(app), secret, clock)
    routes = [Route(EVENTS_PATH, pages.events, methods=["POST"]), Route("/health", pages.health)]
    if app.oauth_flow is not None:
        routes += [Route(INSTALL_PATH, pages.install), Route(REDIRECT_PATH, pages.install)]
    return Starlette(routes=routes)


class _Pages:
    def __init__(self, handler: AsyncSlackRequestHandler, secret: str, clock: Callable[[], float]) -> None:
        self._handler = handler
        self._secret = secret
        self._clock = clock

    async def events(self, request: Request) -> Response:
        """Whatever Slack tells, if it is Slack."""
        headers = request.headers
        try:
            body = await _body(request)
            timestamp, signature = headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature")
            check_signature(self._secret, body, timestamp, signature, self._clock())
        except Unsigned as error:
            log.warning("%s: refused: %s", error.reference, error)
            return JSONResponse({"error": "invalid request"}, status_code=401)
        try:
            return await self._heard(request) if check(payload(body)) else Response(status_code=200)
        except Malformed as error:
            log.warning("%s: ignored: %s", error.reference, error)
            return Response(status_code=200)

    async def _heard(self, request: Request) -> Response:
        try:
            response = await self._handler.handle(request)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # Bolt takes a request apart before its own handling of errors begins.
            log.warning("%s: ignored: a request that Bolt cannot read", new_reference(), exc_info=error)
            return Response(status_code=200)
        # 404: nobody listens to it. To have it again would not help.
        return Response(status_code=200) if response.status_code == 404 else response

    async def install(self, request: Request) -> Response:
        """Bolt's pages of the installation."""
        try:
            return await self._handler.handle(request)
        except (SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            reference = new_reference()
            log.error("%s: an installation failed", reference, exc_info=error)
            text = f"The installation did not work; nothing was changed. Begin again at {INSTALL_PATH}. ({reference})"
            return PlainTextResponse(text, status_code=502)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True})


async def _body(request: Request) -> bytes:
    """The whole body, of no more bytes than any of Slack's has; its length is said beforehand."""
    size = request.headers.get("content-length", "")
    if not (size.isascii() and size.isdecimal() and len(size) <= 9 and int(size) <= LARGEST):
        raise Unsigned("A request is larger than any of Slack's, or does not say how large it is.")
    return await request.body()


def check_signature(secret: str, body: bytes, timestamp: str | None, signature: str | None, now: float) -> None:
    """Raises `Unsigned` unless `signature` is Slack's of this body at about this time (docs.slack.dev, "Verifying")."""
    if timestamp is None or signature is None:
        raise Unsigned("A request carries no signature.")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise Unsigned("A request's timestamp is no number.")
    if abs(now - int(timestamp)) > STALE:
        raise Unsigned("A request is older than five minutes, or from the future.")
    expected = "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Unsigned("A request's signature is not Slack's.")


def payload(body: bytes) -> Any:
    """What a request's body holds: JSON, a form with JSON in it, or a form. Raises `Malformed`."""
    try:
        text = body.decode()
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text)
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
        return json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise Malformed("A request's body is neither JSON nor a form.") from None
