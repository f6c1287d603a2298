import os
import signal
import subprocess
import sys

import pytest

from agent.errors import Mendable
from agent.home import HomeLock, make_home

HOLDER = """
import signal, sys
from pathlib import Path
from agent.home import HomeLock
lock = HomeLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
signal.pause()
"""


def test_one_process_owns_a_home_and_a_kill_frees_it(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    lock = HomeLock(tmp_path)
    assert not lock.acquire()
    assert lock.owner() == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lock.acquire()
    assert lock.owner() == os.getpid()
    lock.release()
    assert HomeLock(tmp_path).acquire()


def test_a_home_is_private(tmp_path):
    make_home(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_is_said_with_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Mendable, match="ODYSSEY_HOME"):
        make_home(tmp_path / "file" / "home")
