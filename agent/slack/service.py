"""Odyssey in Slack: every part of this package at work, in one event loop and its threads."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from agent.errors import Unreachable
from agent.graph.replies import Reply
from agent.ledger.threads import Threads
from agent.settings import SlackSettings
from agent.slack import uploads
from agent.slack.acceptance import Acceptance
from agent.slack.app import build_app
from agent.slack.blocks import answer
from agent.slack.boards import Boards
from agent.slack.connections import Connections
from agent.slack.door import Door
from agent.slack.gateway import Gateway, Limits, Outcome, Posted
from agent.slack.homes import View
from agent.slack.intake import Intake
from agent.slack.interactions import Interactions
from agent.slack.listeners import Listeners
from agent.slack.looking import Looking
from agent.slack.model import Assistant, Delivery, Message
from agent.slack.people import People, display_name
from agent.slack.poster import Poster
from agent.slack.sanitize import markdown
from agent.slack.sessions import Sessions
from agent.slack.store import SlackStore
from agent.slack.stream import Streams, StreamSettings
from agent.slack.turns import Turns
from agent.slack.uploads import Uploads
from agent.slack.workspaces import Workspaces
from tools.contract import Frozen

log = logging.getLogger(__name__)
HANDED_OVER = 2.0  # seconds for finished answers to reach the poster before the end
FETCH_WITHIN = 120.0  # seconds for a file


class Paces(Frozen):
    """What tests shorten, and nobody else."""

    limits: Limits = Limits()
    stream: StreamSettings = StreamSettings()


_PERSON = re.compile(r"(?<![\w.])[TE][A-Z0-9]{2,30}\.(?=[UW][A-Z0-9]{2,30}(?![\w.]))")

_OURS = frozenset({"value", "private_metadata", "metadata"})  # what comes back to us as it is


class TeamGateway(Gateway):
    """Where people are named with their workspace, Slack is told their ids without it."""

    async def call(self, team: str, method: str, *, patience: float | None = None, **arguments: Any) -> Outcome:
        return await super().call(team, method, patience=patience, **_without_team(arguments))


def _without_team(value: Any) -> Any:
    if isinstance(value, str):
        return _PERSON.sub("", value)
    if isinstance(value, list | tuple):
        return [_without_team(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: part if key in _OURS else _without_team(part) for key, part in value.items()}


class SlackService:
    """Made, started and closed in one event loop. The assistant is asked in worker threads."""

    def __init__(
        self,
        assistant: Assistant,
        engine: Engine,
        home: Path,
        settings: SlackSettings,
        workspaces: Workspaces,
        session: aiohttp.ClientSession,
        paces: Paces | None = None,
    ) -> None:
        """`engine` is the record's (`open_database`); `home` keeps the uploads; `session` is closed by its maker."""
        paces = paces or Paces()
        self._assistant = assistant
        self._settings = settings
        self._workspaces = workspaces
        self._session = session
        self._loop = asyncio.get_running_loop()
        self.store = SlackStore(engine)
        gateway = TeamGateway if settings.several else Gateway
        self.gateway: Gateway = gateway(workspaces.client, paces.limits)
        self._door = Door(self.gateway)
        self._people = People(self._name)
        self._uploads = Uploads(home / "uploads", self._fetch, settings.upload_limit)
        self.poster = Poster(self.gateway, self.store)
        self.boards = Boards(assistant, self.store, self._shown, publish=self._publish)
        self._looking = Looking(self.boards.refresh)
        self._streams = Streams(self.gateway, self.store, paces.stream, clean=markdown)
        sessions = Sessions(self._streams, self._stop)
        self.turns = Turns(self.store, assistant, self._render, telling=sessions, attach=self._attach)
        self.intake = Intake(self.store, news=self.turns.wake)
        listeners = self._listeners(Threads(engine), sessions)
        self.app: AsyncApp = build_app(
            listeners, workspaces.authorize(), workspaces.plain_client(), flow=workspaces.flow()
        )
        self.connections: Connections | None = None

    def _listeners(self, threads: Threads, sessions: Sessions) -> Listeners:
        several = self._settings.several
        acceptance = Acceptance(self.intake, threads, self._door, self._people.learn)
        return Listeners(
            acceptance=acceptance,
            door=self._door,
            interactions=Interactions(
                acceptance, self._assistant.vote, self._door, self._assistant.catalogue, several=several
            ),
            home=self.boards.home,
            stop=sessions.stop,
            forget=self._workspaces.forget,
            several=several,
        )

    def _shown(self, text: str) -> str:
        """People and shared files by their names."""
        return self._uploads.named(self._people(text))

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier process left; then, in Socket Mode, connect. HTTP is served by whoever has `app`."""
        await self.poster.start()
        self.intake.start()
        self.turns.start()
        self._looking.start()
        self._door.soon(self._learn_members())
        if self._settings.mode == "socket" and self._settings.app_token is not None:
            self.connections = Connections(
                self.app,
                self._settings.app_token.get_secret_value(),
                self._workspaces.plain_client(),
                number=self._settings.connections,
                ping=self._settings.ping_interval,
            )
            await self.connections.start()

    def changed(self) -> None:
        """An event was applied: boards may be out of date. From any thread."""
        self._looking.wake()

    async def close(self) -> None:
        """Take nothing more, let what runs end for some seconds, send what is ready; the rest is for the next start."""
        if self.connections is not None:
            await self.connections.close()
        await asyncio.to_thread(self.intake.close)
        await asyncio.to_thread(self.turns.close)
        await asyncio.to_thread(self._looking.close)
        with suppress(TimeoutError):  # a turn that does not end has its answer after the next start
            await asyncio.wait_for(self._streams.idle(), HANDED_OVER)
        await self._door.close()
        await self.poster.close()

    async def _learn_members(self) -> None:
        """The names of everybody in a project, for boards that are drawn before anybody speaks."""
        projects = await asyncio.to_thread(self._assistant.all_projects)
        await self._people.learn(*(" ".join(project.members) for project in projects))

    def _stop(self, thread: str) -> bool:
        return self.turns.stop(thread)

    # --- what the parts ask of each other ------------------------------------------------------------------------

    def _render(self, delivery: Delivery, reply: Reply) -> Sequence[Message]:
        """The answer as messages; whoever asked to wait is told when the job has ended."""
        if reply.kind == "wait" and reply.project is not None:
            job = reply.data.get("job")
            self.boards.waits(reply.project, job if isinstance(job, str) else None, delivery.place)
        return answer.messages(delivery, reply, self._shown)

    def _attach(self, delivery: Delivery) -> Delivery:
        """The delivery with its file fetched and turned into words. In a turn's thread."""
        future = asyncio.run_coroutine_threadsafe(self._uploads.command(delivery), self._loop)
        try:
            text = future.result(FETCH_WITHIN)
        except TimeoutError:
            future.cancel()
            raise Unreachable(f"The file took longer than {FETCH_WITHIN:.0f} s to fetch; share it again.") from None
        return delivery.model_copy(update={"text": text, "files": ()})

    def _fetch(self, team: str, url: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        uploads.refuse(url, self._settings.api_url)
        client = self._workspaces.client(team)
        return _fetched(self._session, url, client.token or "", client.proxy)

    async def _name(self, team: str | None, user: str) -> str | None:
        where = team or self._workspaces.only
        if where is None:
            return None
        outcome = await self.gateway.call(where, "users.info", user=user)
        return display_name(outcome.data.get("user")) if isinstance(outcome, Posted) else None

    def _publish(self, actor: str, view: View) -> None:
        team, _, user = actor.rpartition(".")
        where = team or self._workspaces.only
        if where is not None:
            asyncio.run_coroutine_threadsafe(self._door.board(where, user, view), self._loop)


@asynccontextmanager
async def _fetched(
    session: aiohttp.ClientSession, url: str, token: str, proxy: str | None
) -> AsyncIterator[AsyncIterator[bytes]]:
    """A file's bytes. The token goes to the address itself and nowhere it would send us."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with session.get(url, headers=headers, allow_redirects=False, proxy=proxy) as response:
            if response.status != 200:
                raise Unreachable(f"Slack did not hand over the file (status {response.status}); share it again.")
            yield response.content.iter_chunked(1 << 16)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(f"Slack did not hand over the file ({type(error).__name__}); share it again.") from None
