"""People's names as Slack shows them, in place of the ids that Odyssey keeps."""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

from agent.graph.requests import SLACK_PERSON

log = logging.getLogger(__name__)

LIFE = 3600.0  # seconds until a name is asked for again
LIFE_OF_UNKNOWN = 300.0  # seconds until somebody whom Slack did not know is asked for again
MOST = 5_000  # names kept
AT_ONCE = 4  # questions under way; users.info is Tier 4, about 100 a minute

_PERSON = re.compile(rf"(?<![\w.-]){SLACK_PERSON}(?![\w-])")
_SHOWN = re.compile(rf"`[^`\n]*`|(?P<person>{_PERSON.pattern})")  # code is there to be typed: it keeps the ids
_MARKUP = re.compile(r"[<>&*_~`|@#!\[\](){}\\]")  # nothing in a name may become a mention, a link or a style

Lookup = Callable[[str | None, str], Awaitable[str | None]]  # team (None: the only one) and user id; None: nobody


class People:
    """Names by id: `names(text)` replaces the ids of known people; `learn` asks Slack for those not known yet.

    Bounded, and each name is asked for again in time. An id that Slack does not know stays as it is.
    """

    def __init__(self, lookup: Lookup, clock: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._names: OrderedDict[str, tuple[str | None, float]] = OrderedDict()  # until when it holds
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    def __call__(self, text: str) -> str:
        """The text with ids of known people replaced by their names, save in `code`. From any thread."""
        return _SHOWN.sub(self._shown, text)

    def _shown(self, found: re.Match[str]) -> str:
        known = self._names.get(found["person"] or "")
        return (known[0] if known else None) or found[0]

    async def learn(self, *texts: str) -> None:
        """Ask for everybody whom the texts mention and whose name is not known. Never raises."""
        await asyncio.gather(*(self._asked(person) for person in self._unknown(texts)))

    def _unknown(self, texts: Iterable[str]) -> list[str]:
        found = dict.fromkeys(match[0] for text in texts for match in _PERSON.finditer(text))
        now = self._clock()
        return [person for person in found if person not in self._names or self._names[person][1] < now]

    def _asked(self, person: str) -> asyncio.Task[None]:
        """One question a person at a time, however many wait for it."""
        task = self._under_way.get(person)
        if task is None:
            task = self._under_way[person] = asyncio.create_task(self._ask(person))
            task.add_done_callback(lambda _: self._under_way.pop(person, None))
        return task

    async def _ask(self, person: str) -> None:
        team, _, user = person.rpartition(".")
        async with self._gate:
            name = await self._lookup(team or None, user)
        self._keep(person, name)

    def _keep(self, person: str, name: str | None) -> None:
        old = self._names.pop(person, (None, 0.0))[0]
        life = LIFE if name else LIFE_OF_UNKNOWN
        self._names[person] = (name or old, self._clock() + life)
        while len(self._names) > MOST:
            self._names.popitem(last=False)


def display_name(user: object) -> str | None:
    """The name Slack shows for a `users.info` user: the display name, else the real one, else the handle."""
    if not isinstance(user, dict):
        return None
    profile = user.get("profile")
    shown = profile if isinstance(profile, dict) else {}
    for name in (shown.get("display_name"), shown.get("real_name"), user.get("real_name"), user.get("name")):
        if isinstance(name, str) and (plain := _plain(name)):
            return plain
    return None


def _plain(name: str) -> str:
    """A name people chose for themselves, without anything that would be read as markup."""
    bare = "".join(character if character.isprintable() else " " for character in _MARKUP.sub("", name))
    return " ".join(bare.split())[:80]
