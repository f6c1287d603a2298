"""The only place where objects are wired together."""

import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain.chat_models import init_chat_model
from langchain.embeddings import init_embeddings
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agent.dispatch import Dispatcher, Reporter
from agent.documents import copies
from agent.graph.applier import Applier
from agent.graph.conversation import Conversation
from agent.graph.lifecycle import build
from agent.graph.writer import ModelWriter
from agent.ledger.database import open_database
from agent.ledger.ledger import Ledger
from agent.owner import Owner
from agent.settings import Settings, SlackSettings
from agent.state_index import RENDER, CurrentFacts, StateIndex
from agent.tracking import Tracking
from knowledge.embed import Adapted, Embedder, LangchainEmbeddings, OnnxEmbedder
from knowledge.facts import Current
from knowledge.knowledge import Knowledge
from knowledge.reader import OnnxReader
from knowledge.store import Server
from tools.jobs.engine import LocalEngine
from tools.jobs.environment import waiting
from tools.jobs.launcher import Launcher
from tools.jobs.ledger import JobLedger
from tools.jobs.model import Job, Outcome
from tools.jobs.supervisor import Supervisor
from tools.jobs.warm import WarmHost, preload_list
from tools.registry import DEFAULT, load

if TYPE_CHECKING:
    from agent.slack.serve import Serving
    from agent.slack.service import Paces


class Bell:
    """Rings for whoever subscribed: lets parts that are made one after the other hear of each other."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def ring(self) -> None:
        for listener in self._listeners:
            listener()


def build_owner(settings: Settings, registry: str = DEFAULT) -> Owner:
    """The owner of a home, ready to be started. The caller holds the home's lock.

    `registry` is the import path of the tools, for jobs find them in their own process.
    """
    home = settings.home
    catalogue = load(registry)
    engine = open_database(home / "odyssey.db", durable=settings.durability == "power")
    saver, prune = _checkpoints(home / "checkpoints.db")
    ledger = Ledger(engine)
    bell = Bell()
    applier = Applier(
        ledger,
        build(catalogue, saver),
        prune=lambda project: prune(f"lifecycle:{project}"),
        on_applied=bell.ring,
        follows=(RENDER,),
    )
    reporter = Reporter(ledger, applier.wake)
    tracking = Tracking(home, settings.tracking, lambda key: found.name if (found := ledger.project(key)) else key)

    def ended(job: Job, outcome: Outcome) -> None:
        reporter.outcome(job, outcome)
        tracking.ended(job, outcome)

    supervisor = Supervisor(JobLedger(engine), _engine(settings, registry), catalogue, ended)
    current = CurrentFacts(ledger)
    opened = Bell()
    knowledge = LazyKnowledge(home / "knowledge", settings, current, opened.ring)
    state = StateIndex(ledger, knowledge.peek, current)
    opened.subscribe(state.wake)
    dispatcher = Dispatcher(
        ledger=ledger,
        supervisor=supervisor,
        knowledge=knowledge.open,
        catalogue=catalogue,
        prepared=home / "prepared",
        copies=copies(home),
        threads=settings.threads,
        reporter=reporter,
    )
    model = _chat_model(settings)
    owner = Owner(
        home=home,
        ledger=ledger,
        applier=applier,
        dispatcher=dispatcher,
        supervisor=supervisor,
        knowledge=knowledge,
        state=state,
        catalogue=catalogue,
        converse=lambda desk: Conversation(desk, saver, model=model, prune=prune),
        writer=ModelWriter(model) if model else None,
        price=settings.price,
    )
    bell.subscribe(owner.applied)
    return owner


def _chat_model(settings: Settings) -> Callable[[], BaseChatModel] | None:
    """Makes the configured chat model when a sentence first needs it: its provider's package takes seconds to load."""
    name = settings.model
    if name is None:
        return None
    options: dict[str, Any] = {"timeout": settings.model_timeout, "max_retries": 1}
    if settings.model_url:
        options["base_url"] = settings.model_url

    def make() -> BaseChatModel:
        model: BaseChatModel = init_chat_model(name, **options)
        return model

    return make


