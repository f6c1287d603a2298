"""Which conversations there have been: those somebody was answered in, or that something was posted in."""

from sqlalchemy import Engine, exists, or_, select

from agent.ledger.slack_tables import deliveries, messages
from agent.ledger.tables import transcript


class Threads:
    """Reads only. May be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def entered(self, thread: str, place: str, root: str | None) -> bool:
        """Whether something was delivered, said or posted in the conversation `thread`.

        `place` is the channel it stands in and `root` the name of the message at its top.
        """
        posted = or_(messages.c.place == thread, (messages.c.place == place) & (messages.c.ts == root))
        query = select(
            or_(
                exists().where(deliveries.c.thread == thread),
                exists().where(transcript.c.thread == thread),
                exists().where(posted),
            )
        )
        with self._engine.begin() as connection:
            return bool(connection.execute(query).scalar())
