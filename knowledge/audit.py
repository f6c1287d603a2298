"""Catalogue, words and vectors held against their sources, which are read, cut and compared anew."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge import chunk, lexical
from knowledge.catalogue import Catalogue
from knowledge.errors import KnowledgeError
from knowledge.facts import Current, digest_of, project_of
from knowledge.indexer import Indexer, passage_ids
from knowledge.ingest import Source, body_start, read
from knowledge.model import WORKSPACE_AUDIENCE, Audit, Passage
from knowledge.sources import Sources
from knowledge.store import VectorStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SAME = 0.999  # cosine of a vector to itself in half precision


def audit(
    catalogue: Catalogue,
    store: VectorStore,
    sources: Sources,
    indexer: Indexer,
    guides: Mapping[str, Iterable[Path]],
    current: Current | None = None,
) -> Audit:
    """What is missing, what is there without a source, what differs from its source."""
    found = _Found()
    wanted: dict[str, dict[str, tuple[str, Passage]]] = {scope: {} for scope in catalogue.scopes()}
    for scope, source, audience in _sources(sources, guides, found):
        version = indexer.version(source.digest, audience)
        passages = chunk.passages(source.text, source.title, body_start(source.text))
        ids = passage_ids(scope, source.name, version, len(passages))
        wanted.setdefault(scope, {}).update((key, (source.name, p)) for key, p in zip(ids, passages, strict=True))
    for scope, passages_wanted in wanted.items():
        _compare(scope, passages_wanted, catalogue, store, found)
    if current is not None:
        _compare_state(catalogue, current, found)
    return Audit(missing=tuple(found.missing), orphan=tuple(found.orphan), stale=tuple(found.stale))


class _Found:
    def __init__(self) -> None:
        self.missing: list[str] = []
        self.orphan: list[str] = []
        self.stale: list[str] = []


def _sources(
    sources: Sources, guides: Mapping[str, Iterable[Path]], found: _Found
) -> Iterable[tuple[str, Source, str]]:
    for kept in sources.all():
        try:
            yield kept.scope, read(sources.path(kept), kept.name), kept.audience
        except KnowledgeError as error:
            found.missing.append(f"{kept.scope} {kept.name}: its source cannot be read ({error})")
    for scope, paths in guides.items():
        for path in paths:
            yield scope, read(path), WORKSPACE_AUDIENCE


def _compare(
    scope: str, wanted: Mapping[str, tuple[str, Passage]], catalogue: Catalogue, store: VectorStore, found: _Found
) -> None:
    rows = catalogue.passages_of(scope)
    words = lexical.ids(catalogue.connection, scope)
    vectors = store.vectors(scope)
    for place, known in (("catalogue", set(rows)), ("words", words), ("vectors", set(vectors))):
        found.missing += [f"{scope} {wanted[key][0]}: {key} in {place}" for key in sorted(set(wanted) - known)]
        found.orphan += [f"{scope}: {key} in {place}" for key in sorted(known - set(wanted))]
    for key in sorted(set(wanted) & set(rows)):
        name, passage = wanted[key]
        if rows[key] != (name, passage.heading, passage.text, passage.start, passage.end):
            found.stale.append(f"{scope} {name}: {key} in catalogue")
    known_vectors = catalogue.vectors_by_id(scope)
    found.stale += [
        f"{scope}: {key} in vectors"
        for key in sorted(set(vectors) & set(known_vectors))
        if not _alike(vectors[key], known_vectors[key])
    ]


def _alike(first: "NDArray[np.float32]", second: "NDArray[np.float32]") -> bool:
    return len(first) == len(second) and float(first @ second) > _SAME


def _compare_state(catalogue: Catalogue, current: Current, found: _Found) -> None:
    for scope in catalogue.scopes():
        if (project := project_of(scope)) is None:
            continue
        for document in catalogue.documents(scope):
            now = current(project, document.name)
            if now is None:
                found.orphan.append(f"{scope} {document.name}: the project says this no more")
            elif digest_of(now) != document.digest:
                found.stale.append(f"{scope} {document.name}: the project says otherwise now")
