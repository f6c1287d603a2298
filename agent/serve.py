"""`odyssey serve`: the owner of a home, in Slack; without tokens in a local workspace that behaves like it."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.client import open_client
from agent.errors import Mendable, OwnedElsewhere
from agent.home import HomeLock
from agent.owner import Owner
from agent.settings import Settings, SlackSettings, load_slack
from agent.workspace.server import LocalWorkspace

PORT = 8377  # of the local workspace, where none is asked for


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until interrupted. Raises `OwnedElsewhere` where another process owns the home."""
    port: int | None = arguments.port
    slack = load_slack(**({"http_port": port} if port is not None else {}))
    with open_client(settings) as client:
        if not isinstance(client, Owner):
            pid = HomeLock(settings.home).owner()
            raise OwnedElsewhere(
                f"{settings.home} is owned by process {pid or 'unknown'} already: talk to it where it serves, or end it"
                " (ODYSSEY_HOME or --home names another home)."
            )
        client.warm_up()
        asyncio.run(_serve(client, settings, slack, port))
    return 0


async def _serve(owner: Owner, settings: Settings, slack: SlackSettings, port: int | None) -> None:
    from agent.bootstrap import in_slack

    stopped = _interrupted()
    if slack.configured:
        async with in_slack(owner, settings, slack) as serving:
            _say(f"{serving.told} Ctrl-C ends.")
            await stopped.wait()
    else:
        async with (
            local_workspace(settings, port) as workspace,
            in_slack(owner, settings, settings_of(workspace)),
        ):
            _say(f"Open {workspace.url} to talk with Odyssey. Ctrl-C ends.")
            _say("This is not Slack: a local workspace on this machine that behaves like it. Nothing leaves it.")
            await stopped.wait()
    _say("Odyssey has stopped; what was accepted is kept.")


@asynccontextmanager
async def local_workspace(settings: Settings, port: int | None) -> AsyncIterator[LocalWorkspace]:
    """The home's local workspace, at `port`, or at the usual one, or where that is taken at any other."""
    workspace = None
    for candidate in [port] if port is not None else [PORT, 0]:
        workspace = LocalWorkspace(settings.home / "workspace", port=candidate)
        try:
            await workspace.start()
            break
        except OSError:
            workspace = None
    if workspace is None:
        raise Mendable(f"Port {port} is taken; choose another with --port.")
    try:
        yield workspace
    finally:
        await workspace.stop()


def settings_of(workspace: LocalWorkspace) -> SlackSettings:
    """How the app reaches a local workspace."""
    return load_slack(
        mode="socket",
        bot_token=workspace.bot_token,
        app_token=workspace.app_token,
        signing_secret=workspace.signing_secret,
        api_url=workspace.api_url,
    )


def _interrupted() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; the second one ends the process at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
        stopped.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    return stopped


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
