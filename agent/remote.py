"""Asking the owner of a home from another process: one JSON object a line over a private socket.

The methods are those of a class, called by name with JSON arguments that its annotations check; so both sides
share one interface and nothing is described twice.
"""

import hashlib
import inspect
import json
import logging
import os
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from agent.errors import Mendable, OdysseyError, OwnedElsewhere, new_reference
from agent.lifecycle.resolve import Unresolved
from tools.errors import ToolError

log = logging.getLogger(__name__)
_LONGEST_PATH = 100  # a Unix socket's path holds 107 bytes
_LONGEST_LINE = 64 << 20


def socket_path(home: Path) -> Path:
    """Where the owner of `home` listens: in the home, or under a short private name if that is too long."""
    path = home / "home.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"odyssey-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise OwnedElsewhere(f"{folder} belongs to somebody else; set TMPDIR to a folder of yours.")
    return folder / (hashlib.sha256(os.fsencode(home)).hexdigest()[:24] + ".sock")


class Method:
    """One callable with its arguments and its answer described by its annotations."""

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function)
        self._name = function.__name__
        self._answer: TypeAdapter[Any] = TypeAdapter(hints.pop("return"))
        self._arguments = {name: TypeAdapter(hint) for name, hint in hints.items()}
        self._names = [name for name in inspect.signature(function).parameters if name != "self"]

    def call(self, target: Any, arguments: Mapping[str, Any]) -> Any:
        """Call it on `target` with JSON arguments; the answer as JSON."""
        values = {name: self._arguments[name].validate_python(value) for name, value in arguments.items()}
        return self._answer.dump_python(getattr(target, self._name)(**values), mode="json")

    def pack(self, positional: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        values = {**dict(zip(self._names, positional, strict=False)), **named}
        return {name: self._arguments[name].dump_python(value, mode="json") for name, value in values.items()}

    def unpack(self, answer: Any) -> Any:
        return self._answer.validate_python(answer)


def methods(interface: type, names: tuple[str, ...]) -> dict[str, Method]:
    return {name: Method(getattr(interface, name)) for name in names}


class Server:
    """Answers calls on `target` at a Unix socket that its user alone can open."""

    def __init__(self, path: Path, target: Any, callable_methods: Mapping[str, Method]) -> None:
        path.unlink(missing_ok=True)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline(_LONGEST_LINE):
                    self.wfile.write(json.dumps(_respond(target, callable_methods, line)).encode() + b"\n")
                    self.wfile.flush()

        class Threading(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                log.info("A client went away in the middle of a call.")

        self._path = path
        old = os.umask(0o177)
        try:
            self._server = Threading(str(path), Handler)
        finally:
            os.umask(old)
        self._thread = threading.Thread(target=self._server.serve_forever, name="home.sock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def _respond(target: Any, callable_methods: Mapping[str, Method], line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        method = callable_methods[request["method"]]
        return {"answer": method.call(target, request["arguments"])}
    except (OdysseyError, ToolError, Unresolved) as error:
        return {"error": str(error)}
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        reference = new_reference()
        log.exception("%s: a call over the socket was malformed", reference)
        return {"error": f"The request was not understood ({type(error).__name__}, {reference})."}
    except Exception:  # the boundary of a call: another process must get an answer
        reference = new_reference()
        log.exception("%s: a call over the socket failed", reference)
        return {"error": f"Something went wrong in Odyssey; the log of its owner has the details under {reference}."}


class Connection:
    """The other side: calls by name. One connection a thread, opened when first used."""

    def __init__(self, path: Path, callable_methods: Mapping[str, Method], timeout: float = 3600) -> None:
        self._path = path
        self._methods = callable_methods
        self._timeout = timeout
        self._local = threading.local()

    def answers(self, patience: float = 10.0) -> bool:
        """Whether somebody listens; an owner that is just starting gets `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self._stream()
                return True
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)

    def call(self, name: str, *positional: Any, **named: Any) -> Any:
        """Call a method of the owner. Raises `Mendable` with its sentence, `OwnedElsewhere` if it is gone."""
        method = self._methods[name]
        request = {"method": name, "arguments": method.pack(positional, named)}
        try:
            stream = self._stream()
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            line = stream.readline()
        except OSError as error:
            self._local.stream = None
            raise OwnedElsewhere(f"The process that owns this home does not answer ({error.strerror}).") from None
        if not line:
            self._local.stream = None
            raise OwnedElsewhere("The process that owned this home has ended; run the command again.")
        response = json.loads(line)
        if "error" in response:
            raise Mendable(response["error"])
        return method.unpack(response["answer"])

    def _stream(self) -> Any:
        stream = getattr(self._local, "stream", None)
        if stream is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._timeout)
            connection.connect(str(self._path))
            stream = self._local.stream = connection.makefile("rwb")
        return stream
