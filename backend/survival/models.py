"""Reports of death, and the second person's decision about each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from backend.db import Base, WithId
from backend.patients.models import OfPatient


class DeathReport(OfPatient, WithId, Base):
    """Somebody says the patient has died. Two reports that disagree are both kept.

    ``died_on`` is as precise as it is known: ``2027-03-17``, ``2027-03``, ``2027`` or None.
    """

    __tablename__ = "death_report"

    status: Mapped[str]
    died_on: Mapped[str | None]
    cause_sealed: Mapped[str | None]
    informant_sealed: Mapped[str | None]
    relation_sealed: Mapped[str | None]
    reported_by: Mapped[UUID | None]
    reported_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    denied_because_sealed: Mapped[str | None]
