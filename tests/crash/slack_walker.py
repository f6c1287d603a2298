"""The real app of a home, in processes that may be killed at any moment.

Run as a program it imports everything once and forks a process for each line it reads (two hundred starts do not cost
two hundred imports); it says the process's id.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_parts import QUICK

from agent.bootstrap import build_owner
from agent.graph.replies import Reply
from agent.home import HomeLock
from agent.ledger.database import open_database
from agent.owner import Owner
from agent.settings import load, load_slack
from agent.slack.serve import serving
from agent.slack.service import Paces
from agent.slack.stream import StreamSettings

STREAM = StreamSettings(quiet=0.02, beat=0.02, draft_beat=0.1)
SLOW = "slow turn"
TOLD = "help"  # lines whose answers are told word by word, as a model's are


class Slowly:
    """An owner who tells some answers word by word."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owner, name)

    def say(self, *positional: Any, tell: Callable[[str], None] | None = None, **named: Any) -> Reply:
        if SLOW in positional[2]:
            time.sleep(3)
        reply = self._owner.say(*positional, tell=tell, **named)
        if tell is not None and TOLD in positional[2]:
            for word in reply.text.split(" ")[:30]:
                tell(word + " ")
                time.sleep(0.005)
        return reply


async def live(home: Path, slack: dict[str, Any]) -> None:
    """Own the home and serve until killed."""
    lock = HomeLock(home)
    while not lock.acquire():
        await asyncio.sleep(0.01)
    owner = build_owner(load(home=home, warm=False))
    owner.start()
    paces = Paces(limits=QUICK, stream=STREAM)
    engine = open_database(home / "odyssey.db")
    async with serving(Slowly(owner), engine, home, load_slack(**slack), paces) as served:
        owner.on_change(served.service.changed)
        await asyncio.Event().wait()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        given = json.loads(line)
        child = os.fork()
        if child == 0:
            log = os.open(Path(given["home"]) / "walker.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            asyncio.run(live(Path(given["home"]), given["slack"]))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
