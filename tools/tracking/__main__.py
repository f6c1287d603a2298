"""`python -m tools.tracking HOME JOB_FOLDER ATTEMPT --project NAME --to mlflow`: tell trackers of an ended attempt.

A process of its own, so that neither the job nor the assistant waits for a server. A mark beside the attempt keeps it
from being told twice.
"""

import argparse
import fcntl
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.errors import UserFault
from tools.jobs.folder import AttemptFolder
from tools.tracking.attempt import read_attempt

TRACKERS = ("tensorboard", "mlflow", "trackio")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.tracking", description="Export an ended attempt of a job.")
    parser.add_argument("home", type=Path)
    parser.add_argument("job", type=Path, help="the job's folder")
    parser.add_argument("attempt", type=int)
    parser.add_argument("--project", required=True)
    parser.add_argument("--to", choices=TRACKERS, action="append", default=[])
    given = parser.parse_args(arguments)
    with (given.home / "tracking.lock").open("w") as lock:  # SQLite stores take one writer at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        faults = [fault for tracker in given.to if (fault := _tell(tracker, given))]
    return len(faults)


def _tell(tracker: str, given: argparse.Namespace) -> str | None:
    """Export to one tracker; what went wrong is printed (into the attempt's log) and returned."""
    mark = AttemptFolder(given.job, given.attempt).path / f"told-{tracker}"
    if mark.exists():
        return None
    try:
        write = importlib.import_module(f"tools.tracking.to_{tracker}").write
        place = write(read_attempt(given.job, given.attempt, given.project), given.home)
    except ModuleNotFoundError as error:
        fault = f"{tracker} is not installed ({error}): run `pip install 'odyssey-assistant[tracking]'`."
    except UserFault as error:
        fault = str(error)
    except Exception as error:  # noqa: BLE001 - the boundary: what a server or a library throws must not stop the others
        fault = f"Telling {tracker} of {given.job.name} failed: {type(error).__name__}: {error}"
    else:
        mark.write_text(f"{place}\n", encoding="utf-8")
        return None
    sys.stderr.write(fault + "\n")
    return fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
