"""Questionnaires asked by text message or on the plain form, former numbers, and what a report's answers came by."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime
from backend.migrations import append_only

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CONVERSATION, ANSWER, FORMER = "conversation", "conversation_answer", "former_number"
APPEND_ONLY = (ANSWER,)
# What is counted week by week.
TEXTS = "channel = 'sms'"
OF_PATIENT = {"patient_id": "patient", "site_id": "site"}


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    _make_conversation()
    _make(
        ANSWER,
        OF_PATIENT | {"conversation_id": CONVERSATION},
        {"inbound_id": "inbound_message"},
        *_texts("item", "channel"),
        *_texts("words_sealed", nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
    )
    append_only.guard(ANSWER)
    _make(
        FORMER,
        OF_PATIENT,
        {},
        *_texts("number_index", "number_sealed", nullable=True),
        sa.Column("replaced_at", UTCDateTime(), nullable=False),
    )
    op.create_index(op.f("ix_former_number_number_index"), FORMER, ["number_index"])
    op.add_column("site", sa.Column("text_surveys", sa.Text(), nullable=False, server_default="full"))
    op.add_column("patient", sa.Column("phone_unconfirmed_since", UTCDateTime(), nullable=True))
    op.add_column("symptom_report", sa.Column("provenance", Json(), nullable=True))
    op.add_column("symptom_report", sa.Column("caveats", Json(), nullable=True))
    op.add_column("death_report", sa.Column("reversed_at", UTCDateTime(), nullable=True))
    op.add_column("death_report", sa.Column("reversed_by", sa.Uuid(), nullable=True))
    op.add_column("message_attempt", sa.Column("segments", sa.Integer(), nullable=True))
    op.create_index("ix_message_attempt_texts", "message_attempt", ["started_at"], **_only(TEXTS))


def downgrade() -> None:
    """Takes away what was added."""
    op.drop_index("ix_message_attempt_texts", "message_attempt")
    op.drop_column("message_attempt", "segments")
    for column in ("reversed_by", "reversed_at"):
        op.drop_column("death_report", column)
    for column in ("caveats", "provenance"):
        op.drop_column("symptom_report", column)
    op.drop_column("patient", "phone_unconfirmed_since")
    op.drop_column("site", "text_surveys")
    for table in (FORMER, ANSWER, CONVERSATION):
        op.drop_table(table)


def _make_conversation() -> None:
    _make(
        CONVERSATION,
        OF_PATIENT,
        {"caregiver_id": "caregiver", "question_id": "message"},
        *_texts("instrument", "language", "extent", "status"),
        *_texts("agenda_key", "asked", "tier_so_far", nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("instrument_version", "unclear", "links_issued")),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        *(
            sa.Column(name, UTCDateTime(), nullable=True)
            for name in ("asked_since", "first_answer_at", "last_heard_at", "closes_at", "ended_at", "link_expires_at")
        ),
        sa.UniqueConstraint("patient_id", "report_id", name=op.f("uq_conversation_patient_id_report_id")),
    )
    _partial("uq_conversation_live", ["patient_id", "agenda_key"], "ended_at IS NULL AND agenda_key IS NOT NULL")
    _partial("ix_conversation_not_ended", ["patient_id"], "ended_at IS NULL", unique=False)


def _partial(name: str, columns: list[str], where: str, *, unique: bool = True) -> None:
    op.create_index(name, CONVERSATION, columns, unique=unique, **_only(where))


def _only(where: str) -> dict[str, Any]:
    condition = sa.text(where)
    return {"sqlite_where": condition, "postgresql_where": condition}


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _make(
    table: str, references: Mapping[str, str], optional: Mapping[str, str], *more: sa.Column[Any] | sa.Constraint
) -> None:
    every = {**references, **optional}
    op.create_table(
        table,
        *(part for part in more if isinstance(part, sa.Column)),
        *(sa.Column(name, sa.Uuid(), nullable=name in optional) for name in every),
        sa.Column("id", sa.Uuid(), nullable=False),
        *(part for part in more if isinstance(part, sa.Constraint)),
        *(
            sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}"))
            for name, other in every.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for name in every:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
