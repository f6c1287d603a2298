"""Alembic's environment: the connection is handed in by `agent.ledger.database.migrate`."""

from alembic import context
from sqlalchemy import Connection

from agent.ledger import slack_tables  # noqa: F401  # its tables are in the same metadata
from agent.ledger.tables import metadata
from tools.jobs.ledger import metadata as job_metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[metadata, job_metadata],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
