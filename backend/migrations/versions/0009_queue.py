"""What working through the queue takes: rosters, pages to staff, questions to patients, claims, snoozes, escalation."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNANSWERED_PAGE = sa.text("acknowledged_at IS NULL")
UNANSWERED_QUESTION = sa.text("answered_at IS NULL")
IN_FORCE = sa.text("replaced_at IS NULL")

ADDED: Mapping[str, tuple[sa.Column[Any], ...]] = {
    "candidate_event": (
        sa.Column("claimed_at", UTCDateTime(), nullable=True),
        sa.Column("snoozed_until", UTCDateTime(), nullable=True),
        sa.Column("snoozed_level", Json(), nullable=True),
        sa.Column("escalated_to", sa.Text(), nullable=True),
    ),
    "message": (sa.Column("words_sealed", sa.Text(), nullable=True),),
    "work_item": (
        sa.Column("agenda_key", sa.Text(), nullable=True),
        sa.Column("for_role", sa.Text(), nullable=True),
        sa.Column("passes_on_at", UTCDateTime(), nullable=True),
        sa.Column("passes_on_to", sa.Text(), nullable=True),
    ),
    "inbound_message": (sa.Column("in_reply_to", sa.Uuid(), nullable=True),),
}


def upgrade() -> None:
    """Columns that may be empty, and tables of their own: code already running does not notice."""
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    _shifts()
    _questions()
    _pages()
    _paged()


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    for table in ("paged_person", "paged_candidate", "staff_page", "candidate_question", "on_call_shift"):
        op.drop_table(table)
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)


def _shifts() -> None:
    op.create_table(
        "on_call_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("entered_at", UTCDateTime(), nullable=False),
        sa.Column("replaced_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_shift")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_on_call_shift_site_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_on_call_shift_staff_id")),
    )
    op.create_index(op.f("ix_on_call_shift_staff_id"), "on_call_shift", ["staff_id"])
    op.create_index(
        "ix_on_call_shift_in_force",
        "on_call_shift",
        ["site_id", "starts_at"],
        sqlite_where=IN_FORCE,
        postgresql_where=IN_FORCE,
    )


def _questions() -> None:
    op.create_table(
        "candidate_question",
        *_of_patient("candidate_question"),
        sa.Column("candidate_event_id", sa.Uuid(), nullable=False),
        sa.Column("text_sealed", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("answered_by_text", sa.Uuid(), nullable=True),
        _to("candidate_question", "candidate_event_id", "candidate_event"),
        _to("candidate_question", "message_id", "message"),
        _to("candidate_question", "answered_by_text", "inbound_message"),
    )
    _indexes("candidate_question", "message_id", "answered_by_text")
    op.create_index(
        "ix_candidate_question_candidate_event_id_asked_at", "candidate_question", ["candidate_event_id", "asked_at"]
    )
    op.create_index(
        "ix_candidate_question_unanswered",
        "candidate_question",
        ["patient_id", "asked_at"],
        sqlite_where=UNANSWERED_QUESTION,
        postgresql_where=UNANSWERED_QUESTION,
    )


def _pages() -> None:
    op.create_table(
        "staff_page",
        *_of_patient("staff_page"),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("inbound_message_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("renewed_at", UTCDateTime(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_how", sa.Text(), nullable=True),
    )
    _indexes("staff_page")
    op.create_index(
        "ix_staff_page_unanswered",
        "staff_page",
        ["next_at", "id"],
        sqlite_where=UNANSWERED_PAGE,
        postgresql_where=UNANSWERED_PAGE,
    )
    op.create_index("ix_staff_page_patient_id_opened_at", "staff_page", ["patient_id", "opened_at"])


def _paged() -> None:
    op.create_table(
        "paged_candidate",
        *_of_patient("paged_candidate"),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_event_id", sa.Uuid(), nullable=False),
        _to("paged_candidate", "page_id", "staff_page"),
        _to("paged_candidate", "candidate_event_id", "candidate_event"),
        sa.UniqueConstraint(
            "page_id", "candidate_event_id", name=op.f("uq_paged_candidate_page_id_candidate_event_id")
        ),
    )
    _indexes("paged_candidate", "candidate_event_id")
    op.create_table(
        "paged_person",
        *_of_patient("paged_person"),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("first_paged_at", UTCDateTime(), nullable=False),
        _to("paged_person", "page_id", "staff_page"),
        _to("paged_person", "staff_id", "staff_member"),
        sa.UniqueConstraint("page_id", "staff_id", name=op.f("uq_paged_person_page_id_staff_id")),
    )
    _indexes("paged_person", "staff_id")


def _of_patient(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _to(table, "patient_id", "patient"),
        _to(table, "site_id", "site"),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _indexes(table: str, *more: str) -> None:
    for column in ("patient_id", "site_id", *more):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
