"""The work item: a task for a person, at one site, about one patient or about none."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId

OPEN = text("resolved_at IS NULL")
PHONE_CHECK = text("reason = 'check_the_phone'")


class WorkItem(WithId, Base):
    """Why a person must act, by when, and what came of it. ``key`` says it once for ever."""

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("owner_id", "key"),
        Index("ix_work_item_open_by_site", "site_id", "due_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_phone_check", "key", sqlite_where=PHONE_CHECK, postgresql_where=PHONE_CHECK),
        Index("ix_work_item_open", "due_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"), index=True)
    # The patient, or the site when there is none: whose key seals the note, and within whom `key` is unique.
    owner_id: Mapped[UUID]
    reason: Mapped[str]
    key: Mapped[str]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    outcome_sealed: Mapped[str | None]
    note_sealed: Mapped[str | None]
    # The item of the patient's agenda that a call is about; None for tasks that no silence raised.
    agenda_key: Mapped[str | None]
    # Whose duty it is now; None: everybody's at the site. Still open at `passes_on_at`, it becomes `passes_on_to`'s.
    for_role: Mapped[str | None]
    passes_on_at: Mapped[datetime | None]
    passes_on_to: Mapped[str | None]

    @property
    def key_owner_id(self) -> UUID:
        """Sealed under the patient's key, or the site's."""
        return self.owner_id
