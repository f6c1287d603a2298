"""What is known of a project itself: short texts rendered from its state, one document a key.

They change with every event. A text that is no longer what the state says is never cited: at answer time its digest is
held against the rendering of that moment.
"""

import hashlib
from collections.abc import Callable

from knowledge.catalogue import Indexed
from knowledge.decode import CONTROL

Current = Callable[[str, str], str | None]
"""(project's id, key) to the text as it is rendered now; None where there is none."""

_PREFIX = "state/"


def rendered(text: str) -> bytes:
    """The bytes a rendering is kept as."""
    return CONTROL.sub(" ", text).replace("\r\n", "\n").replace("\r", "\n").encode()


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(rendered(text)).hexdigest()


def project_of(scope: str) -> str | None:
    """The project whose state a scope holds; None for guides and documents."""
    return scope.removeprefix(_PREFIX) if scope.startswith(_PREFIX) else None


def is_current(passage: Indexed, current: Current | None) -> bool:
    """Whether a passage may be cited: any that is not about a project's state, and those that still hold."""
    project = project_of(passage.stored.scope)
    if project is None:
        return True
    now = current(project, passage.stored.source) if current is not None else None
    return now is not None and digest_of(now) == passage.stored.digest
