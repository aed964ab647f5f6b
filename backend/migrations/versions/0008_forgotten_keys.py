"""A data key that was shredded leaves a row that says when, so that a lost key is never taken for a forgotten one."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column that most rows leave empty."""
    op.add_column("data_key", sa.Column("forgotten_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_column("data_key", "forgotten_at")
