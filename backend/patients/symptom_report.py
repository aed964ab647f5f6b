"""The submitted report. Insert-only: whatever becomes of it later lives in other tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, case
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Json


class SymptomReport(Base):
    """One report as it was sent. Its id was made by the phone and is unique per patient.

    ``answers`` is one JSON value: item → a number, or why there is none (``skipped``,
    ``not_asked_by_branching``, ``not_reached``). ``completed_offset`` is the phone's own offset in minutes,
    so that the patient's wall time of that moment can be shown for ever. ``advice`` is what the patient was told.
    """

    __tablename__ = "symptom_report"
    __table_args__ = (
        Index("ix_symptom_report_patient_id_received_at_id", "patient_id", "received_at", "id"),
        Index("ix_symptom_report_patient_id_agenda_key", "patient_id", "agenda_key"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    protocol_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"), index=True)
    instrument: Mapped[str]
    instrument_version: Mapped[int]
    agenda_key: Mapped[str | None]
    standing: Mapped[str]
    unscheduled_because: Mapped[str | None]
    language: Mapped[str]
    respondent: Mapped[str]
    mode: Mapped[str]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime]
    completed_offset: Mapped[int]
    received_at: Mapped[datetime]
    clock_is_off: Mapped[bool]
    answers: Mapped[dict[str, Any]]
    composites: Mapped[dict[str, Any]]
    measurements: Mapped[dict[str, Any]]
    other_symptoms_sealed: Mapped[str | None]
    wants_call: Mapped[bool]
    tier: Mapped[str | None]
    advice: Mapped[list[dict[str, str]]] = mapped_column(Json())
    recorded_by: Mapped[UUID | None]
    on_behalf_reason_sealed: Mapped[str | None]
    body_fingerprint: Mapped[str]
    # Item → by what way and when its answer came, where one report came by several; None: all at once.
    provenance: Mapped[dict[str, dict[str, str]] | None] = mapped_column(Json())
    # Words of ``Caveat``: what a reader must know of how it was asked.
    caveats: Mapped[list[str] | None] = mapped_column(Json())

    @property
    def key_owner_id(self) -> UUID:
        """The patient's own data key."""
        return self.patient_id

    @property
    def row_id(self) -> str:
        """Two patients' phones may make the same id, so the patient is part of the name."""
        return f"{self.patient_id}/{self.id}"

    def values(self) -> dict[str, int]:
        """The answered items and their values."""
        return {item: value for item, value in self.answers.items() if isinstance(value, int)}


def moment_of(completed_at: datetime, received_at: datetime) -> datetime:
    """When a report was about: a phone whose clock runs ahead cannot have answered after it sent."""
    return min(completed_at, received_at)


_SAID = SymptomReport.__table__.c
# The same, worked out by the database for whoever reads many reports and nothing else of when they came.
MOMENT = case((_SAID.completed_at < _SAID.received_at, _SAID.completed_at), else_=_SAID.received_at)
