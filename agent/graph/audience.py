"""Who hears an answer, and so what may be cited in it."""

from agent.graph.replies import Audience
from agent.lifecycle.project import Project
from knowledge.model import CHANNEL_AUDIENCE, PROJECT_AUDIENCE


def alone(project: Project, actor: str, place: Audience | None = None) -> tuple[str, ...]:
    """What a person with a role in the project may see: its own, what they gave themselves, this channel's."""
    given = {document.audience for document in project.documents.values() if document.by == actor}
    here = {f"{CHANNEL_AUDIENCE}{place.channel}"} if place is not None and not place.direct else set()
    return tuple(sorted({PROJECT_AUDIENCE} | given | here))


def everybody(project: Project, place: Audience, home: str | None) -> tuple[str, ...]:
    """What everybody in a channel may see: this channel's, and the project's own where the channel is its home.

    `home` is the id of the project that the channel was given to; its boards are shown there, too.
    """
    own = (PROJECT_AUDIENCE,) if home == project.id else ()
    return (f"{CHANNEL_AUDIENCE}{place.channel}", *own)
