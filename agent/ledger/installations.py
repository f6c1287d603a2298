"""Installations of the Slack app, a row a workspace. Storage only: whoever writes a row has encrypted what it holds."""

from datetime import datetime

from sqlalchemy import Engine, delete, select, update

from agent.ledger.slack_tables import installations


class Installed:
    """Every method is one transaction and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, team: str, body: str, at: datetime) -> None:
        values = {"body": body, "at": at.isoformat()}
        with self._engine.begin() as connection:
            changed = connection.execute(update(installations).where(installations.c.team == team).values(values))
            if changed.rowcount == 0:
                connection.execute(installations.insert().values(team=team, **values))

    def find(self, team: str) -> str | None:
        with self._engine.begin() as connection:
            return connection.execute(select(installations.c.body).where(installations.c.team == team)).scalar()

    def delete(self, team: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(installations).where(installations.c.team == team))

    def all(self) -> dict[str, str]:
        """Every workspace's row."""
        with self._engine.begin() as connection:
            return {row.team: row.body for row in connection.execute(select(installations))}
