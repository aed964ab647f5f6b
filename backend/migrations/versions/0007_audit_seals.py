"""The audit trail's seals: one hash chain a site, and one for the study. A seal may only be added."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The heads, which move on, and the seals, which do not."""
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("sealed_at", UTCDateTime(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seal_entry_id")),
    )
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for act in ("update", "delete"):
        guard = (
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            if is_postgres
            else "BEGIN SELECT RAISE(ABORT, 'audit_seal is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER audit_seal_no_{act} BEFORE {act.upper()} ON audit_seal {guard}")
    if is_postgres:
        op.execute(
            "CREATE TRIGGER audit_seal_no_truncate BEFORE TRUNCATE ON audit_seal "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_table("audit_seal")
    op.drop_table("audit_chain")
