"""The files of one attempt: how a job's process and its supervisor speak with each other, even across crashes.

    JOB/                    the job's own folder: checkpoints and artefacts survive into the next attempt
      attempt-1/
        spec.json           what to do; written before the start
        alive.lock          held by the job's process as long as it lives
        start               taken once, ever: whoever creates it owns the attempt
        events.jsonl        one `JobEvent` a line
        log.txt             everything the process prints, tracebacks included
        working             the work has begun: processes that share it may begin, too
        cancel              somebody asked the job to stop
        ready.json          a service's `Result` when it answers
        result.json         the `Ending`

The process takes the lock before it takes the start file, so a start file without a held lock means that the process
is gone; a process id alone would not say that, for ids are used again.
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from pydantic import ValidationError

from tools.contract import Frozen, JobEvent, Result, Spec

ABSENT = (FileNotFoundError, NotADirectoryError)


class Started(Frozen):
    """Content of the start file. Without a process nobody will ever run the attempt: its supervisor took the file."""

    pid: int | None = None  # also the id of its session


class Ending(Frozen):
    """How an attempt ended, in the words of its own process."""

    outcome: Literal["succeeded", "failed", "cancelled"]
    result: Result | None = None
    error: str | None = None  # a sentence for a person
    error_id: str | None = None  # the same id stands in log.txt
    seconds: float  # wall time of the work, without waiting for a slot
    peak_memory: int  # bytes resident at most


@dataclass(frozen=True)
class AttemptFolder:
    """Paths of one attempt below its job's folder, and the few operations on them that must not tear."""

    job: Path
    attempt: int

    @property
    def path(self) -> Path:
        return self.job / f"attempt-{self.attempt}"

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def alive(self) -> Path:
        return self.path / "alive.lock"

    @property
    def start(self) -> Path:
        return self.path / "start"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def working(self) -> Path:
        return self.path / "working"

    @property
    def cancel(self) -> Path:
        return self.path / "cancel"

    @property
    def ready(self) -> Path:
        return self.path / "ready.json"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    def prepare(self, spec: Spec) -> None:
        """Make the folder with its specification. Doing it again changes nothing."""
        self.path.mkdir(parents=True, exist_ok=True)
        replace(self.spec, spec.model_dump_json())

    def take_start(self, pid: int | None) -> bool:
        """Own the attempt. True once, ever, for whoever comes first."""
        try:
            descriptor = os.open(self.start, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(Started(pid=pid).model_dump_json())
        return True

    def started(self) -> Started | None:
        """Who owns the attempt; None while nobody does. Without a process id where the taker died in between."""
        try:
            return Started.model_validate_json(self.start.read_bytes())
        except ABSENT:
            return None
        except ValidationError:  # created, not written yet
            return Started()

    def lives(self) -> bool:
        """Whether the process that owns the attempt still runs. Ask only once the start file is there."""
        return locked(self.alive)

    def read_ending(self) -> Ending | None:
        try:
            return Ending.model_validate_json(self.result.read_bytes())
        except (*ABSENT, ValidationError):  # a torn file after a power cut is no result
            return None

    def read_ready(self) -> Result | None:
        try:
            return Result.model_validate_json(self.ready.read_bytes())
        except (*ABSENT, ValidationError):
            return None


def read_progress(events: Path, offset: int) -> tuple[JobEvent | None, int]:
    """The latest progress in whole lines from byte `offset` on, and the offset after them."""
    try:
        with events.open("rb") as file:
            file.seek(offset)
            text = file.read()
    except ABSENT:
        return None, offset
    complete = text[: text.rfind(b"\n") + 1]
    for line in reversed(complete.splitlines()):
        with suppress(ValidationError):  # a line a killed process left unfinished
            event = JobEvent.model_validate_json(line)
            if event.kind == "progress":
                return event, offset + len(complete)
    return None, offset + len(complete)


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def take_lock(path: Path) -> IO[str] | None:
    """Lock a file for as long as the returned handle stays open, or None where another process holds it."""
    handle = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def locked(path: Path) -> bool:
    """Whether another process holds the lock of a file."""
    try:
        with path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except ABSENT:
        return False
    except BlockingIOError:
        return True
    return False
