"""Who installed the Slack app, and conversations found by their name"""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deliveries_thread", "deliveries", ["thread"], unique=False)
    op.create_table(
        "installations",
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("team"),
    )


def downgrade() -> None:
    op.drop_table("installations")
    op.drop_index("ix_deliveries_thread", "deliveries")
