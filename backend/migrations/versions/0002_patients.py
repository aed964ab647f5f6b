"""Patients, their phones, caregivers, evidence of life and the work list."""

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Patients, their phones, caregivers, evidence of life and the work list."""
    op.create_table(
        "patient",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("protocol_version_id", sa.Uuid(), nullable=False),
        sa.Column("subject_number", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("targeted_drug", sa.Text(), nullable=False),
        sa.Column("consented_on", sa.Date(), nullable=False),
        sa.Column("randomised_on", sa.Date(), nullable=False),
        sa.Column("birth_year", sa.Integer(), nullable=False),
        sa.Column("enrolled_at", UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name_sealed", sa.Text(), nullable=True),
        sa.Column("phone_sealed", sa.Text(), nullable=True),
        sa.Column("phone_index", sa.Text(), nullable=True),
        sa.Column("email_sealed", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("channels", Json(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_to", sa.Time(), nullable=True),
        sa.Column("preferred_time", sa.Time(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("died_on", sa.Text(), nullable=True),
        sa.Column("withdrawn_from_reporting_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_from_study_on", sa.Date(), nullable=True),
        sa.Column("records_search_allowed", sa.Boolean(), nullable=True),
        sa.Column("cells_discontinued_on", sa.Date(), nullable=True),
        sa.Column("drug_discontinued_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["protocol_version_id"], ["protocol_version.id"], name=op.f("fk_patient_protocol_version_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_patient_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("subject_number", name=op.f("uq_patient_subject_number")),
    )
    with op.batch_alter_table("patient", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_phone_index"), ["phone_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_patient_protocol_version_id"), ["protocol_version_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_patient_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_patient_site_id_subject_number", ["site_id", "subject_number"], unique=False)

    op.create_table(
        "activation_code",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("issued_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("voided_at", UTCDateTime(), nullable=True),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.Column("used_by", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_activation_code_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_activation_code_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activation_code")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_activation_code_fingerprint")),
    )
    with op.batch_alter_table("activation_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_activation_code_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_activation_code_site_id"), ["site_id"], unique=False)

    op.create_table(
        "caregiver",
        sa.Column("name_sealed", sa.Text(), nullable=True),
        sa.Column("phone_sealed", sa.Text(), nullable=True),
        sa.Column("phone_index", sa.Text(), nullable=True),
        sa.Column("relation_sealed", sa.Text(), nullable=True),
        sa.Column("may_report", sa.Boolean(), nullable=False),
        sa.Column("may_confirm_survival", sa.Boolean(), nullable=False),
        sa.Column("named_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_caregiver_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_caregiver_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caregiver")),
    )
    with op.batch_alter_table("caregiver", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_caregiver_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_caregiver_phone_index"), ["phone_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_caregiver_site_id"), ["site_id"], unique=False)

    op.create_table(
        "contact_hold",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_contact_hold_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_contact_hold_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_hold")),
    )
    with op.batch_alter_table("contact_hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_hold_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_hold_site_id"), ["site_id"], unique=False)

    op.create_table(
        "deviation",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_deviation_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_deviation_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
    )
    with op.batch_alter_table("deviation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deviation_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deviation_site_id"), ["site_id"], unique=False)

    op.create_table(
        "enrolment",
        sa.Column("eligibility", Json(), nullable=False),
        sa.Column("attested_by", sa.Uuid(), nullable=True),
        sa.Column("attested_at", UTCDateTime(), nullable=False),
        sa.Column("override_reason_sealed", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_enrolment_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_enrolment_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_enrolment_site_id"), ["site_id"], unique=False)
        batch_op.create_index("uq_enrolment_patient_id", ["patient_id"], unique=True)

    op.create_table(
        "evidence_of_life",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("note_sealed", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_evidence_of_life_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_evidence_of_life_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_of_life")),
    )
    with op.batch_alter_table("evidence_of_life", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_of_life_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index("ix_evidence_of_life_patient_id_as_of", ["patient_id", "as_of"], unique=False)
        batch_op.create_index(batch_op.f("ix_evidence_of_life_site_id"), ["site_id"], unique=False)

    op.create_table(
        "patient_device",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("signed_in_at", UTCDateTime(), nullable=False),
        sa.Column("signed_out_at", UTCDateTime(), nullable=True),
        sa.Column("signed_out_because", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_device_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_patient_device_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_device")),
    )
    with op.batch_alter_table("patient_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_device_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_patient_device_site_id"), ["site_id"], unique=False)
        batch_op.create_index(
            "uq_patient_device_signed_in",
            ["patient_id"],
            unique=True,
            sqlite_where=sa.text("signed_out_at IS NULL"),
            postgresql_where=sa.text("signed_out_at IS NULL"),
        )

    op.create_table(
        "work_item",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("outcome_sealed", sa.Text(), nullable=True),
        sa.Column("note_sealed", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_work_item_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_item_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("owner_id", "key", name=op.f("uq_work_item_owner_id_key")),
    )
    with op.batch_alter_table("work_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_work_item_open",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("resolved_at IS NULL"),
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
        batch_op.create_index(
            "ix_work_item_open_by_site",
            ["site_id", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("resolved_at IS NULL"),
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_work_item_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_item_site_id"), ["site_id"], unique=False)

    op.create_table(
        "device_token",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("access_fingerprint", sa.Text(), nullable=False),
        sa.Column("access_ends_at", UTCDateTime(), nullable=False),
        sa.Column("refresh_fingerprint", sa.Text(), nullable=False),
        sa.Column("refresh_ends_at", UTCDateTime(), nullable=False),
        sa.Column("issued_at", UTCDateTime(), nullable=False),
        sa.Column("rotated_at", UTCDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["patient_device.id"], name=op.f("fk_device_token_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_token")),
        sa.UniqueConstraint("access_fingerprint", name=op.f("uq_device_token_access_fingerprint")),
        sa.UniqueConstraint("refresh_fingerprint", name=op.f("uq_device_token_refresh_fingerprint")),
    )
    with op.batch_alter_table("device_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_token_device_id"), ["device_id"], unique=False)


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    op.drop_table("device_token")
    op.drop_table("work_item")
    op.drop_table("patient_device")
    op.drop_table("evidence_of_life")
    op.drop_table("enrolment")
    op.drop_table("deviation")
    op.drop_table("contact_hold")
    op.drop_table("caregiver")
    op.drop_table("activation_code")
    op.drop_table("patient")
