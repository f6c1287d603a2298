"""What the command line and the terminal ask of the owner, in this process or in another one."""

from typing import Protocol

from agent.graph.desk import JobView, Notice, Outcome
from agent.graph.replies import Reply
from agent.ledger.ledger import AuditRow, TranscriptRow
from agent.lifecycle.events import Body
from agent.lifecycle.project import Project
from knowledge.model import Answer, Audit, Document, Hit, Ingested


class Client(Protocol):
    """The owner as others see it."""

    def say(self, actor: str, thread: str, text: str, project: str | None = None) -> Reply: ...

    def projects(self, actor: str) -> tuple[Project, ...]: ...

    def find_project(self, actor: str, name: str) -> Project | None: ...

    def submit(self, actor: str, project_id: str | None, body: Body) -> Outcome: ...

    def jobs(self, project_id: str) -> tuple[JobView, ...]: ...

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]: ...

    def answer(self, question: str, project_id: str | None) -> Answer: ...

    def search(self, actor: str, question: str, project_id: str | None, k: int) -> tuple[Hit, ...]: ...

    def ingest(
        self, actor: str, project_id: str, paths: tuple[str, ...], audience: str = "project"
    ) -> tuple[Ingested, ...]: ...

    def audit_knowledge(self) -> Audit: ...

    def rebuild_knowledge(self) -> tuple[Document, ...]: ...

    def audit(self, project_id: str) -> tuple[AuditRow, ...]: ...

    def transcript(self, thread: str) -> tuple[TranscriptRow, ...]: ...

    def warm_up(self) -> None: ...


# What may be asked over the socket.
REMOTE = (
    "warm_up",
    "say",
    "projects",
    "find_project",
    "submit",
    "jobs",
    "notices",
    "answer",
    "search",
    "ingest",
    "audit_knowledge",
    "rebuild_knowledge",
    "audit",
    "transcript",
)
