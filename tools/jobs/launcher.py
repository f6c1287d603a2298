"""How a cold start becomes one process or several that train together: torchrun or accelerate, by setting.

Every process runs the same runner with the same specification. The first owns the attempt as it does alone; the
others compute beside it, write into folders of their own, and leave when the training is over.
"""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum

from tools.contract import Frozen
from tools.errors import UserFault

ASKED = "ODYSSEY_JOB_PROCESSES"  # in the environment of a job's processes


class LauncherKind(StrEnum):
    PROCESS = "process"  # one process, from the warm host where it runs
    TORCHRUN = "torchrun"  # torch.distributed.run: processes on CPUs (gloo) or GPUs (nccl)
    ACCELERATE = "accelerate"  # accelerate launch: GPUs only; on a CPU it silently starts one process


class Launcher(Frozen):
    """What starts the processes of a job that can be shared, and how many."""

    kind: LauncherKind = LauncherKind.PROCESS
    processes: int = 1

    @property
    def shares(self) -> bool:
        return self.kind is not LauncherKind.PROCESS and self.processes > 1

    def command(self, module: str, arguments: Sequence[str]) -> list[str]:
        """The command line for `python -m module arguments` in every process."""
        count = str(self.processes)
        match self.kind if self.shares else LauncherKind.PROCESS:
            case LauncherKind.TORCHRUN:
                start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count, "-m"]
            case LauncherKind.ACCELERATE:
                start = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", count]
                start += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--module"]
            case _:
                start = ["-m"]
        return [sys.executable, *start, module, *arguments]


def rank() -> int:
    """Which of a job's processes this is; 0 owns the attempt."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes work on this job."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_world() -> None:
    """Raises `UserFault` where fewer processes were started than the setting asks for."""
    asked = int(os.environ.get(ASKED, "1"))
    if world() != asked:
        raise UserFault(
            f"{asked} processes were asked for and {world()} started: accelerate shares work among GPUs only; "
            "set ODYSSEY_LAUNCHER=torchrun, or ODYSSEY_PROCESSES=1."
        )
