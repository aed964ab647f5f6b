"""Attempts to learn how a patient is, who was lost to follow-up, and numbers that a person found to be wrong."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import UTCDateTime
from backend.migrations import append_only

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ATTEMPT, LOST, STOP = "contact_attempt", "lost_to_follow_up", "number_stop"
APPEND_ONLY = (ATTEMPT,)
OF_PATIENT = {"patient_id": "patient", "site_id": "site"}


def upgrade() -> None:
    """Only adds, and lets a number be stopped by a person's word: code already running does not notice."""
    _make(
        ATTEMPT,
        OF_PATIENT | {"caregiver_id": "caregiver", "work_item_id": "work_item"},
        *(sa.Column(name, UTCDateTime(), nullable=False) for name in ("tried_at", "recorded_at")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("channel", "person", "outcome")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("name_sealed", "relation_sealed", "note_sealed")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("as_of", "agenda_key")),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
    )
    op.create_index("ix_contact_attempt_patient_id_tried_at", ATTEMPT, ["patient_id", "tried_at"])
    _make(
        LOST,
        OF_PATIENT,
        sa.Column("last_known_alive", sa.Date(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("reason_sealed", "ended_because_sealed")),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("recorded_by", "ended_by")),
    )
    for table in APPEND_ONLY:
        append_only.guard(table)
    with op.batch_alter_table(STOP) as batch:
        batch.alter_column("refused_attempt", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    """Takes away what was added. A stop by a person's word cannot be kept."""
    op.execute("DELETE FROM number_stop WHERE refused_attempt IS NULL")
    with op.batch_alter_table(STOP) as batch:
        batch.alter_column("refused_attempt", existing_type=sa.Uuid(), nullable=False)
    for table in (LOST, ATTEMPT):
        op.drop_table(table)


def _make(table: str, references: Mapping[str, str], *columns: sa.Column[Any]) -> None:
    optional = references.keys() - OF_PATIENT.keys()
    op.create_table(
        table,
        *columns,
        *(sa.Column(name, sa.Uuid(), nullable=name in optional) for name in references),
        sa.Column("id", sa.Uuid(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}"))
            for name, other in references.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for name in references:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
