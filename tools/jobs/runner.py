"""The job's own side: `python -m tools.jobs.runner JOB_FOLDER ATTEMPT`, or a child of the warm host.

It owns its attempt (see `tools.jobs.folder`), holds its CPU slot, does the tool's work and leaves an `Ending`.
Exit status: 0 succeeded, 1 failed, 3 cancelled, 4 the attempt belongs to another process.
"""

import argparse
import math
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from pydantic import ValidationError

from tools import registry
from tools.contract import Frozen, JobContext, JobEvent, Parameters, Result, Spec, Tool
from tools.errors import Cancelled, Defect, Followed, UserFault
from tools.jobs import faults
from tools.jobs.environment import set_threads
from tools.jobs.folder import AttemptFolder, Ending, replace, take_lock
from tools.jobs.launcher import check_world, rank, world
from tools.jobs.slots import take_slot
from tools.jobs.smoke import Smoke
from tools.training.history import read_series

NOT_MINE = 4
EXIT = {"succeeded": 0, "failed": 1, "cancelled": 3}
_LOOK = 0.1  # seconds between two looks for the begin of shared work
ENDING = 3.0  # seconds a tool with torch needs to save, measure and draw once it has counted its last step, at least
RESERVE = 65_536  # bytes kept on the disk, so that a full one can still be reported


class Launch(Frozen):
    """What a process has to know to run an attempt; the rest stands in the attempt's spec.json."""

    folder: str  # the job's folder
    attempt: int
    slots_folder: str
    slots: int
    registry: str = registry.DEFAULT


def run_attempt(launch: Launch) -> int:
    """The whole life of one attempt in this process. Returns the exit status."""
    folder = AttemptFolder(Path(launch.folder), launch.attempt)
    alive = take_lock(folder.alive)
    if alive is None or not folder.take_start(os.getpid()):
        return NOT_MINE
    with alive:
        _settle(folder)
        spec = Spec.model_validate_json(folder.spec.read_bytes())
        ending = _work(launch, folder, spec)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _reserve(folder).unlink(missing_ok=True)
        replace(folder.result, ending.model_dump_json())
        _draw(folder.job, spec)
        _end_children()
    return EXIT[ending.outcome]


def _settle(folder: AttemptFolder) -> None:
    """Print into the log, stay in the attempt's folder, and let SIGTERM unwind the work instead of cutting it off."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(folder.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(folder.path)
    signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Cancelled("The job was told to end at once; what it saved before is kept.")


def _work(launch: Launch, folder: AttemptFolder, spec: Spec) -> Ending:
    """Do the tool's work. Whatever it raises becomes an ending."""
    began = time.monotonic()
    slot: IO[str] | None = None
    result, error, error_id = None, None, None
    try:
        _reserve(folder).write_bytes(bytes(RESERVE))
        tool = _tool(spec, launch.registry)
        if not tool.service:
            slot = take_slot(Path(launch.slots_folder), launch.slots, folder.cancel.exists)
        check_world()
        folder.working.touch()
        began = time.monotonic()
        result = _perform(tool, folder, spec, launch.registry)
        outcome = "succeeded"
    except Cancelled as request:
        outcome, error = "cancelled", str(request)
    except (Exception, SystemExit, KeyboardInterrupt) as failure:  # noqa: BLE001 - it ends only its own job
        fault = faults.describe(failure, spec, folder.job)
        outcome, error, error_id = "failed", fault.sentence, fault.id
        _write_down(failure, fault.id, folder)
    ended = time.monotonic()
    if slot is not None:
        slot.close()
    return Ending.model_validate(
        {
            "outcome": outcome,
            "result": result,
            "error": error,
            "error_id": error_id,
            "seconds": ended - began,
            "peak_memory": peak_memory(),
        }
    )


def _draw(job: Path, spec: Spec) -> None:
    """A picture of what was measured on the way. The result is safe by now, whatever becomes of this."""
    try:
        if read_series(job):
            from tools.training.curve import draw_curve  # here, for most jobs need no matplotlib

            draw_curve(job, f"{spec.tool} {spec.job}")
    except Exception as failure:  # noqa: BLE001 - a picture must not spoil a job that has ended
        with suppress(OSError, ValueError):
            sys.stderr.write("\nThe curve could not be drawn\n")
            traceback.print_exception(failure)


def _tool(spec: Spec, reference: str) -> Tool:
    tool = registry.load(reference).get(spec.tool)
    if tool is None:
        raise UserFault(f"There is no tool called {spec.tool}; the registry has the names of those there are.")
    return tool


