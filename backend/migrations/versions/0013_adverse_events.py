"""Adverse events with their grades, signatures and safety reports, and what a candidate needs to become one."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime
from backend.migrations import append_only

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = (
    "adverse_event",
    "adverse_event_grade",
    "adverse_event_signature",
    "signature_voiding",
    "safety_report",
    "report_correction",
    "correction_decision",
)
APPEND_ONLY = TABLES[1:]
OF_CANDIDATES: Mapping[str, Any] = {
    "merged_into": sa.Uuid(),
    "first_known_at": UTCDateTime(),
    "suspected_serious": sa.Text(),
}
OF_DECISIONS: Mapping[str, Any] = {"decided_as": sa.Text(), "reason_code": sa.Text(), "merged_into": sa.Uuid()}
# Table, columns, whether unique, which rows.
INDEXES: Mapping[str, tuple[str, Sequence[str], bool, str | None]] = {
    "ix_candidate_event_merged_into": ("candidate_event", ["merged_into"], False, "merged_into IS NOT NULL"),
    "ix_adverse_event_site_id_recorded_at": ("adverse_event", ["site_id", "recorded_at", "id"], False, None),
    "ix_adverse_event_unreported": (
        "adverse_event",
        ["report_due_at", "id"],
        False,
        "report_due_at IS NOT NULL AND reported_at IS NULL AND voided_at IS NULL",
    ),
    "uq_adverse_event_candidate_event_id": ("adverse_event", ["candidate_event_id"], True, "voided_at IS NULL"),
    "ix_adverse_event_signature_adverse_event_id": ("adverse_event_signature", ["adverse_event_id"], False, None),
    "ix_adverse_event_signature_signed_by": ("adverse_event_signature", ["signed_by"], False, None),
    "ix_safety_report_adverse_event_id": ("safety_report", ["adverse_event_id"], False, None),
}


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    for name, kind in OF_CANDIDATES.items():
        op.add_column("candidate_event", sa.Column(name, kind, nullable=True))
    for name, kind in OF_DECISIONS.items():
        op.add_column("candidate_decision", sa.Column(name, kind, nullable=True))
    op.add_column("candidate_finding", sa.Column("correction_id", sa.Uuid(), nullable=True))
    _adverse_event()
    _grades()
    _signatures()
    _safety_reports()
    _corrections()
    _terminology()
    for name, (table, columns, is_unique, where) in INDEXES.items():
        which: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
        op.create_index(name, table, columns, unique=is_unique, **which)
    for table in (*APPEND_ONLY, "ctcae_load"):
        append_only.guard(table)


def downgrade() -> None:
    """Takes away what was added."""
    op.drop_index("ix_candidate_event_merged_into", "candidate_event")
    for table in ("ctcae_load", "ctcae_term", *reversed(TABLES)):
        op.drop_table(table)
    with op.batch_alter_table("candidate_event") as batch:
        for name in OF_CANDIDATES:
            batch.drop_column(name)
    for name in OF_DECISIONS:
        op.drop_column("candidate_decision", name)
    op.drop_column("candidate_finding", "correction_id")


def _of_patient(
    table: str, *columns: sa.schema.SchemaItem, refers: Mapping[str, str], unique: Sequence[str] = ()
) -> None:
    """A table of rows that belong to a patient; ``refers`` says which columns name a row of which table."""
    references = {"patient_id": "patient", "site_id": "site", **refers}
    kept: list[sa.Constraint] = [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}"))
        for name, other in references.items()
    ]
    if unique:
        kept.append(sa.UniqueConstraint(*unique, name=op.f(f"uq_{table}_{'_'.join(unique)}")))
    op.create_table(
        table,
        *columns,
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("patient_id", "site_id", "id")),
        *kept,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for name in ("patient_id", "site_id"):
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])


def _words(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _instants(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, UTCDateTime(), nullable=nullable) for name in names]


def _ids(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Uuid(), nullable=nullable) for name in names]


def _adverse_event() -> None:
    _of_patient(
        "adverse_event",
        *_ids("candidate_event_id", "recorded_by", "signature_id", "voided_by", nullable=True),
        *_words("source", "ctcae_version", "term_code", "onset_on", "outcome"),
        *_words("relation_cells", "relation_drug", "action_cells", "action_drug"),
        *_words("specify_sealed", "own_grading", "own_grade", "ended_on", "note_sealed", nullable=True),
        *_words("escalated_to", "voided_because_sealed", nullable=True),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("serious", Json(), nullable=False),
        sa.Column("emergence", Json(), nullable=False),
        sa.Column("expected", sa.Boolean(), nullable=True),
        *(sa.Column(f"{name}_emergent", sa.Boolean(), nullable=False) for name in ("study", "cells", "drug")),
        *_instants("received_at", "first_known_at", "recorded_at"),
        *_instants("serious_known_at", "report_due_at", "reported_at", "voided_at", nullable=True),
        refers={"candidate_event_id": "candidate_event"},
    )


def _grades() -> None:
    _of_patient(
        "adverse_event_grade",
        *_ids("adverse_event_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        *_words("from_on"),
        *_ids("recorded_by", nullable=True),
        *_instants("recorded_at"),
        refers={"adverse_event_id": "adverse_event"},
        unique=("adverse_event_id", "number"),
    )


def _signatures() -> None:
    _of_patient(
        "adverse_event_signature",
        *_ids("adverse_event_id", "signed_by"),
        sa.Column("event_version", sa.Integer(), nullable=False),
        *_words("signed_as", "meaning", "content_hash"),
        *_words("content_sealed", nullable=True),
        *_instants("signed_at"),
        refers={"adverse_event_id": "adverse_event", "signed_by": "staff_member"},
    )
    _of_patient(
        "signature_voiding",
        *_ids("signature_id"),
        sa.Column("because", Json(), nullable=False),
        *_ids("voided_by", nullable=True),
        *_instants("voided_at"),
        refers={"signature_id": "adverse_event_signature"},
        unique=("signature_id",),
    )


def _safety_reports() -> None:
    _of_patient(
        "safety_report",
        *_ids("adverse_event_id"),
        *_words("kind", "reference"),
        *_words("recipients_sealed", nullable=True),
        sa.Column("event_version", sa.Integer(), nullable=False),
        *_ids("recorded_by", nullable=True),
        *_instants("sent_at", "recorded_at"),
        refers={"adverse_event_id": "adverse_event"},
    )


def _corrections() -> None:
    _of_patient(
        "report_correction",
        *_ids("report_id", "sent_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        *_words("body_fingerprint", "originator", "mode"),
        *_words("other_symptoms_sealed", "reason_sealed", "on_behalf_reason_sealed", "tier", nullable=True),
        *(
            sa.Column(name, Json(), nullable=False)
            for name in ("answers", "composites", "measurements", "advice", "findings")
        ),
        *_ids("recorded_by", nullable=True),
        *_instants("received_at"),
        sa.UniqueConstraint("patient_id", "sent_id", name=op.f("uq_report_correction_patient_id_sent_id")),
        sa.ForeignKeyConstraint(
            ["patient_id", "report_id"],
            ["symptom_report.patient_id", "symptom_report.id"],
            name=op.f("fk_report_correction_patient_id_report_id"),
        ),
        refers={},
        unique=("patient_id", "report_id", "version"),
    )
    _of_patient(
        "correction_decision",
        *_ids("correction_id"),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        *_words("decided_as", "reason_sealed", nullable=True),
        *_ids("decided_by", nullable=True),
        *_instants("decided_at"),
        refers={"correction_id": "report_correction"},
        unique=("correction_id",),
    )


def _terminology() -> None:
    """CTCAE's terms, versions side by side. They stay empty until the study's files are loaded again."""
    op.create_table(
        "ctcae_term",
        *_words("version", "code", "name", "soc"),
        *_words("name_zh", nullable=True),
        *(sa.Column(name, Json(), nullable=False) for name in ("grades", "synonyms", "own_gradings")),
        *(sa.Column(name, Json(), nullable=True) for name in ("wording", "published")),
        sa.Column("specify", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ctcae_term")),
        sa.UniqueConstraint("version", "code", name=op.f("uq_ctcae_term_version_code")),
    )
    op.create_table(
        "ctcae_load",
        *_words("version", "source", "content_hash"),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("terms", "added", "changed")),
        *_instants("loaded_at"),
        *_ids("id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ctcae_load")),
    )
