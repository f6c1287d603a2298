"""Sources into the two stores and out again, so that a crash at any moment leaves work to finish and never a fault.

The kept source is the record; catalogue and vectors follow it. A change is written down as unfinished first, then the
source changes, then the vectors are added, then the catalogue changes in one transaction (only then is anything new
found, and nothing old any more), then old vectors go. Recovery brings whatever was unfinished to what the source says.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from knowledge import chunk
from knowledge.bridge import glossary_digest, readable
from knowledge.catalogue import SENTENCES, Catalogue
from knowledge.embed import Embedder
from knowledge.errors import KnowledgeError
from knowledge.ingest import Source, body_start, read
from knowledge.model import GUIDE_SCOPES, WORKSPACE_AUDIENCE, Document, Passage
from knowledge.sources import Kept, Sources
from knowledge.store import VectorStore

if TYPE_CHECKING:
    from knowledge.embed import Vectors

INDEX_VERSION = 2  # raise it when passages or vectors are made differently: everything is indexed anew
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source ready to be stored; making it is the slow part and needs no store."""

    scope: str
    source: Source
    version: str
    audience: str
    passages: tuple[Passage, ...]
    ids: tuple[str, ...]
    vectors: "Vectors"  # [passages, dimension]
    kept: tuple[bytes, ...]  # all rows of each passage