def _perform(tool: Tool, folder: AttemptFolder, spec: Spec, reference: str) -> Result:
    set_threads(max(1, spec.threads // world()))
    params = _parameters(tool, spec)
    parts = tool.plan(params, spec.inputs).parts
    run = registry.load_run(tool, reference)
    with folder.events.open("a", buffering=1, encoding="utf-8") as events:
        context = JobContext(
            spec=spec,
            folder=folder.job,
            emit=_writer(events, Smoke(datetime.now(UTC), peak_memory, parts, ending=ENDING * tool.heavy)),
            cancelled=folder.cancel.exists,
            now=lambda: datetime.now(UTC),
            ready=lambda result: _ready(tool, folder, result),
        )
        result = run(params, context)
    if not isinstance(result, Result):
        raise Defect(f"{tool.name} returned {type(result).__name__} instead of a result.")
    faults.check_finite(tool.name, result)
    return result


def _parameters(tool: Tool, spec: Spec) -> Parameters:
    try:
        return tool.parameters.model_validate(spec.params)
    except ValidationError as error:
        raise faults.refused_parameters(tool.name, error) from None


def follow(launch: Launch) -> int:
    """Compute beside the process that owns the attempt, until the shared work is done. Nothing made here is kept."""
    folder = AttemptFolder(Path(launch.folder), launch.attempt)
    while not folder.working.exists():  # the first may wait for a slot; whoever started both ends both
        time.sleep(_LOOK)
    spec = Spec.model_validate_json(folder.spec.read_bytes())
    own = folder.path / f"rank-{rank()}"
    own.mkdir(exist_ok=True)
    set_threads(max(1, spec.threads // world()))
    context = JobContext(
        spec=spec,
        folder=own,
        emit=lambda event: None,
        cancelled=folder.cancel.exists,
        now=lambda: datetime.now(UTC),
        checkpoints=folder.job / "checkpoints",
        follows=True,
    )
    tool = _tool(spec, launch.registry)
    try:
        registry.load_run(tool, launch.registry)(_parameters(tool, spec), context)
    except (Followed, Cancelled):
        return 0
    finally:
        shutil.rmtree(own, ignore_errors=True)
    raise Defect(f"{tool.name} says that it can be shared, and never said where the shared work ends.")


def _writer(events: IO[str], smoke: Smoke) -> Callable[[JobEvent], None]:
    def emit(event: JobEvent) -> None:
        event = smoke.saw(event)
        finite = {name: value for name, value in event.metrics.items() if math.isfinite(value)}  # JSON has no NaN
        events.write(event.model_copy(update={"metrics": finite}).model_dump_json() + "\n")

    return emit


def _ready(tool: Tool, folder: AttemptFolder, result: Result) -> None:
    if not tool.service:
        raise Defect(f"{tool.name} says it is ready, but only a service can be.")
    faults.check_finite(tool.name, result)
    replace(folder.ready, result.model_dump_json())


def _write_down(failure: BaseException, fault: str, folder: AttemptFolder) -> None:
    _reserve(folder).unlink(missing_ok=True)
    with suppress(OSError, ValueError):  # the disk is full to the last byte; the tool closed the stream
        sys.stderr.write(f"\nError {fault}\n")
        traceback.print_exception(failure)
        sys.stderr.flush()


def _reserve(folder: AttemptFolder) -> Path:
    return folder.path / ".reserve"


def peak_memory() -> int:
    """Bytes resident at most, of this process or one of its children, whichever was larger."""
    kilo = 1 if sys.platform == "darwin" else 1024  # getrusage(2): kilobytes on Linux, bytes on macOS
    return kilo * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _end_children() -> None:
    """Processes the tool left behind in this process's own group end with it. SIGTERM is ignored here by now."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGTERM)


def own_session() -> None:
    """Leave the session of whoever started this process, so that their end is not ours."""
    with suppress(PermissionError):  # it leads a group already: started so by the engine, or by hand from a shell
        os.setsid()


def leave(status: int) -> NoReturn:
    """End now: neither exit handlers nor threads a library left behind can hold a finished job up."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a full disk; a tool that closed it
            stream.flush()
    os._exit(status)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.jobs.runner", description="Run one attempt of a job.")
    parser.add_argument("folder", help="the job's folder; its attempt-N/spec.json says what to do")
    parser.add_argument("attempt", type=int)
    parser.add_argument("--registry", default=registry.DEFAULT, help="import path of the tools, module:attribute")
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1, help="CPU slots of this machine")
    parser.add_argument("--slots-folder", help="where their locks lie (slots/ of the home the job belongs to)")
    given = parser.parse_args(arguments)
    folder = Path(given.folder).resolve()
    slots_folder = given.slots_folder or str(folder.parents[1] / "slots")
    launch = Launch(
        folder=str(folder),
        attempt=given.attempt,
        slots_folder=slots_folder,
        slots=given.slots,
        registry=given.registry,
    )
    if rank() > 0:
        return follow(launch)
    own_session()
    return run_attempt(launch)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
