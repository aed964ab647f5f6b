"""Tombstones of shredded data keys, so that a lost key is never taken for a forgotten one; and what keys look like."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column that most rows leave empty, and a table of two rows."""
    op.add_column("data_key", sa.Column("forgotten_at", UTCDateTime(), nullable=True))
    op.create_table(
        "key_check",
        sa.Column("setting", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("setting", name=op.f("pk_key_check")),
    )


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_table("key_check")
    op.drop_column("data_key", "forgotten_at")
