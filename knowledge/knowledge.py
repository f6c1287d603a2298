"""The one door to what is known: guides, documents and a project's state in, passages and cited answers out."""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import IO

from knowledge import ingest
from knowledge.answer import Writer, compose, hit, searched
from knowledge.audit import audit
from knowledge.catalogue import Catalogue
from knowledge.embed import Embedder, Remembered
from knowledge.errors import Busy, KnowledgeError, NotFound
from knowledge.facts import Current, rendered
from knowledge.fitted import fitted, key_of
from knowledge.gate import Doorkeeper
from knowledge.ground import Checker
from knowledge.indexer import Indexer
from knowledge.inquiry import Consulted, consult
from knowledge.model import (
    CHANNEL_AUDIENCE,
    GUIDE_SCOPES,
    PROJECT_AUDIENCE,
    WORKSPACE_AUDIENCE,
    Answer,
    Audit,
    Document,
    Hit,
    Ingested,
    project_scope,
    state_scope,
)  # fmt: skip
from knowledge.reader import Reader
from knowledge.retrieve import Retriever
from knowledge.sources import Sources
from knowledge.store import Server, VectorStore

BUNDLED = Path(__file__).parent / "guides"
_CATALOGUE = "knowledge.sqlite"


class Knowledge:
    """Guides, documents and states in one folder. One process opens it; its threads may share this object.

    `cache` is a folder where the vectors of the guides are kept, so that the next folder on this machine has its guides
    at once, and what was calibrated for the encoder. `reader` reads what would be quoted or is written, for a second
    opinion on whether it answers the question or holds. `server` names a Chroma server, otherwise vectors are in the
    folder. `current` renders a project's state as of now: without it, nothing of a state is cited. `fresh` makes the
    index anew from the kept sources first. Raises `Busy` where another process has the folder open, `Unavailable` where
    the index is damaged.
    """

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        cache: Path | None = None,
        guides: Path = BUNDLED,
        *,
        reader: Reader | None = None,
        server: Server | None = None,
        current: Current | None = None,
        fresh: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = RLock()
        self._held = _hold(folder / "knowledge.lock")
        self._folder = folder
        self._embedder = embedder
        self._guides = guides
        self._cache = cache
        self._vectors = f"guides-{key_of(embedder.name)}.npz"  # in the cache, of each encoder its own
        kept = fitted(embedder.name, cache)
        self._doorkeeper = Doorkeeper(kept.gate, reader, kept.weighings.answers)
        self._checker = Checker(embedder, kept.judge, reader, kept.weighings.supports)
        self._current = current
        self._sources = Sources(folder / "sources")
        self._store = VectorStore(
            replace(server, home=server.home or _identity(folder)) if server else folder / "chroma"
        )
        try:
            if fresh:
                self._wipe()
            self._open()
        except KnowledgeError:
            self._store.close()
            self._held.close()
            raise

    def _open(self) -> None:
        self._store.check()
        self._catalogue = Catalogue(self._folder / _CATALOGUE)
        self._retriever = Retriever(self._catalogue, self._store, self._embedder)
        self._indexer = Indexer(self._catalogue, self._store, self._sources, self._embedder)
        self._complete = False  # whether the vectors were counted
        self._indexer.recover()

    def _wipe(self) -> None:
        self._store.wipe()
        for file in self._folder.glob(f"{_CATALOGUE}*"):
            file.unlink()

    @property
    def retriever(self) -> Retriever:
        """The search itself, for measuring it; hold no other thread's call meanwhile."""
        self._complete_vectors()
        return self._retriever

    # --- sources ---------------------------------------------------------------------------------------------------

    def ensure_guides(self) -> list[Document]:
        """Index the bundled guides; those that have not changed are left alone. Those in English are returned."""
        with self._lock:
            remembered = Remembered(self._embedder, self._cache / self._vectors) if self._cache else None
            for scope, paths in self._guide_files().items():
                sources = [ingest.read(path) for path in paths]
                for source in sources:
                    if not self._indexer.is_current(scope, source, WORKSPACE_AUDIENCE):
                        self._indexer.put(self._indexer.prepare(scope, source, WORKSPACE_AUDIENCE, remembered))
                for gone in self._catalogue.names(scope) - {source.name for source in sources}:
                    self._indexer.remove(scope, gone)
            if remembered:
                remembered.save()
            return self._catalogue.documents(GUIDE_SCOPES["en"])

    def _guide_files(self) -> dict[str, list[Path]]:
        return {
            GUIDE_SCOPES["en"]: sorted(self._guides.glob("*.md")),
            GUIDE_SCOPES["zh"]: sorted((self._guides / "zh").glob("*.md")),
        }

    def ingest(
        self, project_id: str, path: Path, name: str | None = None, owner: str = "", audience: str = PROJECT_AUDIENCE
    ) -> Document:
        """Take in a document of a project; one of the same name is replaced. Raises `Refused` or `NotFound`.

        `audience` says who may see it: `project`, `workspace` or `channel:ID`.
        """
        _check_audience(audience)
        source = ingest.read(path, name)
        scope = project_scope(project_id)
        with self._lock:
            known = self._catalogue.document(scope, source.name)
            if known is not None and self._indexer.is_current(scope, source, audience):
                return known
        prepared = self._indexer.prepare(scope, source, audience)  # slow: others may ask meanwhile
        data = path.read_bytes()
        if "sha256:" + hashlib.sha256(data).hexdigest() != source.digest:
            return self.ingest(project_id, path, name, owner, audience)  # it was written to meanwhile
        with self._lock:
            return self._indexer.put(prepared, data, path.suffix.lower(), owner)

    def ingest_all(
        self, project_id: str, paths: Iterable[Path], owner: str = "", audience: str = PROJECT_AUDIENCE
    ) -> tuple[Ingested, ...]:
        """Take in files and what is in folders; what is wrong with one is said and the others are taken."""
        outcomes = []
        for path in ingest.files_at(paths):
            try:
                outcomes.append(
                    Ingested(path=str(path), document=self.ingest(project_id, path, owner=owner, audience=audience))
                )
            except KnowledgeError as error:
                outcomes.append(Ingested(path=str(path), problem=str(error)))
        return tuple(outcomes)

    def delete(self, project_id: str, name: str) -> None:
        """Forget a document and every passage of it. Raises `NotFound`."""
        with self._lock:
            if self._catalogue.version(project_scope(project_id), name) is None:
                raise NotFound(f"There is no document {name} in this project; list them to see their names.")
            self._indexer.remove(project_scope(project_id), name)

    def documents(self, project_id: str) -> list[Document]:
        """A project's own documents by name."""
        with self._lock:
            return self._catalogue.documents(project_scope(project_id))

    def put_facts(self, project_id: str, facts: Mapping[str, str | None]) -> None:
        """Keep one text a key of what a project's state says; an older one is gone at once, None removes a key."""
        scope = state_scope(project_id)
        for key, text in facts.items():
            data = rendered(text) if text is not None else b""
            with self._lock:
                if not any(character.isalnum() for character in data.decode()):
                    if self._catalogue.version(scope, key) is not None:
                        self._indexer.remove(scope, key)
                    continue
                source = ingest.parse(data, "markdown", key)
                if not self._indexer.is_current(scope, source, PROJECT_AUDIENCE):
                    self._indexer.put(self._indexer.prepare(scope, source, PROJECT_AUDIENCE), data, ".md")

    def facts(self, project_id: str) -> dict[str, str]:
        """The texts that are kept of a project's state, by key."""
        with self._lock:
            scope = state_scope(project_id)
            return {d.name: self._catalogue.text(scope, d.name) for d in self._catalogue.documents(scope)}

    def text(self, scope: str, source: str) -> str:
        """The text a source was read to, into which citations point; empty if there is no such source."""
        with self._lock:
            return self._catalogue.text(scope, source)

    # --- questions -------------------------------------------------------------------------------------------------

    def search(
        self, question: str, project_id: str | None = None, k: int = 5, audiences: Collection[str] | None = None
    ) -> list[Hit]:
        """The best passages of the guides and, if a project is named, of its documents and its state."""
        with self._lock:
            return [hit(found) for found in self._consult(question, project_id, audiences).found[:k]]

    def passages(
        self, question: str, project_id: str, k: int = 5, audiences: Collection[str] | None = None
    ) -> list[Hit]:
        """The best passages of the project's own documents."""
        with self._lock:
            self._complete_vectors()
            allowed = None if audiences is None else [*audiences, WORKSPACE_AUDIENCE]
            query = self._retriever.read(question)
            found = self._retriever.search(query, [project_scope(project_id)], allowed)
            return [hit(one) for one in found[:k]]

    def answer(
        self,
        question: str,
        project_id: str | None = None,
        writer: Writer | None = None,
        audiences: Collection[str] | None = None,
    ) -> Answer:
        """Answer with citations, or abstain and say what was searched.

        `audiences` are those everybody who listens belongs to (`project`, `channel:ID`; `workspace` goes without
        saying): only what they may see is cited, and what else answers the question is counted in `hidden`.
        """
        with self._lock:
            consulted = self._consult(question, project_id, audiences)
            allowed = None if audiences is None else [*audiences, WORKSPACE_AUDIENCE]
            counts = {scope: self._catalogue.count(scope, allowed) for scope in consulted.scopes}
        places = searched(counts, consulted.query.language)
        return compose(consulted, places, self._checker, writer)

    def _consult(self, question: str, project_id: str | None, audiences: Collection[str] | None) -> Consulted:
        self._complete_vectors()
        by = self._doorkeeper
        return consult(self._retriever, self._catalogue, by, question, project_id, audiences, self._current)

    # --- soundness -------------------------------------------------------------------------------------------------

    def audit(self) -> Audit:
        """Hold both stores against the sources, read and cut anew."""
        with self._lock:
            self._complete_vectors()
            guides = self._guide_files()
            return audit(self._catalogue, self._store, self._sources, self._indexer, guides, self._current)

    def rebuild(self) -> list[Document]:
        """Make the index anew from the kept sources and the guides; for a damaged one open it `fresh`."""
        with self._lock:
            self._catalogue.close()
            self._wipe()
            self._open()
            return self.ensure_guides()

    def close(self) -> None:
        with self._lock:
            for part in (self._store, self._catalogue, self._held):
                part.close()

    def _complete_vectors(self) -> None:
        """Once: what the vector store lost is filled in from the catalogue."""
        if not self._complete:
            self._indexer.refill()
            self._complete = True


def _check_audience(audience: str) -> None:
    if audience not in {PROJECT_AUDIENCE, WORKSPACE_AUDIENCE} and not audience.startswith(CHANNEL_AUDIENCE):
        raise NotFound(f"There is no audience {audience}; it is project, workspace or channel:ID.")


def _identity(folder: Path) -> str:
    """A name for this folder at a server that others use too; made once."""
    file = folder / "identity"
    if not file.exists():
        file.write_text(uuid.uuid4().hex)
    return file.read_text().strip()


def _hold(path: Path) -> IO[str]:
    """Lock the folder for the life of this process; kill -9 frees it."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise Busy(f"Process {owner} has {path.parent} open; ask through it, or stop it first.") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
