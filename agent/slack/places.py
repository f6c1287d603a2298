"""Where a board's messages stand: in the conversation something was asked for in, else in its project's channels."""

from collections.abc import Mapping, Sequence

from agent.language.detect import Language
from agent.slack.model import Assistant, Place
from tools.contract import Frozen


class Spot(Frozen):
    """One place for a card. In a channel that is only bound, old things are not shown any more."""

    place: Place
    bound: bool = False  # nobody asked here: the channel is about the project

    @property
    def suffix(self) -> str:
        """What tells the keys of one card's copies apart."""
        return f"@{self.place.channel}" if self.bound else ""

    @property
    def threaded(self) -> bool:
        """Whether what follows the card stands beside it: in a thread, or in a direct message."""
        return self.place.thread_ts is not None or direct(self.place)

    def below(self, card: str | None) -> Place | None:
        """Where what follows the card stands; None while the card it belongs under has no timestamp yet."""
        if self.threaded:
            return self.place
        return self.place.model_copy(update={"thread_ts": card}) if card else None


def number_of(job: str) -> int:
    """Of the event that a job was asked for by."""
    return int(job.removeprefix("j"))


def direct(place: Place) -> bool:
    return place.channel.startswith("D")


class Spots:
    """Finds spots; what was asked where, and in what language, never changes, so each is looked up once."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._asked: dict[int, Place | None] = {}
        self._spoken: dict[int, Language] = {}

    def of_job(self, job: str, channels: Sequence[Place]) -> tuple[Spot, ...]:
        asked = self._asked_in(number_of(job))
        return (Spot(place=asked),) if asked else _bound(channels)

    def of_approval(self, number: int, channels: Sequence[Place]) -> tuple[Spot, ...]:
        """One asked for in a direct message also stands in the project's channels: those who decide do not see the
        other."""
        asked = self._asked_in(number)
        if asked is None:
            return _bound(channels)
        return (Spot(place=asked), *(_bound(channels) if direct(asked) else ()))

    def language(self, seq: int, actor: str) -> Language:
        """What `actor` spoke where event `seq` was asked for."""
        if seq not in self._spoken:
            thread = self._assistant.asked_in(seq)
            self._spoken[seq] = self._assistant.spoken(thread, actor) if thread else "en"
        return self._spoken[seq]

    def _asked_in(self, seq: int) -> Place | None:
        if seq not in self._asked:
            self._asked[seq] = Place.of(self._assistant.asked_in(seq))
        return self._asked[seq]


def _bound(channels: Sequence[Place]) -> tuple[Spot, ...]:
    return tuple(Spot(place=place, bound=True) for place in channels)


def channels_by_project(bindings: Mapping[str, str]) -> dict[str, tuple[Place, ...]]:
    """The channels of each project's id, from the project's id of each channel's key; always in the same order."""
    found: dict[str, tuple[Place, ...]] = {}
    for key, project in sorted(bindings.items()):
        if (place := Place.of(key)) is not None:
            found[project] = (*found.get(project, ()), place)
    return found
