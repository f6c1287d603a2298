"""A question put to everything the asker may see: where it is looked up, what may be cited, how sure the gate is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from knowledge.catalogue import Catalogue
from knowledge.chunk import SEPARATOR
from knowledge.contrast import meaning_of, sides
from knowledge.facts import Current, is_current
from knowledge.gate import CONSIDERED, THRESHOLD, Doorkeeper
from knowledge.model import GUIDE_SCOPES, GUIDES, WORKSPACE_AUDIENCE, Language, project_scope, state_scope
from knowledge.query import Query
from knowledge.retrieve import Found, Retriever
from knowledge.words import terms

WHOLE = 0.99  # share of what is asked in an innermost heading that is all of it
AS_WELL = 0.85  # of a passage's score: translations of one section score about alike, other sections lower


@dataclass(frozen=True, slots=True)
class Consulted:
    """What a question found. `hidden` counts documents that answer it but are not for everybody here; `quoted` are to
    be quoted each, whatever the others score."""

    query: Query
    found: tuple[Found, ...]
    confidence: float
    hidden: int
    scopes: tuple[str, ...]
    quoted: tuple[Found, ...] = ()


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
    gate: Doorkeeper,
    question: str,
    project_id: str | None,
    audiences: Collection[str] | None = None,
    current: Current | None = None,
) -> Consulted:
    """Look a question up. `audiences` names who listens; without it everything of the project may be cited."""
    query = retriever.read(question)
    scopes = scopes_of(catalogue, project_id, query.language)
    allowed = None if audiences is None else sorted({*audiences, WORKSPACE_AUDIENCE})

    def look_up(query: Query) -> tuple[tuple[Found, ...], float]:
        found = _current(retriever.search(query, scopes, allowed), current)
        return tuple(_in_language(found, query.language)), gate.confidence(query, found)

    found, confidence = look_up(query)
    hidden = _hidden(retriever, catalogue, gate, query, scopes, allowed, current) if allowed is not None else 0
    consulted = Consulted(query, found, confidence, hidden, tuple(scopes))
    apart = None if query.present or query.ours else sides(question)
    if apart is None:
        return consulted
    return _of_both(consulted, [look_up(retriever.read(meaning_of(side, question))) for side in apart])


def _of_both(asked: Consulted, meanings: Sequence[tuple[tuple[Found, ...], float]]) -> Consulted:
    """What a comparison found with what each of its two sides is: both are told.

    Only where each has a section of its own, by its heading; a passage that answers the comparison itself comes first.
    """
    own = [[one for one in found[:CONSIDERED] if one.heading >= WHOLE] for found, _ in meanings]
    if not all(own):
        return asked
    shared = {one.passage.stored.id for one in own[0]} & {one.passage.stored.id for one in own[1]}
    main = [one for one in asked.found[:1] if one.passage.stored.id in shared]
    quoted = {one.passage.stored.id: one for one in [*main, *(min(each, key=_besides) for each in own)]}
    rest = [one for one in asked.found if one.passage.stored.id not in quoted]
    confidence = max(asked.confidence, min(sure for _, sure in meanings))
    return replace(asked, found=(*quoted.values(), *rest), confidence=confidence, quoted=tuple(quoted.values()))


def _besides(found: Found) -> int:
    """How much its innermost heading says; of a section that is about one thing alone, the least."""
    return len(set(terms(found.passage.stored.heading.rpartition(SEPARATOR)[2])))


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
    gate: Doorkeeper,
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
