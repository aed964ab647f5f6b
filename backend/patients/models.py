"""The patient's record and what hangs on it directly. Whatever names a person is sealed under the patient's key."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from backend.db import Base, Json, WithId


class OfPatient:
    """A row that belongs to one patient: it is sealed under the patient's key and audited at the patient's site."""

    @declared_attr
    @classmethod
    def patient_id(cls) -> Mapped[UUID]:
        """Whose row it is."""
        return mapped_column(ForeignKey("patient.id"), index=True)

    @declared_attr
    @classmethod
    def site_id(cls) -> Mapped[UUID]:
        """Where the patient was when it was written."""
        return mapped_column(ForeignKey("site.id"), index=True)

    @property
    def key_owner_id(self) -> UUID:
        """The patient's own data key."""
        return self.patient_id


class Patient(WithId, Base):
    """A subject of the trial. Pseudonymous but for the sealed columns; ``version`` is what an ETag names."""

    __tablename__ = "patient"
    __table_args__ = (Index("ix_patient_site_id_subject_number", "site_id", "subject_number"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    protocol_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"), index=True)
    # Since when, for who moved to it; the moves themselves need not be looked for where it is empty.
    protocol_moved_at: Mapped[datetime | None]
    subject_number: Mapped[str] = mapped_column(unique=True)
    arm: Mapped[str]
    targeted_drug: Mapped[str]
    consented_on: Mapped[date]
    randomised_on: Mapped[date]
    birth_year: Mapped[int]
    enrolled_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(info={"audited": False})

    name_sealed: Mapped[str | None]
    phone_sealed: Mapped[str | None]
    phone_index: Mapped[str | None] = mapped_column(index=True, info={"audited": False})
    # Since when the number is another, and nobody has shown yet that it is the patient who answers there.
    phone_unconfirmed_since: Mapped[datetime | None]
    email_sealed: Mapped[str | None]
    # Who referred the patient, to be asked when neither patient nor family can be reached.
    physician_name_sealed: Mapped[str | None]
    physician_phone_sealed: Mapped[str | None]

    language: Mapped[str]
    time_zone: Mapped[str]
    channels: Mapped[list[str]] = mapped_column(Json())
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    preferred_time: Mapped[time | None]

    status: Mapped[str]
    # As precise as it is known: 2027-03-17, 2027-03 or 2027.
    died_on: Mapped[str | None]
    withdrawn_from_reporting_on: Mapped[date | None]
    withdrawn_from_study_on: Mapped[date | None]
    records_search_allowed: Mapped[bool | None]
    cells_discontinued_on: Mapped[date | None]
    drug_discontinued_on: Mapped[date | None]
    # How often an act has changed the agenda: what a calendar program goes by.
    agenda_revision: Mapped[int] = mapped_column(server_default="0", info={"audited": False})
    agenda_changed_at: Mapped[datetime | None] = mapped_column(info={"audited": False})

    # Every change of the row counts the version up, and of two at once only one is kept.
    __mapper_args__ = {"version_id_col": version}

    @property
    def key_owner_id(self) -> UUID:
        """A patient has a data key of its own."""
        return self.id


class Enrolment(OfPatient, WithId, Base):
    """What was attested when the patient was enrolled: every criterion, by whom and when."""

    __tablename__ = "enrolment"
    __table_args__ = (Index("uq_enrolment_patient_id", "patient_id", unique=True),)

    eligibility: Mapped[dict[str, Any]]
    attested_by: Mapped[UUID | None]
    attested_at: Mapped[datetime]
    override_reason_sealed: Mapped[str | None]


class Caregiver(OfPatient, WithId, Base):
    """A relative or friend whom the patient named, and what the patient lets them do."""

    __tablename__ = "caregiver"

    name_sealed: Mapped[str | None]
    phone_sealed: Mapped[str | None]
    phone_index: Mapped[str | None] = mapped_column(index=True, info={"audited": False})
    relation_sealed: Mapped[str | None]
    may_report: Mapped[bool]
    may_confirm_survival: Mapped[bool]
    named_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ActivationCode(OfPatient, WithId, Base):
    """A code that signs a phone in, once. Kept as a keyed hash; its times are real time."""

    __tablename__ = "activation_code"

    fingerprint: Mapped[str] = mapped_column(unique=True, info={"audited": False})
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None] = mapped_column(info={"audited": False})
    # Guesses at the birth year: the second factor of a code must not be open to a hundred of them.
    wrong_years: Mapped[int] = mapped_column(default=0, server_default="0", info={"audited": False})


class Device(OfPatient, WithId, Base):
    """A phone that is or was signed in: one family of tokens, revoked together."""

    __tablename__ = "patient_device"
    # One signed-in phone a patient, also when two codes are used at the same moment.
    __table_args__ = (
        Index(
            "uq_patient_device_signed_in",
            "patient_id",
            unique=True,
            sqlite_where=text("signed_out_at IS NULL"),
            postgresql_where=text("signed_out_at IS NULL"),
        ),
    )

    fingerprint: Mapped[str] = mapped_column(info={"audited": False})
    signed_in_at: Mapped[datetime]
    signed_out_at: Mapped[datetime | None]
    signed_out_because: Mapped[str | None]


class DeviceToken(WithId, Base):
    """One generation of a phone's tokens, as keyed hashes. ``rotated_at`` is set when its refresh token is used."""

    __tablename__ = "device_token"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("patient_device.id"), index=True)
    access_fingerprint: Mapped[str] = mapped_column(unique=True)
    access_ends_at: Mapped[datetime]
    refresh_fingerprint: Mapped[str] = mapped_column(unique=True)
    refresh_ends_at: Mapped[datetime]
    issued_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]


class EvidenceOfLife(OfPatient, WithId, Base):
    """The patient was alive as of a date, and how we know. Insert-only."""

    __tablename__ = "evidence_of_life"
    __table_args__ = (Index("ix_evidence_of_life_patient_id_as_of", "patient_id", "as_of"),)

    as_of: Mapped[date]
    source: Mapped[str]
    reference: Mapped[str]
    note_sealed: Mapped[str | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class ContactHold(OfPatient, WithId, Base):
    """Contact is held for a reason, until a time or until somebody lifts it; a pause has a person's own words too."""

    __tablename__ = "contact_hold"

    reason: Mapped[str]
    reason_sealed: Mapped[str | None]
    held_at: Mapped[datetime]
    held_by: Mapped[UUID | None]
    until: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]


class Deviation(OfPatient, WithId, Base):
    """A departure from the protocol, kept for the Study page and the exports."""

    __tablename__ = "deviation"

    kind: Mapped[str]
    important: Mapped[bool]
    occurred_on: Mapped[date]
    subject: Mapped[str]
    reason_sealed: Mapped[str | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    # Set when a signed reversal says that it was entered by mistake.
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class FormerNumber(OfPatient, WithId, Base):
    """A telephone number that was a patient's until it was changed: it may belong to a stranger now."""

    __tablename__ = "former_number"

    number_index: Mapped[str | None] = mapped_column(index=True, info={"audited": False})
    number_sealed: Mapped[str | None]
    replaced_at: Mapped[datetime]
