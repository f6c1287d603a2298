"""The owner of a home: the one process that applies events, opens Chroma and watches jobs.

`Owner` is what everybody asks, from the same process or over the socket: the conversation through `Desk`, the
command line and the terminal through `Client`.
"""

import hashlib
import logging
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil
from pydantic import JsonValue

from agent import machine, records
from agent.details import JobRecord
from agent.dispatch import Dispatcher
from agent.documents import keep, named, readable
from agent.errors import Mendable, NotPermitted
from agent.graph.applier import Applier
from agent.graph.audience import alone
from agent.graph.classify import bundled
from agent.graph.conversation import UNSEEN, Conversation, Hearing, Reply, Turn
from agent.graph.desk import JobView, Notice, Outcome
from agent.graph.replies import Audience
from agent.language.detect import Language
from agent.ledger.ledger import AuditRow, Ledger, TranscriptRow
from agent.lifecycle import permissions
from agent.lifecycle.events import SYSTEM, Body, CreateProject
from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Resolved, resolve
from agent.price import Price
from agent.state_index import StateIndex
from agent.views import job_views
from knowledge.answer import Writer
from knowledge.errors import KnowledgeError
from knowledge.ingest import read
from knowledge.knowledge import Knowledge
from knowledge.model import Answer, Audit, Document, Hit, Ingested
from tools.contract import Candidate, Plan, Tool
from tools.data.spec import SCHEME
from tools.jobs.supervisor import Supervisor
from tools.models import known_model

log = logging.getLogger(__name__)
_JOB = re.compile(r"j[0-9]+")
STATE_TIMEOUT = 2.0  # seconds a question waits for the last event's texts; older ones are never cited
AUDIENCE = re.compile(r"project|workspace|channel:[A-Za-z0-9._-]{1,64}")
MOST_PASSAGES = 50
INDEX_TIMEOUT = 600.0  # seconds; a document of five million characters takes minutes on a slow machine
APPLY_TIMEOUT = 60.0  # seconds; an event takes milliseconds, so more means that something is badly wrong


class KnowledgeDoor(Protocol):
    """Opens the knowledge store once, when it is first asked."""

    def open(self) -> Knowledge: ...

    def rebuild(self) -> Knowledge: ...

    def close(self) -> None: ...


