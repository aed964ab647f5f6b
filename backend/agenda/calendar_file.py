"""A patient's agenda as the patient's calendar program gets it: from stored rows to the text of an iCalendar file."""

from functools import partial
from uuid import UUID

from backend.agenda.history import agenda_of
from backend.agenda.ics import Edition, calendar_text, nothing
from backend.db import Transaction
from backend.patients import contact
from backend.patients.models import Patient
from backend.sealing import Keyring, keyring_of
from backend.terms import NO_LONGER_FOLLOWED, Language


def calendar_file(txn: Transaction, patient: Patient) -> str:
    """The file as it stands now, in the patient's language. Reads only.

    After a death or a withdrawal from the study it is empty, so that programs remove what they showed; while contact
    is held its days stand there and no alarm rings.
    """
    language = Language(patient.language)
    if patient.status in NO_LONGER_FOLLOWED:
        return nothing(language)
    return calendar_text(
        agenda_of(txn, patient),
        language=language,
        uid_of=partial(_uid, keyring_of(txn), patient.id),
        edition=Edition(
            revision=patient.agenda_revision,
            changed_at=patient.agenda_changed_at or patient.enrolled_at,
            written_at=txn.now,
        ),
        rings=not contact.holds(txn, patient),
    )


def _uid(keyring: Keyring, patient_id: UUID, key: str) -> str:
    """Always the same for one item of one patient, and nothing can be learnt from it."""
    return str(UUID(hex=keyring.fingerprint("calendar event", f"{patient_id}:{key}")[:32]))
