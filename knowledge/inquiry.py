"""A question put to everything the asker may see: where it is looked up, what may be cited, how sure the gate is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from knowledge.catalogue import Catalogue
from knowledge.facts import Current, is_current
from knowledge.gate import CONSIDERED, THRESHOLD, Gate
from knowledge.model import GUIDE_SCOPES, GUIDES, WORKSPACE_AUDIENCE, Language, project_scope, state_scope
from knowledge.query import Query
from knowledge.retrieve import Found, Retriever

AS_WELL = 0.85  # of a passage's score: translations of one section score about alike, other sections lower


@dataclass(frozen=True, slots=True)
class Consulted:
    """What a question found. `hidden` counts documents that answer it but are not for everybody here."""

    query: Query
    found: tuple[Found, ...]
    confidence: float
    hidden: int
    scopes: tuple[str, ...]


def scopes_of(catalogue: Catalogue, project_id: str | None, language: Language) -> list[str]:
    """A project's documents and its state, if one is named, and the guides in the question's language.

    English questions are read in the Chinese guides only if these have a page of their own; Chinese ones in both, for
    the encoder knows more English.
    """
    own = [] if project_id is None else [project_scope(project_id), state_scope(project_id)]
    english, chinese = (catalogue.names(GUIDE_SCOPES[code]) for code in ("en", "zh"))
    both = chinese if language == "zh" else chinese - english
    return [*own, GUIDES, *([GUIDE_SCOPES["zh"]] if both else [])]


def consult(
    retriever: Retriever,
    catalogue: Catalogue,
    gate: Gate,
    question: str,
    project_id: str | None,
    audiences: Collection[str] | None = None,
    current: Current | None = None,
) -> Consulted:
    """Look a question up. `audiences` names who listens; without it everything of the project may be cited."""
    query = retriever.read(question)
    scopes = scopes_of(catalogue, project_id, query.language)
    allowed = None if audiences is None else sorted({*audiences, WORKSPACE_AUDIENCE})
    found = _current(retriever.search(query, scopes, allowed), current)
    hidden = _hidden(retriever, catalogue, gate, query, scopes, allowed, current) if allowed is not None else 0
    return Consulted(
        query, tuple(_in_language(found, query.language)), gate.confidence(query, found), hidden, tuple(scopes)
    )


def _in_language(found: Sequence[Found], language: Language) -> list[Found]:
    """A guide in another language gives way to the same guide in the question's, where that speaks to it as well."""
    own = GUIDE_SCOPES[language]
    best: dict[str, float] = {}
    for one in found:
        if one.passage.stored.scope == own:
            best.setdefault(one.passage.stored.source, one.score)

    def gives_way(one: Found) -> bool:
        stored = one.passage.stored
        foreign = stored.scope in GUIDE_SCOPES.values() and stored.scope != own
        return foreign and best.get(stored.source, 0.0) >= AS_WELL * one.score

    return sorted(found, key=gives_way)


def _current(found: Sequence[Found], current: Current | None) -> list[Found]:
    return [one for one in found if is_current(one.passage, current)]


def _hidden(
    retriever: Retriever,
    catalogue: Catalogue,
    gate: Gate,
    query: Query,
    scopes: Sequence[str],
    allowed: Sequence[str],
    current: Current | None,
) -> int:
    """How many documents answer the question that not everybody here may see; nothing else is told of them."""
    closed = [scope for scope in scopes if catalogue.count(scope) != catalogue.count(scope, allowed)]
    if not closed:
        return 0
    unseen = [f for f in retriever.search(query, closed) if f.passage.stored.audience not in allowed]
    unseen = _current(unseen, current)[:CONSIDERED]
    if gate.confidence(query, unseen) < THRESHOLD:
        return 0
    return len({(f.passage.stored.scope, f.passage.stored.source) for f in unseen if f.score >= 0.9 * unseen[0].score})
