"""What every endpoint shares: refusing rubbish in a sentence, and a server that lives and dies with its job."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.contract import Candidate
from tools.errors import UserFault

HOST = "127.0.0.1"
LARGEST_BODY = 1_000_000  # bytes of a request
_AT_ONCE = 128  # connections; further ones are answered 503
_LEAVE = 3  # seconds a running answer has to end in when the service is stopped

Form = TypeVar("Form", bound=BaseModel)


class Refused(Exception):
    """A request that cannot be answered; the sentence says why."""

    def __init__(self, status: int, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


def application(routes: Sequence[Route]) -> Starlette:
    """An application that answers GET /health and tells every error as {"error": {"message", "type", "code"}}.

    Only requests for this machine are answered: a web page elsewhere cannot have a browser ask by another name.
    """
    return Starlette(
        routes=[Route("/health", _health), *routes],
        exception_handlers={Refused: _refused, HTTPException: _no_such},
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


def listed(candidate: Candidate) -> Route:
    """GET /v1/models: the model that is served."""

    async def models(request: Request) -> Response:
        own = {"id": candidate.name, "object": "model", "owned_by": "odyssey", "digest": candidate.digest}
        return JSONResponse({"object": "list", "data": [own]})

    return Route("/v1/models", models)


async def parse(request: Request, form: type[Form]) -> Form:
    """The body of a request as a form. Raises `Refused`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Refused(413, f"The request is larger than {LARGEST_BODY:,} bytes; send less.", "too_large")
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        raise Refused(400, f"The request is not JSON: {faults[0]['msg']}.", "invalid_json")
    said = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in faults[:5])
    raise Refused(422, f"The request cannot be read: {said}.", "invalid_request")


def error_body(sentence: str, code: str, status: int) -> dict[str, object]:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": sentence, "type": kind, "code": code}}


@contextmanager
def answering(app: Starlette, port: int) -> Iterator[str]:
    """Answer in threads of this process until the block is left. Yields the base URL. Port 0: a free one."""
    listener = _listen(port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_LEAVE,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="endpoint", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_LEAVE + 2)
        listener.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise UserFault(
            f"Port {port} cannot be used ({error.strerror}); choose another one, or 0 for a free one."
        ) from error
    listener.listen(_AT_ONCE)
    return listener


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _refused(request: Request, error: Exception) -> Response:
    status, code = (error.status, error.code) if isinstance(error, Refused) else (500, "internal")
    return JSONResponse(error_body(str(error), code, status), status_code=status)


async def _no_such(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = f"There is no {request.method} {request.url.path} here ({status})."
    return JSONResponse(error_body(sentence, "not_found", status), status_code=status)
