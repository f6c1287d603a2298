"""The Slack side's record in its own words: deliveries in, messages out, channels and their projects."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Engine

from agent.errors import new_reference
from agent.ledger.deliveries import Arrived, Binding, Deliveries, DeliveryRow
from agent.ledger.messages import Messages, Wanted
from agent.slack.model import Delivery, Message, Place
from tools import digest
from tools.contract import Frozen

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)  # how long a repeated delivery is recognised; Slack repeats one for some minutes
KEPT_REPLIES = timedelta(days=30)


class Waiting(Frozen):
    """A delivery with its number: the order in which a conversation's turns are taken."""

    seq: int
    delivery: Delivery


class SlackStore:
    """Storage with the types of `agent.slack.model`. Thread-safe; calls take about a millisecond."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._deliveries = Deliveries(engine)
        self.outbox = Messages(engine)
        self.now = now
        self._listeners: list[Callable[[], None]] = []

    def on_wanted(self, listener: Callable[[], None]) -> None:
        """Call `listener` (from any thread) whenever there may be something to post."""
        self._listeners.append(listener)

    def ring(self) -> None:
        """Tell the listeners that there may be something to post."""
        for listener in self._listeners:
            listener()

    # --- deliveries ----------------------------------------------------------------------------------------------

    def accept(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Write them down in one transaction; False for one known by its id or by its message."""
        at = self.now()
        return self._deliveries.accept(
            [Arrived(id=d.id, message=d.message, thread=d.thread, at=at, body=d.model_dump_json()) for d in deliveries]
        )

    def waiting(self, after: int = 0) -> tuple[Waiting, ...]:
        """Accepted deliveries numbered above `after` that are not answered, in order, up to 1,000."""
        rows = self._deliveries.waiting(after)
        return tuple(item for row in rows if (item := self._readable(row)) is not None)

    def _readable(self, row: DeliveryRow) -> Waiting | None:
        """The row as a delivery; one that a newer version cannot read is put aside and logged."""
        try:
            return Waiting(seq=row.seq, delivery=Delivery.model_validate_json(row.body))
        except ValidationError:
            log.exception("%s: delivery %s cannot be read and is put aside", new_reference(), row.id)
            self._deliveries.done(row.seq, [], failed=True)
            return None

    def taken(self, seq: int) -> int:
        """Note that its turn begins; how often it did, this time included."""
        return self._deliveries.taken(seq)

    def done(
        self, seq: int, messages: Sequence[Message], bound: tuple[Place, str] | None = None, *, failed: bool = False
    ) -> bool:
        """Mark a delivery answered, put the answer into the outbox and bind its channel, in one transaction.

        `bound` is a place in the channel and the project's id. False, and nothing is written, if it was answered.
        """
        at = self.now()
        bind = Binding(place=_channel(bound[0]).key, project=bound[1], at=at) if bound else None
        done = self._deliveries.done(seq, [_wanted(message, at) for message in messages], bind, failed=failed)
        if done and messages:
            self.ring()
        return done

    def binding(self, place: Place) -> str | None:
        """The id of the project that a place's channel is about."""
        return self._deliveries.bound(_channel(place).key)

    def bindings(self) -> dict[str, str]:
        """Every bound channel (`Place.key`) with its project's id."""
        return self._deliveries.bindings()

    # --- messages ------------------------------------------------------------------------------------------------

    def want(self, messages: Sequence[Message]) -> int:
        """These must stand in Slack: new ones are posted, changed ones updated. How many there were of both."""
        at = self.now()
        changed = self.outbox.want([_wanted(message, at) for message in messages])
        if changed:
            self.ring()
        return changed

    def draft(self, message: Message) -> None:
        """The beginning of an answer; it never replaces the answer itself."""
        if self.outbox.draft(_wanted(message, self.now())):
            self.ring()

    def end_stream(self, message: Message, *, opened: bool) -> None:
        """Hand a streamed message over to the poster.

        `message` is what was told so far; `opened` whether it may stand in Slack.
        """
        wanted = _wanted(message, self.now())
        row = self.outbox.get(message.key)
        unsure = opened and row is not None and row.ts is None
        self.outbox.end_stream(message.key, wanted, "sending" if unsure else "waiting")
        self.ring()

    def clean(self) -> int:
        """Forget what is old enough; how many rows went."""
        now = self.now()
        return self._deliveries.forget(now - KEPT) + self.outbox.forget(now - KEPT_REPLIES)


def _channel(place: Place) -> Place:
    return Place(team=place.team, channel=place.channel)


def _wanted(message: Message, at: datetime) -> Wanted:
    body = message.model_dump_json()
    return Wanted(
        key=message.key,
        place=message.place.key,
        rank=message.rank,
        body=body,
        digest=digest.of_json(message.model_dump(mode="json", exclude={"rank"})),
        once=message.ephemeral_for is not None or message.upload is not None,
        at=at,
    )
