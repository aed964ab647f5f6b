"""When a provider was really called, why it refused, numbers of no use, and ways out that refused us as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Table, columns, which rows.
INDEXES: Mapping[str, tuple[str, Sequence[str], str | None]] = {
    "ix_work_item_phone_check": ("work_item", ["key"], "reason = 'check_the_phone'"),
    "ix_message_status": ("message", ["status"], None),
    "ix_message_missed": ("message", ["template"], "status = 'suppressed' AND reason = 'expired'"),
    "ix_message_attempt_called_at": ("message_attempt", ["called_at"], "provider_id IS NOT NULL"),
    "ix_message_attempt_accepted": ("message_attempt", ["settled_at"], "status = 'accepted'"),
    "ix_message_attempt_filtered": ("message_attempt", ["template", "template_version"], "refusal = 'filtered'"),
}


def upgrade() -> None:
    """Attempts of before have no real time of their call: they are looked for by their words alone."""
    op.add_column("message_attempt", sa.Column("called_at", UTCDateTime(), nullable=True))
    op.add_column("message_attempt", sa.Column("refusal", sa.Text(), nullable=True))
    op.add_column("message_attempt", sa.Column("failed_looks", sa.Integer(), nullable=True))
    op.add_column("message_attempt", sa.Column("gateway", sa.Text(), nullable=True))
    for name, (table, columns, where) in INDEXES.items():
        which: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
        op.create_index(name, table, columns, **which)
    _opt_outs()
    _number_stops()
    _breakers()


def _opt_outs() -> None:
    with op.batch_alter_table("opt_out") as batch:
        batch.alter_column("stopped_by", existing_type=sa.Uuid(), nullable=True)
        batch.add_column(sa.Column("refused_attempt", sa.Uuid(), nullable=True))
        batch.create_foreign_key("fk_opt_out_refused_attempt", "message_attempt", ["refused_attempt"], ["id"])
        batch.create_index("ix_opt_out_refused_attempt", ["refused_attempt"])


def _number_stops() -> None:
    op.create_table(
        "number_stop",
        sa.Column("number_index", sa.Text(), nullable=False),
        sa.Column("stopped_at", UTCDateTime(), nullable=False),
        sa.Column("refused_attempt", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_because", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["refused_attempt"], ["message_attempt.id"], name=op.f("fk_number_stop_refused_attempt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_stop")),
    )
    standing = sa.text("lifted_at IS NULL")
    op.create_index("ix_number_stop_number_index", "number_stop", ["number_index"])
    op.create_index("ix_number_stop_refused_attempt", "number_stop", ["refused_attempt"])
    op.create_index(
        "uq_number_stop_number_index",
        "number_stop",
        ["number_index"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def _breakers() -> None:
    op.create_table(
        "gateway_breaker",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=True),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("refused_at", UTCDateTime(), nullable=True),
        sa.Column("next_probe_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_breaker")),
        sa.UniqueConstraint("channel", name=op.f("uq_gateway_breaker_channel")),
    )


def downgrade() -> None:
    """Back to the day that the trial had. A STOP that only the carrier heard stays: it may not be forgotten."""
    op.drop_table("gateway_breaker")
    op.drop_table("number_stop")
    with op.batch_alter_table("opt_out") as batch:
        batch.drop_index("ix_opt_out_refused_attempt")
        batch.drop_constraint("fk_opt_out_refused_attempt", type_="foreignkey")
        batch.drop_column("refused_attempt")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
    with op.batch_alter_table("message_attempt") as batch:
        for column in ("gateway", "failed_looks", "refusal", "called_at"):
            batch.drop_column(column)
