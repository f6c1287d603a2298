"""What lives for minutes and need not survive a restart: triggers, response addresses, ephemeral messages."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent.workspace.errors import Refused
from agent.workspace.limits import Limits
from agent.workspace.store import Doc

Item = TypeVar("Item")
KEPT = 5_000  # of each kind; the oldest go first


@dataclass
class Trigger:
    """The right to open one modal, born of a person's action."""

    person: str
    made: float
    view: str | None  # the modal it was pressed in: views.push stands on it
    used: bool = False


@dataclass
class Hook:
    """Where a response_url leads: five answers within thirty minutes."""

    person: str
    channel: str
    made: float
    thread_ts: str | None = None
    message_ts: str | None = None  # what replace_original and delete_original mean
    ephemeral: bool = False
    uses: int = 0


class Kept(Generic[Item]):
    """A bounded dict by a secret key."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, Item] = OrderedDict()

    def add(self, key: str, item: Item) -> str:
        self._items[key] = item
        while len(self._items) > KEPT:
            self._items.popitem(last=False)
        return key

    def get(self, key: str) -> Item | None:
        return self._items.get(key)

    def pop(self, key: str) -> Item | None:
        return self._items.pop(key, None)


@dataclass
class Transient:
    """`now` is monotonic seconds."""

    limits: Limits
    now: Callable[[], float]
    triggers: Kept[Trigger] = field(default_factory=Kept)
    hooks: Kept[Hook] = field(default_factory=Kept)
    ephemerals: Kept[Doc] = field(default_factory=Kept)

    def trigger(self, person: str, view: str | None = None) -> str:
        key = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        return self.triggers.add(key, Trigger(person, self.now(), view))

    def use_trigger(self, key: str) -> Trigger:
        """Refused: invalid_trigger_id, trigger_expired, trigger_exchanged."""
        found = self.triggers.get(key)
        if found is None:
            raise Refused("invalid_trigger_id")
        if found.used:
            raise Refused("trigger_exchanged")
        if self.now() - found.made > self.limits.trigger_life_s:
            raise Refused("trigger_expired")
        found.used = True
        return found

    def hook(self, hook: Hook) -> str:
        """The secret end of a response_url."""
        return self.hooks.add(secrets.token_urlsafe(24), hook)

    def use_hook(self, key: str) -> Hook:
        """Refused: used_url when it is spent, expired_url when it is old, invalid_url."""
        found = self.hooks.get(key)
        if found is None:
            raise Refused("invalid_url")
        if self.now() - found.made > self.limits.response_url_life_s:
            raise Refused("expired_url")
        if found.uses >= self.limits.response_url_uses:
            raise Refused("used_url")
        found.uses += 1
        return found

    def keep_ephemeral(self, message: Doc) -> None:
        self.ephemerals.add(f"{message['channel']}:{message['ts']}", message)

    def ephemeral(self, channel: str, ts: str) -> Doc | None:
        return self.ephemerals.get(f"{channel}:{ts}")

    def drop_ephemeral(self, channel: str, ts: str) -> Doc | None:
        return self.ephemerals.pop(f"{channel}:{ts}")
