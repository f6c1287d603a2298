"""Reaching the owner of a home: become it, or ask the process that is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from agent.errors import OwnedElsewhere
from agent.graph.desk import JobView, Notice, Outcome
from agent.graph.replies import Reply
from agent.home import HomeLock
from agent.interface import REMOTE, Client
from agent.ledger.ledger import AuditRow, TranscriptRow
from agent.lifecycle.events import Body
from agent.lifecycle.project import Project
from agent.owner import Owner
from agent.remote import Connection, Server, methods, socket_path
from agent.settings import Settings
from knowledge.model import Answer, Audit, Document, Hit, Ingested


class RemoteOwner:
    """`Client` over the socket: the same questions, answered by the process that owns the home."""

    def __init__(self, connection: Connection) -> None:
        self._ask = connection.call

    def warm_up(self) -> None:
        self._ask("warm_up")

    def say(self, actor: str, thread: str, text: str, project: str | None = None) -> Reply:
        return cast(Reply, self._ask("say", actor, thread, text, project))

    def projects(self, actor: str) -> tuple[Project, ...]:
        return cast(tuple[Project, ...], self._ask("projects", actor))

    def find_project(self, actor: str, name: str) -> Project | None:
        return cast(Project | None, self._ask("find_project", actor, name))

    def submit(self, actor: str, project_id: str | None, body: Body) -> Outcome:
        return cast(Outcome, self._ask("submit", actor, project_id, body))

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        return cast(tuple[JobView, ...], self._ask("jobs", project_id))

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]:
        return cast(tuple[Notice, ...], self._ask("notices", project_id, after, wait))

    def answer(self, question: str, project_id: str | None) -> Answer:
        return cast(Answer, self._ask("answer", question, project_id))

    def search(self, actor: str, question: str, project_id: str | None, k: int) -> tuple[Hit, ...]:
        return cast(tuple[Hit, ...], self._ask("search", actor, question, project_id, k))

    def ingest(
        self, actor: str, project_id: str, paths: tuple[str, ...], audience: str = "project"
    ) -> tuple[Ingested, ...]:
        return cast(tuple[Ingested, ...], self._ask("ingest", actor, project_id, paths, audience))

    def audit_knowledge(self) -> Audit:
        return cast(Audit, self._ask("audit_knowledge"))

    def rebuild_knowledge(self) -> tuple[Document, ...]:
        return cast(tuple[Document, ...], self._ask("rebuild_knowledge"))

    def audit(self, project_id: str) -> tuple[AuditRow, ...]:
        return cast(tuple[AuditRow, ...], self._ask("audit", project_id))

    def transcript(self, thread: str) -> tuple[TranscriptRow, ...]:
        return cast(tuple[TranscriptRow, ...], self._ask("transcript", thread))


@contextmanager
def open_client(settings: Settings) -> Iterator[Client]:
    """The home's owner: this process for as long as the block runs, or the one that owns it already."""
    lock = HomeLock(settings.home)
    if not lock.acquire():
        yield RemoteOwner(_connect(settings, lock))
        return
    try:
        with _owning(settings) as owner:
            yield owner
    finally:
        lock.release()


@contextmanager
def _owning(settings: Settings) -> Iterator[Owner]:
    from agent.bootstrap import build_owner

    owner = build_owner(settings)
    server = Server(socket_path(settings.home), owner, methods(Client, REMOTE))
    owner.start()
    server.start()
    try:
        yield owner
    finally:
        server.stop()
        owner.stop()


def _connect(settings: Settings, lock: HomeLock) -> Connection:
    path = socket_path(settings.home)
    connection = Connection(path, methods(Client, REMOTE))
    if not connection.answers():
        pid = lock.owner()
        raise OwnedElsewhere(
            f"{settings.home} is owned by process {pid or 'unknown'}, which does not answer yet;"
            " try again in a moment, or end that process."
        )
    return connection
