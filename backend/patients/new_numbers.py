"""A patient's number that was changed: the old one may be a stranger's now, and the new one may be one already.

Until somebody at the new number has shown who they are, what comes from it is nobody's answer: it is read by a person.
What is planned goes there all the same, because it names nobody, and an infusion must not be missed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

import notifications
from backend import audit
from backend.db import Transaction
from backend.patients.models import Caregiver, FormerNumber, Patient
from backend.sealing import keyring_of, seal, unseal
from backend.terms import NO_LONGER_FOLLOWED, ChannelKind, Recipient, Urgency
from notifications import Letter, numbers
from notifications.models import Message

NOTICE, PLEASE_CONFIRM = "former_number_notice", "confirm_number"
# Among a notice's values, of which number it is; among those of any message, by which way alone it is to go.
OF, BY = "former_number", "by"
# Before its question, in the key of whatever asks at a new number who answers there.
ASKED = "confirm-number:"
SILENCE = timedelta(days=3)
# A notice that could not go by then would only puzzle whoever has the number.
WORTH_SAYING = timedelta(days=7)


def is_confirmed(patient: Patient) -> bool:
    """Whether what comes from the patient's number may count as the patient's. A number that was never changed is."""
    return patient.phone_unconfirmed_since is None


def mark_change(txn: Transaction, patient: Patient, before: str | None) -> None:
    """The record holds another number than ``before``: whoever has it must show who they are. Before the flush."""
    after = unseal(txn, patient, "phone_sealed")
    if after != before:
        is_another = before is not None or _had_another(txn, patient)
        patient.phone_unconfirmed_since = txn.now if after is not None and is_another else None


def tell_of_change(txn: Transaction, patient: Patient, before: str | None) -> None:
    """Keep the number that was given up, tell it once that it is not used any more, and ask at the new one."""
    after = unseal(txn, patient, "phone_sealed")
    if after == before:
        return
    notifications.cancel(txn, patient.id, key_prefix=ASKED, reason="asked_elsewhere")
    former = _keep(txn, patient, before) if before is not None else None
    if after is not None:
        # Whoever writes it down says that it is right; what stood against it was said before.
        numbers.lift(txn, keyring_of(txn).blind_index("phone", after), numbers.ENTERED, if_by_word=True)
    if patient.status in NO_LONGER_FOLLOWED:
        return
    if former is not None:
        notifications.queue(txn, _notice(txn, patient, former))
    if patient.phone_unconfirmed_since is not None:
        notifications.queue(txn, _question(patient, patient.phone_unconfirmed_since, former))


def confirm(txn: Transaction, patient: Patient, how: str) -> None:
    """The patient answers at the number. Whoever calls this has taken the patient's turn."""
    patient.phone_unconfirmed_since = None
    audit.record(txn, "phone.confirmed", patient, reason=how)
    notifications.cancel(txn, patient.id, key_prefix=ASKED, reason="confirmed")
    txn.session.flush()


def key_of(since: datetime) -> str:
    """What names the question who answers at a number that was entered at this moment."""
    return f"{ASKED}{since.isoformat()}"


def is_a_current_number(txn: Transaction, number_index: str) -> bool:
    """Whether the record names it as any patient's or caregiver's own."""
    named = select(Caregiver.id).where(Caregiver.phone_index == number_index, Caregiver.ended_at.is_(None))
    owned = select(Patient.id).where(Patient.phone_index == number_index)
    return any(txn.session.scalar(found.limit(1)) is not None for found in (owned, named))


def former_owners(txn: Transaction, number_index: str | None) -> Sequence[Patient]:
    """Whose number this was: theirs, or that of a caregiver whom they have named no more. Perhaps a stranger's now."""
    if number_index is None:
        return ()
    had = select(FormerNumber.patient_id).where(FormerNumber.number_index == number_index)
    ended = Caregiver.ended_at.is_not(None)
    named = select(Caregiver.patient_id).where(Caregiver.phone_index == number_index, ended)
    whose = select(Patient).where(Patient.id.in_(had.union(named)))
    return txn.session.scalars(whose.order_by(Patient.subject_number)).all()


def former_number_of(txn: Transaction, message: Message) -> str | None:
    """The number that a notice goes to; None once it is forgotten."""
    former = txn.session.get(FormerNumber, UUID(str(message.values[OF]))) if OF in message.values else None
    return unseal(txn, former, "number_sealed") if former is not None else None


def _had_another(txn: Transaction, patient: Patient) -> bool:
    """Taking a number away and giving another later is changing it."""
    had = select(FormerNumber.id).where(FormerNumber.patient_id == patient.id)
    return txn.session.scalar(had.limit(1)) is not None


def _keep(txn: Transaction, patient: Patient, number: str) -> FormerNumber:
    former = FormerNumber(id=uuid4(), patient_id=patient.id, site_id=patient.site_id, replaced_at=txn.now)
    former.number_index = keyring_of(txn).blind_index("phone", number)
    former.number_sealed = seal(txn, former, "number_sealed", number)
    audit.record(txn, "phone.replaced", former)
    txn.session.flush()
    return former


def _notice(txn: Transaction, patient: Patient, former: FormerNumber) -> Letter:
    return Letter(
        key=f"number-changed:{former.id}",
        template=NOTICE,
        recipient=Recipient.FORMER_NUMBER,
        send_at=txn.now,
        urgency=Urgency.SAFETY,
        patient_id=patient.id,
        site_id=patient.site_id,
        values={OF: str(former.id)},
        expires_at=txn.now + WORTH_SAYING,
    )


def _question(patient: Patient, since: datetime, former: FormerNumber | None) -> Letter:
    return Letter(
        # Of two changes at one moment each asks.
        key=f"{key_of(since)}/{former.id if former is not None else ''}",
        template=PLEASE_CONFIRM,
        recipient=Recipient.PATIENT,
        send_at=since,
        urgency=Urgency.SAFETY,
        patient_id=patient.id,
        site_id=patient.site_id,
        values={BY: ChannelKind.SMS},
        expires_at=since + SILENCE,
    )
