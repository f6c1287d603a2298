"""Who looks at an App Home now, and whose is out of date. Slack says when one is opened, never when it is left."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue

from tools import digest

View = dict[str, JsonValue]

LOOKING = timedelta(minutes=30)  # how long somebody counts as looking after opening it
PAUSE = timedelta(seconds=3)  # between two publications to one person
MOST = 200  # people


@dataclass
class _Open:
    opened: datetime
    published: datetime
    digest: str
    projects: frozenset[str]  # ids it showed
    changed: bool = field(default=False)


class Homes:
    """Keeps no view, only what it takes to know whether one is out of date. Not for several threads at a time."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def opened(self, actor: str, view: View, projects: Collection[str], now: datetime) -> None:
        """Somebody opened their App Home and was shown `view` of these projects."""
        self._open.pop(actor, None)
        self._open[actor] = _Open(now, now, _content(view), frozenset(projects))
        if len(self._open) > MOST:
            del self._open[next(iter(self._open))]

    def touched(self, project: str, members: Collection[str]) -> None:
        """A project changed: everybody who sees it, or was shown it, may have to be shown another board."""
        for actor, seen in self._open.items():
            seen.changed = seen.changed or actor in members or project in seen.projects

    def waiting(self) -> bool:
        return any(seen.changed for seen in self._open.values())

    def due(self, view: Callable[[str], tuple[View, Collection[str]]], now: datetime) -> list[tuple[str, View]]:
        """The boards to be shown again now: those that are another than what was shown last, none too often."""
        self._open = {actor: seen for actor, seen in self._open.items() if now - seen.opened < LOOKING}
        found = []
        for actor, seen in self._open.items():
            if not seen.changed or now - seen.published < PAUSE:
                continue
            shown, projects = view(actor)
            seen.changed, seen.projects = False, frozenset(projects)
            if (fresh := _content(shown)) != seen.digest:
                seen.published, seen.digest = now, fresh
                found.append((actor, shown))
        return found


def _content(view: View) -> str:
    """Digest of what a board says, without its last line: that only says as of when."""
    blocks = view.get("blocks")
    return digest.of_json(blocks[:-1] if isinstance(blocks, list) else view)