class Owner:
    """Implements `Desk` and `Client` on the parts that `agent.bootstrap` wires together."""

    def __init__(
        self,
        *,
        home: Path,
        ledger: Ledger,
        applier: Applier,
        dispatcher: Dispatcher,
        supervisor: Supervisor,
        knowledge: KnowledgeDoor,
        catalogue: Mapping[str, Tool],
        converse: Callable[["Owner"], Conversation],
        writer: Writer | None = None,
        state: StateIndex | None = None,
        price: Price | None = None,
    ) -> None:
        self._home = home
        self._ledger = ledger
        self._applier = applier
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._knowledge = knowledge
        self._catalogue = catalogue
        self._writer = writer
        self._state = state
        self.price = price
        self._news = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self.confine(())
        self._conversation = converse(self)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier owner left: events, effects, jobs."""
        self._applier.start()
        self._dispatcher.start()
        if self._state is not None:
            self._state.start()
        self._supervisor.start()

    def stop(self) -> None:
        """Let go of everything; running jobs run on."""
        self._supervisor.stop()
        self._dispatcher.stop()
        self._applier.stop()
        if self._state is not None:
            self._state.stop()
        self._knowledge.close()

    def warm_up(self) -> None:
        """Load in the background what the first job and the first answer would wait for."""
        self._supervisor.warm_up()
        threading.Thread(target=bundled, name="examples", daemon=True).start()
        threading.Thread(target=self._open_knowledge, name="knowledge", daemon=True).start()

    def _open_knowledge(self) -> None:
        try:
            self._knowledge.open()
        except KnowledgeError:
            # Whoever asks first is told; nobody waits for this thread.
            log.exception("The knowledge store did not open")

    def applied(self) -> None:
        """An event was applied: wake whoever carries out effects or waits for notices."""
        self._dispatcher.wake()
        if self._state is not None:
            self._state.wake()
        with self._news:
            self._news.notify_all()
        for listener in self._listeners:
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every applied event, from the applier's thread: it must not block."""
        self._listeners.append(listener)

    # --- reading -------------------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Mapping[str, Tool]:
        return self._catalogue

    def now(self) -> datetime:
        return datetime.now(UTC)

    def projects(self, actor: str) -> tuple[Project, ...]:
        return tuple(p for p in self._ledger.projects() if permissions.may_see(p, actor))

    def all_projects(self) -> tuple[Project, ...]:
        """Every project, the one touched last first, whoever may see it."""
        return self._ledger.projects()

    def spoken(self, thread: str, actor: str) -> Language:
        """The language a person spoke last in a conversation."""
        return self._conversation.language(thread, actor)

    def asked_in(self, seq: int) -> str | None:
        """The conversation in which event `seq` was asked for."""
        return self._ledger.asked_in(seq)

    def find_project(self, actor: str, name: str) -> Project | None:
        project = self._ledger.project_by_name(name) or self._ledger.project(name)
        return project if project is not None and permissions.may_see(project, actor) else None

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        project = self._ledger.project(project_id)
        if project is None:
            return ()
        progress = {job.id: self._supervisor.progress(job.id) for job in project.active_jobs()}
        return job_views(project, progress, self._catalogue, self.now())

    def job_record(self, job: str) -> JobRecord:
        """What a job's own side left: the end of its log without secrets, its artefacts."""
        return records.job_record(self._supervisor, job)

    def curve(self, job: str) -> Path | None:
        """The picture of a job's curves (PNG), if it drew one."""
        path = self._home / "jobs" / job / "curve.png"
        return path if _JOB.fullmatch(job) and path.is_file() else None

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]:
        found = self._ledger.notices(project_id, after)
        if not found and wait > 0:
            with self._news:
                self._news.wait_for(lambda: bool(self._ledger.notices(project_id, after)), timeout=wait)
            found = self._ledger.notices(project_id, after)
        return tuple(Notice.model_validate(row.model_dump()) for row in found)

    def audit(self, project_id: str) -> tuple[AuditRow, ...]:
        return self._ledger.audit(project_id)

    def transcript(self, thread: str) -> tuple[TranscriptRow, ...]:
        return self._ledger.transcript(thread)

    def plan(
        self, project: Project, tool: str, params: Mapping[str, JsonValue], *, thread: str | None = None
    ) -> tuple[Resolved, Plan]:
        resolved = resolve(project, self._catalogue, tool, params)
        declared = self._catalogue[tool]
        if thread is not None:  # before planning, which may open what is named
            self._check_paths(thread, [resolved.params.get(name) for name in declared.paths])
        plan = declared.plan(declared.parameters.model_validate(resolved.params), resolved.inputs)
        return resolved, machine.checked(plan, psutil.virtual_memory().total)

    def _check_paths(self, thread: str, values: Iterable[JsonValue]) -> None:
        for value in values:
            for path in value if isinstance(value, list) else [value]:
                if path and not str(path).startswith(SCHEME):  # what everybody can have needs no leave
                    self.check_path(thread, str(path))

    def check_path(self, thread: str, path: str) -> None:
        """Raise `NotPermitted` where somebody in this conversation may not name this file or folder.

        Who speaks in a terminal has an account on this machine; who speaks in Slack has none.
        """
        if self._folders is None or not thread.startswith("slack:"):
            return
        if path.startswith("http://"):
            raise NotPermitted(
                f"{path} is not for people in Slack to name: an endpoint of this machine is named at its terminal."
            )
        real = Path(path).expanduser().resolve()
        if not any(real.is_relative_to(folder) for folder in self._folders):
            raise NotPermitted(
                f"{path} is not for people in Slack to name: share the file here in the conversation, or ask whoever"
                " runs Odyssey to allow its folder (ODYSSEY_FOLDERS)."
            )

    def confine(self, folders: Sequence[Path] | None) -> None:
        """The folders that people in Slack may name files of, besides what they shared; None: any."""
        shared = (self._home / "uploads").resolve()
        self._folders: tuple[Path, ...] | None = None if folders is None else (*folders, shared)

    def known_model(self, name: str) -> Candidate:
        return known_model(name)

    def answer(self, question: str, project_id: str | None, audiences: tuple[str, ...] | None = None) -> Answer:
        return self._ready(project_id).answer(question, project_id, self._writer, audiences)

    def _ready(self, project_id: str | None) -> Knowledge:
        """The open store with what the project's events said so far; late rather than never where it is slow."""
        knowledge = self._knowledge.open()
        if self._state is not None and project_id is not None:
            self._state.settle(project_id, STATE_TIMEOUT)
        return knowledge

    def search(self, actor: str, question: str, project_id: str | None, k: int) -> tuple[Hit, ...]:
        """The best `k` passages of the guides and, if a project is named, of what the person may see of it."""
        if not 1 <= k <= MOST_PASSAGES:
            raise Mendable(f"A search gives 1 to {MOST_PASSAGES} passages, not {k}.")
        project = self._ledger.project(project_id) if project_id else None
        if project_id and (project is None or not permissions.may_see(project, actor)):
            raise NotPermitted(f"{actor} has no role in this project, so nothing of it is searched.")
        with _mendable():
            own = alone(project, actor) if project is not None else None
            return tuple(self._ready(project_id).search(question, project_id, k, own))

    def audit_knowledge(self) -> Audit:
        """What the index lacks, has too much or has otherwise than its sources."""
        with _mendable():
            for project in self._ledger.projects():
                self._ready(project.id)
            return self._knowledge.open().audit()

    def rebuild_knowledge(self) -> tuple[Document, ...]:
        """Make the index anew from the kept sources; every document in it then, guides in English first."""
        with _mendable():
            knowledge = self._knowledge.rebuild()
            if self._state is not None:
                self._state.put_all(knowledge)
            documents = [d for project in self._ledger.projects() for d in knowledge.documents(project.id)]
            return (*knowledge.ensure_guides(), *documents)

    # --- acting --------------------------------------------------------------------------------------------------

    def say(
        self,
        actor: str,
        thread: str,
        text: str,
        project: str | None = None,
        *,
        turn: str | None = None,
        fallback: str | None = None,
        seen: str | None = None,
        audience: Audience | None = None,
        tell: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Reply:
        """One turn of a conversation, written to the transcript with its reply.

        `turn` is its id: said again at once it has its effect once and the same reply. `fallback` is the project of the
        place, `seen` the digest of what a pressed card showed, `audience` who hears the reply. `tell` hears a model's
        words as they come; `stop` ends the turn.
        """
        _refuse_system(actor)
        said = Turn(
            actor=actor,
            thread=thread,
            text=text,
            project=project,
            fallback=fallback,
            seen=seen,
            id=turn,
            audience=audience,
        )
        reply = self._conversation.say(said, Hearing(tell=tell, stop=stop))
        told = UNSEEN if reply.data.get("private") else reply.text
        self._ledger.write_turn(thread, reply.project, self.now(), [(actor, text), ("odyssey", told)], turn)
        return reply

    def vote(self, turn: str, actor: str, good: bool, reason: str = "") -> None:
        """Keep a person's vote on the answer of a turn; the last one of a person counts."""
        self._ledger.vote(turn, actor, good, reason, self.now())

    def submit(
        self,
        actor: str,
        project_id: str | None,
        body: Body,
        event_id: str | None = None,
        *,
        thread: str | None = None,
    ) -> Outcome:
        """Accept an event and wait until it is applied; one with the same `event_id` again is the same event.

        Raises `Mendable` if that takes absurdly long.
        """
        _refuse_system(actor)
        if project_id is None and not isinstance(body, CreateProject):
            raise Mendable("Say which project this is for: `use NAME`.")
        event_id = event_id or uuid.uuid4().hex
        # A new project's id follows from its event's, so that the same event again is the same project.
        target = project_id or f"p-{hashlib.sha256(event_id.encode()).hexdigest()[:10]}"
        seq = self._ledger.accept(event_id, target, actor, self.now(), body, thread)
        applied = self._applier.wait_for(seq, APPLY_TIMEOUT)
        if applied is None:
            raise Mendable(f"Request {seq} is accepted and waits; nothing is lost. `status` shows when it is done.")
        return Outcome(seq=seq, accepted=applied.accepted, said=applied.said, project=self._ledger.project(target))

    def add_documents(
        self, actor: str, project_id: str, path: Path, event_id: str | None = None, *, thread: str | None = None
    ) -> tuple[Outcome, ...]:
        project = self._ledger.project(project_id)
        if project is None or not permissions.may(project, actor, "add_document"):
            raise NotPermitted("This project takes documents from its members only.")
        outcomes = []
        for number, file in enumerate(readable(path)):
            one = f"{event_id or uuid.uuid4().hex}:{number}"
            body = keep(self._home, project_id, file, file.name, event_id=one)
            outcomes.append(self.submit(actor, project_id, body, one, thread=thread))
        return tuple(outcomes)

    def ingest(
        self, actor: str, project_id: str, paths: tuple[str, ...], audience: str = "project"
    ) -> tuple[Ingested, ...]:
        """Take files and what is in folders into a project's knowledge, and wait until each is indexed.

        What is wrong with one is said in its outcome, and the others are taken. Raises `Mendable`, `NotPermitted`.
        """
        _refuse_system(actor)
        project = self._ledger.project(project_id)
        if project is None or not permissions.may(project, actor, "add_document"):
            raise NotPermitted("This project takes documents from its members only.")
        if not AUDIENCE.fullmatch(audience):
            raise Mendable(f"There is no audience {audience}; it is project, workspace or channel:ID.")
        files = list(named(Path(path) for path in paths))
        return tuple(self._ingested(actor, project_id, file, name, audience) for name, file in files)

    def _ingested(self, actor: str, project_id: str, file: Path, name: str, audience: str) -> Ingested:
        event_id = uuid.uuid4().hex
        try:
            read(file)
            body = keep(self._home, project_id, file, name, audience, event_id=event_id)
            outcome = self.submit(actor, project_id, body, event_id)
            if not outcome.accepted:
                return Ingested(path=str(file), problem=outcome.said)
            if not self._dispatcher.wait_for(event_id, INDEX_TIMEOUT):
                return Ingested(path=str(file), problem=f"{name} is accepted and still waits to be indexed.")
            found = [d for d in self._knowledge.open().documents(project_id) if d.digest == body.digest]
        except KnowledgeError as error:
            return Ingested(path=str(file), problem=str(error))
        known = next((document for document in found if document.name == name), None)
        problem = "" if known else f"{name} is kept but could not be indexed; `odyssey knowledge rebuild` tries again."
        return Ingested(path=str(file), document=known, problem=problem)


@contextmanager
def _mendable() -> Iterator[None]:
    """What is wrong with the knowledge store, as what is told to people here and over the socket."""
    try:
        yield
    except KnowledgeError as error:
        raise Mendable(str(error)) from None


def _refuse_system(actor: str) -> None:
    """Only the supervisor's own reports carry this name; they do not come through here."""
    if actor.lower() == SYSTEM:
        raise NotPermitted(f"{actor} is Odyssey itself; speak under a name of your own (--as NAME).")
