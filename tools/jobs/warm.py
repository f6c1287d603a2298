"""How the assistant reaches the warm host of its home: starts it when needed, asks it for children.

Nothing here waits: a request is sent and its answer looked at later, for a host that still imports answers seconds
later. Whatever goes wrong is answered with None or `Reply.FAILED`, and the job starts cold.
"""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from tools import registry
from tools.jobs.environment import ROOT, job_environment
from tools.jobs.folder import locked, take_lock
from tools.jobs.runner import Launch

# Everything the tools' work needs and that takes long to import; transformers and trl load their parts only when
# asked for by name. Then the tools' own work.
LIBRARIES = (
    "torch",
    "transformers",
    "transformers.trainer",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.models.bert.modeling_bert",
    "peft",
    "datasets",
    "trl",
    "trl.trainer.sft_trainer",
    "trl.trainer.dpo_trainer",
    "trl.trainer.grpo_trainer",
    "trl.trainer.reward_trainer",
    "tools.training",
)


def preload_list(reference: str = registry.DEFAULT) -> tuple[str, ...]:
    """Modules the host imports for a registry: the libraries, then the work of its heavy tools."""
    work = {tool.run.partition(":")[0] for tool in registry.load(reference).values() if tool.heavy}
    return (*LIBRARIES, *sorted(work))


class Reply(StrEnum):
    WAITING = "waiting"  # not answered yet
    FORKED = "forked"  # a child runs, or has run
    FAILED = "failed"  # the host refused or went away


class Request:
    """A child asked for."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self.pid: int | None = None

    def reply(self) -> Reply:
        """Where the request stands; never waits."""
        if self.pid is not None:
            return Reply.FORKED
        try:
            while chunk := self._connection.recv(4096):
                self._received += chunk
        except BlockingIOError:
            return Reply.WAITING
        except OSError:
            return Reply.FAILED
        with suppress(ValueError, KeyError, TypeError):
            self.pid = int(json.loads(self._received)["pid"])
        self.close()
        return Reply.FAILED if self.pid is None else Reply.FORKED

    def close(self) -> None:
        self._connection.close()


class WarmHost:
    """The host of one home, one interpreter and one state of the code: edited code gets a new host."""

    def __init__(
        self,
        home: Path,
        *,
        preload: Sequence[str],
        registry_path: str = registry.DEFAULT,
        idle_seconds: float = 600.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._preload = tuple(preload)
        self._registry = registry_path
        self._idle_seconds = idle_seconds
        self._environment = dict(environment or {})
        self._log = home / "warm_host.log"
        same = (str(home.resolve()), sys.executable, registry_path, *preload, *_code(ROOT / "tools"))
        name = hashlib.sha256("\n".join(same).encode()).hexdigest()[:16]
        # Not below the home: a socket's path has at most 107 bytes (unix(7)), a home's may have more.
        self._folder = Path(tempfile.gettempdir()) / f"odyssey-{os.geteuid()}" / name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ready(self) -> bool:
        """Whether a host has imported everything, so that even a light job starts faster there."""
        return self._marker.exists() and locked(self._folder / "lock")

    @property
    def pid(self) -> int | None:
        """The process of the ready host."""
        try:
            return int(self._marker.read_text(encoding="utf-8")) if self.ready else None
        except (FileNotFoundError, ValueError):  # it ends just now
            return None

    def start(self) -> bool:
        """Start the host unless one runs, without waiting for its imports. False where it cannot be started."""
        connection = self._reach()
        if connection is not None:
            connection.close()
        return connection is not None

    def request(self, launch: Launch) -> Request | None:
        """Ask for a child; None where no host can be reached."""
        connection = self._reach()
        if connection is None:
            return None
        try:
            connection.sendall(launch.model_dump_json().encode() + b"\n")
        except OSError:
            connection.close()
            return None
        connection.setblocking(False)
        return Request(connection)

    def stop(self) -> None:
        """Let the host end; its children go on."""
        connection = self._connect()
        if connection is not None:
            with connection, suppress(OSError):
                connection.sendall(b"stop\n")
        if self._process is not None:
            self._process.wait()

    @property
    def _socket(self) -> Path:
        return self._folder / "host.sock"

    @property
    def _marker(self) -> Path:
        return self._folder / "ready"

    def _reach(self) -> socket.socket | None:
        try:
            connection = self._connect()
            if connection is None and self._launch():
                connection = self._connect()
        except OSError:  # no room, no permission, a path too long
            return None
        return connection

    def _connect(self) -> socket.socket | None:
        if not _private(self._folder.parent) or not _private(self._folder):
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(1.0)
        try:
            connection.connect(str(self._socket))
        except OSError:
            connection.close()
            return None
        return connection

    def _launch(self) -> bool:
        """Start a host. It inherits a socket that listens already, so that nobody has to wait for it."""
        if self._process is not None:
            self._process.poll()
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(exist_ok=True, mode=0o700)
        if not _private(self._folder.parent) or not _private(self._folder):
            return False
        lock = take_lock(self._folder / "lock")
        if lock is None:  # another one is starting or ending just now
            return False
        with lock, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, self._log.open("ab") as log:
            self._socket.unlink(missing_ok=True)
            self._marker.unlink(missing_ok=True)
            listener.bind(str(self._socket))
            self._socket.chmod(stat.S_IRUSR | stat.S_IWUSR)
            listener.listen(64)
            inherited = (listener.fileno(), lock.fileno())
            self._process = subprocess.Popen(
                [*self._command(*inherited), "--preload", *self._preload],
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=job_environment(self._environment),
                cwd=self._folder,
            )
        return True

    def _command(self, listener: int, lock: int) -> list[str]:
        given = {
            "--listener": listener,
            "--lock": lock,
            "--ready": self._marker,
            "--idle": self._idle_seconds,
            "--registry": self._registry,
        }
        options = [str(part) for pair in given.items() for part in pair]
        return [sys.executable, "-m", "tools.jobs.warm_host", *options]


def _private(folder: Path) -> bool:
    """Whether a folder in a place everybody may write to is ours alone."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _code(folder: Path) -> Iterable[str]:
    """A fingerprint of the code a host would hold in memory."""
    for path in sorted(folder.rglob("*.py")):
        found = path.stat()
        yield f"{path}:{found.st_mtime_ns}:{found.st_size}"
