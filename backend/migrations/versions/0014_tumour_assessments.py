"""What imaging showed of the tumour."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = "tumour_assessment"


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    op.create_table(
        TABLE,
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("reversed_at", UTCDateTime(), nullable=True),
        sa.Column("reversed_by", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("patient_id", "site_id", "id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_tumour_assessment_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tumour_assessment_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tumour_assessment")),
    )
    for columns in (["patient_id"], ["site_id"], ["patient_id", "assessed_on"]):
        op.create_index(f"ix_tumour_assessment_{'_'.join(columns)}", TABLE, columns)


def downgrade() -> None:
    """Takes away what was added."""
    op.drop_table(TABLE)
