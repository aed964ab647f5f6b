"""What is decided about a patient: discontinuations, withdrawals, hospital stays, reversals, moves, calendar feeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ADDED: Mapping[str, Sequence[sa.Column[Any]]] = {
    "patient": (
        sa.Column("agenda_revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("agenda_changed_at", UTCDateTime(), nullable=True),
    ),
    "contact_hold": (
        sa.Column("reason_sealed", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Uuid(), nullable=True),
    ),
    "message": (sa.Column("opened_at", UTCDateTime(), nullable=True),),
}
TABLES = (
    "discontinuation",
    "withdrawal",
    "hospitalisation",
    "reversal",
    "protocol_move",
    "calendar_feed",
    "protocol_effect",
)


def upgrade() -> None:
    """Columns that may be empty or have a default, and tables of their own: code already running does not notice."""
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    unheard = sa.text("answered_at IS NULL AND opened_at IS NULL")
    op.create_index(
        "ix_message_unheard", "message", ["settled_at", "id"], sqlite_where=unheard, postgresql_where=unheard
    )
    _acts()
    _moves()
    _feeds()


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_message_unheard", "message")
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)


def _of_patient(table: str, *columns: sa.Column[Any], more: Sequence[sa.Constraint] = ()) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f(f"fk_{table}_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f(f"fk_{table}_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *more,
    )
    for column in ("patient_id", "site_id"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _by_a_person() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("reason_sealed", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("reversed_at", UTCDateTime(), nullable=True),
        sa.Column("reversed_by", sa.Uuid(), nullable=True),
    )


def _acts() -> None:
    _of_patient(
        "discontinuation",
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        *_by_a_person(),
    )
    _of_patient(
        "withdrawal",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("records_search_allowed", sa.Boolean(), nullable=True),
        *_by_a_person(),
    )
    _of_patient(
        "hospitalisation",
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("admitted_on", sa.Date(), nullable=False),
        sa.Column("discharged_on", sa.Date(), nullable=True),
        *_by_a_person(),
    )
    _of_patient(
        "reversal",
        sa.Column("of_type", sa.Text(), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("signed_at", UTCDateTime(), nullable=False),
    )


def _moves() -> None:
    versions = [
        sa.ForeignKeyConstraint([name], ["protocol_version.id"], name=op.f(f"fk_protocol_move_{name}"))
        for name in ("from_version_id", "to_version_id")
    ]
    _of_patient(
        "protocol_move",
        sa.Column("from_version_id", sa.Uuid(), nullable=False),
        sa.Column("to_version_id", sa.Uuid(), nullable=False),
        sa.Column("moved_on", sa.Date(), nullable=False),
        sa.Column("reconsented_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        more=versions,
    )
    op.create_table(
        "protocol_effect",
        sa.Column("protocol_version_id", sa.Uuid(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("needs_consent", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["protocol_version_id"], ["protocol_version.id"], name=op.f("fk_protocol_effect_protocol_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_effect")),
        sa.UniqueConstraint("protocol_version_id", name=op.f("uq_protocol_effect_protocol_version_id")),
    )


def _feeds() -> None:
    _of_patient(
        "calendar_feed",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("voided_at", UTCDateTime(), nullable=True),
        more=[sa.UniqueConstraint("fingerprint", name=op.f("uq_calendar_feed_fingerprint"))],
    )
