"""When a provider was really called, so that what is in doubt can be looked for among what it says it has."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Attempts of before have none: they are looked for by their words alone."""
    op.add_column("message_attempt", sa.Column("called_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Back to the day that the trial had."""
    with op.batch_alter_table("message_attempt") as batch:
        batch.drop_column("called_at")
