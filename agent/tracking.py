"""Ended jobs, told to the experiment trackers a team uses. Each in a process of its own: nobody waits for a server."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder
from tools.jobs.model import Job, Outcome, OutcomeKind

_HAS_ENDING = (OutcomeKind.SUCCEEDED, OutcomeKind.FAILED, OutcomeKind.CANCELLED)


class Tracking:
    """Starts an export for every attempt that left an ending. `project_name` gives the name of a project's id."""

    def __init__(self, home: Path, trackers: Sequence[str], project_name: Callable[[str], str]) -> None:
        self._home = home
        self._trackers = tuple(trackers)
        self._project_name = project_name
        self._running: list[subprocess.Popen[bytes]] = []

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Returns at once. What goes wrong stands in the attempt's log."""
        folder = AttemptFolder(self._home / "jobs" / job.id, outcome.attempt)
        if not self._trackers or outcome.kind not in _HAS_ENDING or not folder.result.exists():
            return
        command = [sys.executable, "-m", "tools.tracking", str(self._home), str(folder.job), str(folder.attempt)]
        command += ["--project", self._project_name(job.project)]
        for tracker in self._trackers:
            command += ["--to", tracker]
        self._running = [process for process in self._running if process.poll() is None]
        with folder.log.open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                    env=job_environment({}),
                    cwd=folder.path,
                )
            )

    def wait(self) -> None:
        """Until every export that was started has ended."""
        for process in self._running:
            process.wait()
