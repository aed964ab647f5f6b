"""Messages to members of staff about a patient. Whether and when each goes is decided at release, by its template."""

from collections.abc import Mapping
from uuid import UUID

import notifications
from backend.db import Transaction
from backend.terms import Recipient, Urgency
from notifications.outbox import Letter


def write_to_staff(
    txn: Transaction,
    staff_id: UUID,
    *,
    key: str,
    template: str,
    patient_id: UUID,
    site_id: UUID,
    values: Mapping[str, str] | None = None,
) -> None:
    """Queue it once by its key; ``values`` name records, never anything about the patient."""
    notifications.queue(
        txn,
        Letter(
            key=key,
            template=template,
            recipient=Recipient.STAFF,
            send_at=txn.now,
            urgency=Urgency.SAFETY,
            patient_id=patient_id,
            site_id=site_id,
            staff_id=staff_id,
            values=values or {},
        ),
    )
