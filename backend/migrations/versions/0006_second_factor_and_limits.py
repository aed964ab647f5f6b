"""A second factor for staff, what a session may be used for, and counted attempts."""

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only additions, and each new column has a value for rows that the version before this one writes."""
    op.create_table(
        "staff_authenticator",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("home_site_id", sa.Uuid(), nullable=True),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("begun_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["home_site_id"], ["site.id"], name=op.f("fk_staff_authenticator_home_site_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_staff_authenticator_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_authenticator")),
    )
    with op.batch_alter_table("staff_authenticator", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_authenticator_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_staff_authenticator_home_site_id"), ["home_site_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("authenticator_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("home_site_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.Column("voided_at", UTCDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authenticator_id"], ["staff_authenticator.id"], name=op.f("fk_recovery_code_authenticator_id")
        ),
        sa.ForeignKeyConstraint(["home_site_id"], ["site.id"], name=op.f("fk_recovery_code_home_site_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_recovery_code_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_recovery_code_fingerprint")),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_code_authenticator_id"), ["authenticator_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recovery_code_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recovery_code_home_site_id"), ["home_site_id"], unique=False)
    op.add_column("staff_session", sa.Column("purpose", sa.Text(), nullable=False, server_default="work"))
    op.add_column("activation_code", sa.Column("wrong_years", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "attempt_count",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt_count")),
    )
    with op.batch_alter_table("attempt_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_count_ends_at"), ["ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_count_about"), ["about"], unique=False)


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_table("attempt_count")
    op.drop_column("activation_code", "wrong_years")
    op.drop_column("staff_session", "purpose")
    op.drop_table("recovery_code")
    op.drop_table("staff_authenticator")
