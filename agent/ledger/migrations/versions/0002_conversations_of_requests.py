"""Where a request was asked for, turns in the transcript, and votes on answers"""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("thread", sa.String(length=200), nullable=True))
    op.add_column("transcript", sa.Column("turn", sa.String(length=200), nullable=True))
    op.create_index("ix_transcript_turn", "transcript", ["turn"], unique=False)
    op.create_table(
        "votes",
        sa.Column("turn", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("turn", "actor"),
    )


def downgrade() -> None:
    op.drop_table("votes")
    op.drop_index("ix_transcript_turn", "transcript")
    op.drop_column("transcript", "turn")
    op.drop_column("inbox", "thread")
