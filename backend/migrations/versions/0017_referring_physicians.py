"""Who referred a patient: a name and a telephone number, sealed like everything that names somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SEALED = ("physician_name_sealed", "physician_phone_sealed")


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    for column in SEALED:
        op.add_column("patient", sa.Column(column, sa.Text(), nullable=True))


def downgrade() -> None:
    """Takes away what was added."""
    for column in reversed(SEALED):
        op.drop_column("patient", column)
