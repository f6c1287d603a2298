"""The warm host: a process that has imported the heavy libraries once and forks a child for each job.

`tools.jobs.warm` starts it with a listening socket and a lock it inherits. It has one thread, does nothing with torch
but import it, and neither it nor the assistant has to live for its children to go on. Idle, it ends by itself.

One connection is one request: a line of JSON (a `Launch`) or the word `stop`. The answer is `{"pid": …}` or
`{"error": …}`.
"""

import argparse
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from tools import registry
from tools.jobs import runner
from tools.jobs.environment import set_threads

PATIENCE = 2.0  # seconds a client may take to send its line
LOOK = 0.5  # seconds between two looks for ended children
LONGEST = 65_536  # bytes of a request


def preload(names: Iterable[str]) -> None:
    """Import what jobs will need. What cannot be imported is left to the jobs that do need it."""
    for name in names:
        began = time.monotonic()
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a module that fails here fails its own job with a sentence
            _say(f"{name} is not preloaded: {type(error).__name__}: {error}")
        else:
            _say(f"{name} in {time.monotonic() - began:.2f} s")


class Host:
    """Forks children on request until it has been idle long enough."""

    def __init__(self, listener: socket.socket, inherited: Sequence[int], idle_seconds: float) -> None:
        self._listener = listener
        self._inherited = inherited  # descriptors that children must not keep
        self._idle_seconds = idle_seconds
        self._children: set[int] = set()
        self._stopping = False

    def serve(self) -> None:
        busy_at = time.monotonic()
        while not self._stopping:
            if select.select([self._listener], [], [], LOOK)[0]:
                connection, _ = self._listener.accept()
                with connection:
                    self._answer(connection)
                busy_at = time.monotonic()
            self._reap()
            if self._children:
                busy_at = time.monotonic()
            elif time.monotonic() - busy_at > self._idle_seconds:
                return

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with suppress(OSError):  # a client that went away or is too slow; its start file says whether a child began
            line = connection.makefile("rb").readline(LONGEST)
            if line.strip() == b"stop":
                self._stopping = True
            elif line:  # without a line somebody only wanted the host to be there
                connection.sendall(json.dumps(self._fork(line, connection)).encode() + b"\n")

    def _fork(self, line: bytes, connection: socket.socket) -> dict[str, int | str]:
        try:
            launch = runner.Launch.model_validate_json(line)
            child = os.fork()
        except (ValidationError, OSError) as error:
            _say(f"no child for {line[:200]!r}: {error}")
            return {"error": str(error)}
        if child == 0:
            self._become(launch, connection)
        self._children.add(child)
        return {"pid": child}

    def _become(self, launch: runner.Launch, connection: socket.socket) -> NoReturn:
        """In the child: let go of everything that is the host's, then run the attempt."""
        status = 1
        try:
            runner.own_session()
            self._listener.close()
            connection.close()
            for descriptor in self._inherited:
                os.close(descriptor)
            status = runner.run_attempt(launch)
        finally:
            if (error := sys.exception()) is not None:
                sys.excepthook(type(error), error, error.__traceback__)
            runner.leave(status)

    def _reap(self) -> None:
        for child in tuple(self._children):
            if os.waitpid(child, os.WNOHANG)[0] == child:
                self._children.discard(child)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.jobs.warm_host")
    parser.add_argument("--listener", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--lock", type=int, required=True, help="descriptor of the held lock of this host")
    parser.add_argument("--ready", required=True, help="file to write once everything is imported")
    parser.add_argument("--idle", type=float, required=True, help="seconds without a child until it ends")
    parser.add_argument("--registry", default=registry.DEFAULT)
    parser.add_argument("--preload", nargs="*", default=())
    given = parser.parse_args(arguments)
    listener = socket.socket(fileno=given.listener)
    ready = Path(given.ready)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_threads(1)  # while importing: a library's pool of threads would not survive the fork
    preload((given.registry.partition(":")[0], *given.preload))
    gc.collect()
    gc.freeze()  # children that collect garbage then leave these pages shared
    ready.write_text(str(os.getpid()), encoding="utf-8")
    _say(f"ready with {len(sys.modules)} modules")
    try:
        Host(listener, (given.lock,), given.idle).serve()
    finally:
        ready.unlink(missing_ok=True)
    _say("ends")


if __name__ == "__main__":
    main(sys.argv[1:])
