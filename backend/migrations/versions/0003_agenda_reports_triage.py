"""Cycles and agenda facts, reports, candidate events, reports of death."""

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cycles and agenda facts, reports, candidate events, reports of death."""
    op.create_table(
        "agenda_fact",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("note_sealed", sa.Text(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_agenda_fact_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_agenda_fact_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_fact")),
        sa.UniqueConstraint(
            "patient_id", "key", "kind", "revision", name=op.f("uq_agenda_fact_patient_id_key_kind_revision")
        ),
    )
    with op.batch_alter_table("agenda_fact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agenda_fact_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_agenda_fact_site_id"), ["site_id"], unique=False)

    op.create_table(
        "candidate_event",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("term_code", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("onset_on", sa.Date(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("last_reported_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("worst", Json(), nullable=False),
        sa.Column("latest", Json(), nullable=False),
        sa.Column("items", Json(), nullable=False),
        sa.Column("trend", sa.Text(), nullable=False),
        sa.Column("provisional_grade", sa.Integer(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("before_treatment", sa.Boolean(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("zero_since", sa.Date(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_candidate_event_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_candidate_event_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_event")),
    )
    with op.batch_alter_table("candidate_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_candidate_event_open",
            ["tier", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('proposed', 'acknowledged', 'needs_info')"),
            postgresql_where=sa.text("status IN ('proposed', 'acknowledged', 'needs_info')"),
        )
        batch_op.create_index(
            "ix_candidate_event_open_by_site",
            ["site_id", "tier", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('proposed', 'acknowledged', 'needs_info')"),
            postgresql_where=sa.text("status IN ('proposed', 'acknowledged', 'needs_info')"),
        )
        batch_op.create_index(batch_op.f("ix_candidate_event_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_candidate_event_site_id"), ["site_id"], unique=False)
        batch_op.create_index(
            "uq_candidate_event_running",
            ["patient_id", "subject"],
            unique=True,
            sqlite_where=sa.text("is_running"),
            postgresql_where=sa.text("is_running"),
        )

    op.create_table(
        "cycle",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("donor_collection_on", sa.Date(), nullable=False),
        sa.Column("day_1_on", sa.Date(), nullable=False),
        sa.Column("day_2_on", sa.Date(), nullable=False),
        sa.Column("day_1_started_at", UTCDateTime(), nullable=True),
        sa.Column("day_2_started_at", UTCDateTime(), nullable=True),
        sa.Column("day_2_missed_at", UTCDateTime(), nullable=True),
        sa.Column("planned_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_cycle_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_cycle_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
        sa.UniqueConstraint("patient_id", "number", "attempt", name=op.f("uq_cycle_patient_id_number_attempt")),
    )
    with op.batch_alter_table("cycle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cycle_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cycle_site_id"), ["site_id"], unique=False)

    op.create_table(
        "death_report",
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("died_on", sa.Text(), nullable=True),
        sa.Column("cause_sealed", sa.Text(), nullable=True),
        sa.Column("informant_sealed", sa.Text(), nullable=True),
        sa.Column("relation_sealed", sa.Text(), nullable=True),
        sa.Column("reported_by", sa.Uuid(), nullable=True),
        sa.Column("reported_at", UTCDateTime(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("denied_because_sealed", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_death_report_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_death_report_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_death_report")),
    )
    with op.batch_alter_table("death_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_death_report_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_death_report_site_id"), ["site_id"], unique=False)

    op.create_table(
        "symptom_report",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("protocol_version_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Integer(), nullable=False),
        sa.Column("agenda_key", sa.Text(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("unscheduled_because", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("respondent", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("completed_at", UTCDateTime(), nullable=False),
        sa.Column("completed_offset", sa.Integer(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("clock_is_off", sa.Boolean(), nullable=False),
        sa.Column("answers", Json(), nullable=False),
        sa.Column("composites", Json(), nullable=False),
        sa.Column("measurements", Json(), nullable=False),
        sa.Column("other_symptoms_sealed", sa.Text(), nullable=True),
        sa.Column("wants_call", sa.Boolean(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("advice", Json(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("on_behalf_reason_sealed", sa.Text(), nullable=True),
        sa.Column("body_fingerprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_symptom_report_patient_id")),
        sa.ForeignKeyConstraint(
            ["protocol_version_id"], ["protocol_version.id"], name=op.f("fk_symptom_report_protocol_version_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_symptom_report_site_id")),
        sa.PrimaryKeyConstraint("patient_id", "id", name=op.f("pk_symptom_report")),
    )
    with op.batch_alter_table("symptom_report", schema=None) as batch_op:
        batch_op.create_index(
            "ix_symptom_report_patient_id_received_at_id", ["patient_id", "received_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_symptom_report_protocol_version_id"), ["protocol_version_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_symptom_report_site_id"), ["site_id"], unique=False)

    op.create_table(
        "candidate_decision",
        sa.Column("candidate_event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("reason_sealed", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_event_id"], ["candidate_event.id"], name=op.f("fk_candidate_decision_candidate_event_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_candidate_decision_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_candidate_decision_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_decision")),
    )
    with op.batch_alter_table("candidate_decision", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_candidate_decision_candidate_event_id"), ["candidate_event_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_candidate_decision_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_candidate_decision_site_id"), ["site_id"], unique=False)

    op.create_table(
        "candidate_finding",
        sa.Column("candidate_event_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("inbound_message_id", sa.Uuid(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("composite", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("items", Json(), nullable=False),
        sa.Column("trend", sa.Text(), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_event_id"], ["candidate_event.id"], name=op.f("fk_candidate_finding_candidate_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id", "report_id"],
            ["symptom_report.patient_id", "symptom_report.id"],
            name=op.f("fk_candidate_finding_patient_id_report_id"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_candidate_finding_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_candidate_finding_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_finding")),
        sa.UniqueConstraint(
            "candidate_event_id", "report_id", name=op.f("uq_candidate_finding_candidate_event_id_report_id")
        ),
    )
    with op.batch_alter_table("candidate_finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_candidate_finding_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index("ix_candidate_finding_patient_id_report_id", ["patient_id", "report_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_candidate_finding_site_id"), ["site_id"], unique=False)


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_table("candidate_finding")
    op.drop_table("candidate_decision")
    op.drop_table("symptom_report")
    op.drop_table("death_report")
    op.drop_table("cycle")
    op.drop_table("candidate_event")
    op.drop_table("agenda_fact")
