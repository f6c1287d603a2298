"""Only this machine's own pages and programs: foreign Host and Origin headers are refused (DNS rebinding, CSRF)."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """Wraps the whole application. `port` is asked at each request, since it is known only once the server listens."""

    def __init__(self, app: ASGIApp, port: Callable[[], int]) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = {f"{name}:{self._port()}" for name in ("127.0.0.1", "localhost")}
        origin = headers.get("origin")
        refused = headers.get("host", "") not in hosts or (
            origin is not None and origin not in {f"http://{each}" for each in hosts}
        )
        refused = refused or headers.get("sec-fetch-site") == "cross-site"
        if not refused:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4003})
        else:
            answer = JSONResponse({"ok": False, "error": "forbidden_origin"}, status_code=403)
            await answer(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sender
