"""Where jobs run. The ledger is the truth; an engine starts processes and says what has become of them."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import psutil

from tools import registry
from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder
from tools.jobs.launcher import ASKED, Launcher
from tools.jobs.runner import Launch
from tools.jobs.warm import Reply, Request, WarmHost

TOO_OFTEN = 2  # times the warm host may fail before jobs start without it


class Phase(StrEnum):
    UNKNOWN = "unknown"  # nobody has begun it and this engine knows of no start: submit it
    STARTING = "starting"  # submitted, not begun
    RUNNING = "running"  # begun, and its process lives
    ENDED = "ended"  # begun, and its process is gone


class Urgency(StrEnum):
    ASK = "ask"  # save and return: the job looks for it where stopping loses nothing
    TERMINATE = "terminate"  # SIGTERM to everything in its session
    KILL = "kill"  # SIGKILL


class Engine(Protocol):
    """Runs attempts whose folder is prepared. Submitting one twice starts it once."""

    @property
    def slots(self) -> int:
        """Jobs that may compute at a time; services take none."""

    def folder(self, job: str, attempt: int) -> AttemptFolder: ...

    def warm_up(self) -> None:
        """Make ready what the first job would have to wait for."""

    def submit(self, job: str, attempt: int, *, heavy: bool, shared: bool = False) -> None:
        """Start it soon, in several processes where it can be `shared`. Raises OSError where none can be made."""

    def status(self, job: str, attempt: int) -> Phase: ...

    def cancel(self, job: str, attempt: int, urgency: Urgency = Urgency.ASK) -> None: ...

    def logs(self, job: str, attempt: int, tail: int = 16_384) -> str:
        """The last `tail` bytes of what it printed."""

    def close(self) -> None:
        """Let go of what this object holds; jobs go on."""


class LocalEngine:
    """Processes of this machine: children of the warm host, or of a new interpreter where there is none.

    `home` holds jobs/ and slots/. Without `warm` every start is cold. Light tools go to the warm host only when it
    is up already: a new interpreter is faster for them than its imports.
    """

    def __init__(
        self,
        home: Path,
        *,
        slots: int,
        warm: WarmHost | None = None,
        registry_path: str = registry.DEFAULT,
        environment: Mapping[str, str] | None = None,
        launcher: Launcher | None = None,
    ) -> None:
        self._home = home.resolve()
        self._launcher = launcher or Launcher()
        self._slots = max(1, slots)
        self._warm = warm
        self._registry = registry_path
        self._environment = dict(environment or {})
        self._requests: dict[AttemptFolder, Request] = {}
        self._processes: dict[AttemptFolder, subprocess.Popen[bytes]] = {}
        self._failures = 0

    @property
    def slots(self) -> int:
        return self._slots

    def folder(self, job: str, attempt: int) -> AttemptFolder:
        return AttemptFolder(self._home / "jobs" / job, attempt)

    def warm_up(self) -> None:
        """Start the warm host now, so that the first job does not wait for its imports."""
        if self._warm is not None:
            self._warm.start()

    def submit(self, job: str, attempt: int, *, heavy: bool, shared: bool = False) -> None:
        folder = self.folder(job, attempt)
        if shared and self._launcher.shares:
            self._start_cold(folder, self._launcher)
            return
        if self._warm is not None and self._failures < TOO_OFTEN and (heavy or self._warm.ready):
            request = self._warm.request(self._launch(folder))
            if request is not None:
                self._requests[folder] = request
                return
        self._start_cold(folder)

    def status(self, job: str, attempt: int) -> Phase:
        folder = self.folder(job, attempt)
        if folder.started() is not None:
            self._forget_request(folder)
            if folder.lives():
                return Phase.RUNNING
            self._collect(folder)
            return Phase.ENDED
        return self._before_start(folder)

    def cancel(self, job: str, attempt: int, urgency: Urgency = Urgency.ASK) -> None:
        folder = self.folder(job, attempt)
        if urgency is Urgency.ASK:
            folder.cancel.touch()
            return
        started = folder.started()
        if started is None or started.pid is None:
            return
        number = signal.SIGTERM if urgency is Urgency.TERMINATE else signal.SIGKILL
        for member in session_members(started.pid, leader_lives=folder.lives()):
            with suppress(ProcessLookupError):
                os.kill(member, number)

    def logs(self, job: str, attempt: int, tail: int = 16_384) -> str:
        try:
            with self.folder(job, attempt).log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - tail))
                return log.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def close(self) -> None:
        for folder in tuple(self._requests):
            self._forget_request(folder)
        for process in self._processes.values():
            process.poll()

    # --- before the start file -----------------------------------------------------------------------------------

    def _before_start(self, folder: AttemptFolder) -> Phase:
        """A start that was asked for and whose process is gone without beginning is no start."""
        if (request := self._requests.get(folder)) is not None:
            match request.reply():
                case Reply.WAITING:
                    return Phase.STARTING
                case Reply.FORKED if request.pid is not None and psutil.pid_exists(request.pid):
                    self._failures = 0
                    return Phase.STARTING
                case Reply.FAILED:
                    self._failures += 1
            self._forget_request(folder)
            self._start_cold(folder)
            return Phase.STARTING
        process = self._processes.get(folder)
        if process is not None and process.poll() is None:
            return Phase.STARTING
        self._processes.pop(folder, None)
        return Phase.STARTING if folder.started() is not None else Phase.UNKNOWN

    def _start_cold(self, folder: AttemptFolder, launcher: Launcher | None = None) -> None:
        launch, launcher = self._launch(folder), launcher or Launcher()
        arguments = [launch.folder, str(launch.attempt), "--registry", launch.registry]
        arguments += ["--slots", str(launch.slots), "--slots-folder", launch.slots_folder]
        with folder.log.open("ab") as log:
            self._processes[folder] = subprocess.Popen(
                launcher.command("tools.jobs.runner", arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=job_environment({**self._environment, ASKED: str(launcher.processes)}),
                cwd=folder.path,
            )

    def _launch(self, folder: AttemptFolder) -> Launch:
        return Launch(
            folder=str(folder.job),
            attempt=folder.attempt,
            slots_folder=str(self._home / "slots"),
            slots=self._slots,
            registry=self._registry,
        )

    def _forget_request(self, folder: AttemptFolder) -> None:
        if (request := self._requests.pop(folder, None)) is not None:
            request.close()

    def _collect(self, folder: AttemptFolder) -> None:
        process = self._processes.get(folder)
        if process is not None and process.poll() is not None:
            del self._processes[folder]


def session_members(session: int, *, leader_lives: bool) -> Iterator[int]:
    """Processes of a job's session, its leader last.

    With the leader gone its id may belong to a stranger by now; its session does not, as long as no process of that
    id lives: an id in use as a session is not given out again.
    """
    if not leader_lives and _lives(session):
        return
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if pid != session and os.getsid(pid) == session:
                yield pid
    if leader_lives:
        yield session


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
