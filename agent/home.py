"""A home: the folder with everything Odyssey keeps, owned by one process at a time."""

import fcntl
import os
from pathlib import Path

from agent.errors import Mendable


class HomeLock:
    """The lock on `home.lock`. The kernel frees it when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / "home.lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Become the owner; False if another process is."""
        make_home(self._path.parent)
        handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._file = handle
        return True

    def owner(self) -> int | None:
        """The process id the owner wrote, if it wrote one."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def make_home(home: Path) -> None:
    """Create the folder, private to its user. Raises `Mendable` where that cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Mendable(
            f"The home {home} cannot be made ({error.strerror}); set ODYSSEY_HOME to a folder of yours."
        ) from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise Mendable(f"The home {home} cannot be written to; set ODYSSEY_HOME to a folder of yours.")