def build_embedder(settings: Settings) -> Embedder:
    """The packaged encoder, or the embeddings of langchain that are configured; nothing is loaded or asked yet."""
    name, encoder = settings.embeddings, settings.encoder
    if name is None or encoder is None:
        return OnnxEmbedder(settings.cache / "encoder")
    options: dict[str, Any] = {}
    if settings.embeddings_url:
        options["base_url"] = settings.embeddings_url
        if name.startswith("openai:"):
            options["check_embedding_ctx_length"] = False  # it would send tokens of OpenAI's own, not text

    def make() -> LangchainEmbeddings:
        made: LangchainEmbeddings = init_embeddings(name, **options)
        return made

    return Adapted(make, encoder, reads_chinese=True)


def build_reader(settings: Settings) -> OnnxReader:
    """What reads a passage for whether it answers or carries something; nothing is loaded yet."""
    return OnnxReader(settings.cache / "encoder")


def chroma_server(settings: Settings) -> Server | None:
    """The Chroma server that is configured; without one vectors lie in the home."""
    if settings.chroma_url is None:
        return None
    parts = urlsplit(settings.chroma_url)
    ssl = parts.scheme == "https"
    return Server(str(parts.hostname), parts.port or (443 if ssl else 8000), ssl=ssl)


def _engine(settings: Settings, registry: str) -> LocalEngine:
    own = waiting(settings.slots * settings.threads)
    warm = None
    if settings.warm:
        warm = WarmHost(
            settings.home,
            preload=preload_list(registry),
            registry_path=registry,
            idle_seconds=settings.warm_idle,
            environment=own,
        )
    return LocalEngine(
        settings.home,
        slots=settings.slots,
        warm=warm,
        registry_path=registry,
        environment=own,
        launcher=Launcher(kind=settings.launcher, processes=settings.processes),
    )


def _checkpoints(path: Path) -> tuple[SqliteSaver, Callable[[str], None]]:
    """The saver of all threads, and a way to drop all but the newest checkpoint of a thread."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    saver = SqliteSaver(connection, serde=JsonPlusSerializer(pickle_fallback=False))
    saver.setup()

    def prune(name: str) -> None:
        newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
        with saver.lock:
            for table in ("checkpoints", "writes"):
                connection.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608
                    (name, name),
                )
            connection.commit()

    return saver, prune


class LazyKnowledge:
    """Opens the knowledge store when it is first asked: a status question needs none of its imports."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        current: Current | None = None,
        on_open: Callable[[], None] = lambda: None,
    ) -> None:
        self._current = current
        self._on_open = on_open
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: Knowledge | None = None

    def open(self) -> Knowledge:
        """The open store, its guides indexed. Raises `KnowledgeError`."""
        with self._lock:
            if self._opened is not None:
                return self._opened
            made = self._opened = self._made()
        self._on_open()
        return made

    def peek(self) -> Knowledge | None:
        """The store if it is open; this opens nothing."""
        return self._opened

    def rebuild(self) -> Knowledge:
        """The store with its index made anew from the kept sources, even where it was too damaged to be opened."""
        with self._lock:
            if self._opened is None:
                self._opened = self._made(fresh=True)
            else:
                self._opened.rebuild()
            return self._opened

    def _made(self, *, fresh: bool = False) -> Knowledge:
        opened = Knowledge(
            self._folder,
            build_embedder(self._settings),
            self._settings.cache,
            reader=build_reader(self._settings),
            server=chroma_server(self._settings),
            current=self._current,
            fresh=fresh,
        )
        opened.ensure_guides()
        return opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None


@asynccontextmanager
async def in_slack(
    owner: Owner, settings: Settings, slack: SlackSettings, paces: "Paces | None" = None
) -> AsyncIterator["Serving"]:
    """The owner in Slack for as long as the block runs. Its record is opened once more, beside the other."""
    from agent.slack.serve import serving

    engine = open_database(settings.home / "odyssey.db", durable=settings.durability == "power")
    # At a local workspace sits whoever runs Odyssey.
    owner.confine(None if slack.local else settings.folders)
    try:
        async with serving(owner, engine, settings.home, slack, paces) as running:
            owner.on_change(running.service.changed)
            yield running
    finally:
        engine.dispose()
