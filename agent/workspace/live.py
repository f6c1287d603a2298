"""Who is watching: every change goes at once to the people who can see it."""

import asyncio
from collections.abc import Iterable

from agent.workspace.store import Doc

WAITING = 10_000  # frames kept for one slow watcher; after that it is told to start over


class Watcher:
    """One open page of one person: frames in order, numbered from 1."""

    def __init__(self, person: str) -> None:
        self.person = person
        self._frames: asyncio.Queue[Doc | None] = asyncio.Queue(WAITING)
        self._count = 0

    def put(self, frame: Doc) -> None:
        if self._frames.full():
            self.end()
            return
        self._count += 1
        self._frames.put_nowait({**frame, "n": self._count})

    def end(self) -> None:
        """Nothing more comes. What a full queue still held is lost: the page asks for everything again."""
        while self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(None)

    async def next(self) -> Doc | None:
        """The next frame; None at the end."""
        return await self._frames.get()


class Live:
    """The open pages of everybody."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def watch(self, person: str) -> Watcher:
        watcher = Watcher(person)
        self._watchers.add(watcher)
        watcher.put({"type": "hello", "person": person})
        return watcher

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def tell(self, people: Iterable[str], frame: Doc) -> None:
        chosen = set(people)
        for watcher in [each for each in self._watchers if each.person in chosen]:
            watcher.put(frame)

    def tell_all(self, frame: Doc) -> None:
        for watcher in list(self._watchers):
            watcher.put(frame)

    def close(self) -> None:
        for watcher in list(self._watchers):
            watcher.end()