class Indexer:
    """Writes to catalogue, vectors and kept sources. Not safe for several threads: its owner holds a lock."""

    def __init__(self, catalogue: Catalogue, store: VectorStore, sources: Sources, embedder: Embedder) -> None:
        self._catalogue = catalogue
        self._store = store
        self._sources = sources
        self._embedder = embedder

    def prepare(self, scope: str, source: Source, audience: str, embedder: Embedder | None = None) -> Prepared:
        """Cut and embed. Safe beside other threads."""
        version = self.version(source.digest, audience)
        passages = tuple(chunk.passages(source.text, source.title, body_start(source.text)))
        ids = passage_ids(scope, source.name, version, len(passages))
        vectors, kept = _embed(passages, embedder or self._embedder)
        return Prepared(scope, source, version, audience, passages, ids, vectors, kept)

    def is_current(self, scope: str, source: Source, audience: str) -> bool:
        return self._catalogue.version(scope, source.name) == self.version(source.digest, audience)

    def put(self, prepared: Prepared, data: bytes | None = None, suffix: str = "", owner: str = "") -> Document:
        """Store a document in place of its older version; `data` is kept as its source, guides are not kept."""
        scope, source = prepared.scope, prepared.source
        before = self._catalogue.document(scope, source.name)
        self._catalogue.begin(scope, source.name)
        number = before.number + 1 if before else 1
        if data is not None:
            earlier = self._sources.get(scope, source.name)
            number = earlier.number + 1 if earlier else number
            self._sources.put(
                Kept(
                    scope=scope,
                    name=source.name,
                    file=self._sources.file_for(scope, source.name, source.digest, suffix),
                    digest=source.digest,
                    number=number,
                    owner=owner,
                    audience=prepared.audience,
                    added=datetime.now(UTC).isoformat(timespec="seconds"),
                ),
                data,
            )
        return self._fill(prepared, number, owner, replaces=before is not None)

    def _fill(self, prepared: Prepared, number: int, owner: str, replaces: bool) -> Document:
        scope, source = prepared.scope, prepared.source
        document = Document(
            scope=scope,
            name=source.name,
            title=source.title,
            digest=source.digest,
            characters=len(source.text),
            passages=len(prepared.passages),
            language=source.language,
            number=number,
            owner=owner,
            audience=prepared.audience,
        )
        self._store.add(scope, source.name, prepared.version, prepared.ids, prepared.vectors, prepared.audience)
        rows = list(zip(prepared.ids, prepared.passages, prepared.kept, strict=True))
        self._catalogue.put(document, prepared.version, source.text, rows)
        if replaces:
            self._store.remove(scope, source.name, keep=prepared.version)
        self._catalogue.finish(scope, source.name)
        return document

    def remove(self, scope: str, name: str) -> None:
        """Forget a document: its source first, so that a crash cannot bring it back; then it is found no more."""
        self._catalogue.begin(scope, name)
        self._sources.remove(scope, name)
        self._catalogue.delete(scope, name)
        self._store.remove(scope, name, keep=None)
        self._catalogue.finish(scope, name)

    def recover(self) -> None:
        """Finish what a crash, a lost store or another version of this index left behind."""
        self._sources.sweep()
        unfinished = self._catalogue.unfinished()
        for scope, name in unfinished:
            self._follow_source(scope, name)
        self._adopt()
        self._renew()
        for kept in self._sources.all():
            if self._catalogue.version(kept.scope, kept.name) is None:
                self._follow_source(kept.scope, kept.name)

    def _follow_source(self, scope: str, name: str) -> None:
        """Bring both stores to what the kept source says; a guide's stores to what the catalogue says."""
        kept = self._sources.get(scope, name)
        version = self._catalogue.version(scope, name)
        if kept is None:
            if scope not in GUIDE_SCOPES.values() and version is not None:
                self._catalogue.delete(scope, name)
                version = None
        elif version != self.version(kept.digest, kept.audience):
            version = self._index_kept(kept, version)
        self._store.remove(scope, name, keep=version)
        self._catalogue.finish(scope, name)

    def _index_kept(self, kept: Kept, version: str | None) -> str | None:
        """Index a kept source anew; the version that is then indexed."""
        try:
            source = read(self._sources.path(kept), kept.name)
        except KnowledgeError:
            log.exception("The kept source %s of %s cannot be read; it is left out", kept.name, kept.scope)
            return version
        prepared = self.prepare(kept.scope, source, kept.audience)
        self._catalogue.begin(kept.scope, kept.name)
        self._fill(prepared, kept.number, kept.owner, replaces=False)
        return prepared.version

    def _adopt(self) -> None:
        """Keep the text of documents from before sources were kept."""
        for scope in self._catalogue.scopes():
            if scope in GUIDE_SCOPES.values():
                continue
            for document in self._catalogue.documents(scope):
                if self._sources.get(scope, document.name) is None:
                    data = self._catalogue.text(scope, document.name).encode()
                    digest = "sha256:" + hashlib.sha256(data).hexdigest()
                    file = self._sources.file_for(scope, document.name, digest, ".md")
                    kept = Kept(
                        scope=scope, name=document.name, file=file, digest=digest, number=document.number,
                        owner=document.owner, audience=document.audience,
                    )  # fmt: skip
                    self._sources.put(kept, data)

    def _renew(self) -> None:
        """Index anew what was indexed by another encoder or another way of cutting."""
        for scope in self._catalogue.scopes():
            documents = self._catalogue.documents(scope)
            old = [
                d for d in documents
                if self._catalogue.version(scope, d.name) != self.version(d.digest, d.audience)
            ]  # fmt: skip
            if not old:
                continue
            self._store.clear(scope)  # vectors of another encoder have another length
            for document in documents:
                if scope in GUIDE_SCOPES.values():
                    self._catalogue.delete(scope, document.name)  # they are indexed from their files
                    self._catalogue.finish(scope, document.name)
                elif kept := self._sources.get(scope, document.name):
                    self._index_kept(kept, None)

    def refill(self) -> None:
        """Fill the vectors of every scope that lost some, from the catalogue."""
        for scope in self._catalogue.scopes():
            _, passages = self._catalogue.count(scope)
            if self._store.count(scope) == passages:
                continue
            self._store.clear(scope)
            for document in self._catalogue.documents(scope):
                ids, vectors = self._catalogue.vectors_of(scope, document.name)
                version = self.version(document.digest, document.audience)
                self._store.add(scope, document.name, version, ids, vectors, document.audience)

    def version(self, digest: str, audience: str = WORKSPACE_AUDIENCE) -> str:
        """Of a document as it is indexed: another encoder, glossary or way of cutting makes another version."""
        parts = (str(INDEX_VERSION), self._embedder.name, glossary_digest(), digest, audience)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def passage_ids(scope: str, name: str, version: str, count: int) -> tuple[str, ...]:
    """The same for the same document and version on every machine."""
    prefix = hashlib.sha256(f"{scope}\0{name}\0{version}".encode()).hexdigest()[:24]
    return tuple(f"{prefix}-{ordinal}" for ordinal in range(count))


def _embed(passages: Sequence[Passage], embedder: Embedder) -> tuple["Vectors", tuple[bytes, ...]]:
    """The passages' vectors for the vector store; for the catalogue all rows of each passage, as bytes."""
    import numpy as np

    headings = [passage.heading.split(chunk.SEPARATOR) for passage in passages]
    texts = [passage.context for passage in passages]
    texts += [names[-1] for names in headings]
    texts += [": ".join(dict.fromkeys((names[0], names[-1]))) for names in headings]
    texts += [sentence.text for passage in passages for sentence in passage.sentences]
    read_as = [readable(text, embedder) for text in texts]
    unique = {text: row for row, text in enumerate(dict.fromkeys(read_as))}  # headings repeat
    vectors = embedder.embed(list(unique))[[unique[text] for text in read_as]]
    count = len(passages)
    kept = []
    position = SENTENCES * count
    for index, passage in enumerate(passages):
        end = position + len(passage.sentences)
        rows = np.vstack([vectors[index : SENTENCES * count : count], vectors[position:end]])
        kept.append(rows.astype(np.float16).tobytes())
        position = end
    return vectors[:count], tuple(kept)
