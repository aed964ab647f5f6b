"""From a received text to what it meant: an answer, a death, a danger, a call, or something for a person to read.

The text was stored and committed before anything here runs, so nothing that fails here can lose it.
"""

import logging
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from backend.conversations import answers, replies
from backend.conversations.answers import Sender
from backend.conversations.replies import Digit, Meaning
from backend.db import Database, Transaction, system
from backend.patients import contact, life
from backend.patients.models import Caregiver, Patient
from backend.protocol.load import protocol_of
from backend.survival import deaths
from backend.terms import Keyword, WorkReason
from backend.triage.candidates import open_for_text
from backend.worklist.items import open_item
from notifications import inbound
from notifications.models import InboundMessage

READER = system("text reader")
BATCH = 100

log = logging.getLogger(__name__)


def understand_waiting(db: Database) -> dict[str, int]:
    """Understand every text that nothing has looked at yet, each in a transaction of its own."""
    with db.reading(READER) as txn:
        waiting = list(txn.session.scalars(_not_looked_at()))
    understood = sum(understand(db, inbound_id) for inbound_id in waiting)
    return {"understood": understood, "failed": len(waiting) - understood}


def understand(db: Database, inbound_id: UUID) -> bool:
    """Understand one text, once. A failure leaves it in the inbox, where a person reads it."""
    try:
        with db.transaction(READER) as txn:
            received = inbound.take(txn, inbound_id)
            if received is not None:
                _handle(txn, received)
        return True
    except Exception:
        log.exception("a text could not be understood", extra={"inbound_id": str(inbound_id)})
        with db.transaction(READER) as txn:
            inbound.leave_to_a_person(txn, txn.session.get_one(InboundMessage, inbound_id))
        return False


def _not_looked_at() -> Select[UUID]:
    return (
        select(InboundMessage.id)
        .where(InboundMessage.handled_at.is_(None), InboundMessage.handled_how.is_(None))
        .order_by(InboundMessage.received_at, InboundMessage.id)
        .limit(BATCH)
    )


@dataclass(frozen=True)
class _Writers:
    """Whose number it is: patients by their own, and caregivers by theirs."""

    patients: tuple[Patient, ...]
    caregivers: tuple[Caregiver, ...]

    def only_sender(self, txn: Transaction) -> Sender | None:
        """The one person who can have written; None when there is no one, or more than one. Never the first."""
        if len(self.patients) == 1 and all(one.patient_id == self.patients[0].id for one in self.caregivers):
            return Sender(self.patients[0], None)
        if not self.patients and len({one.patient_id for one in self.caregivers}) == 1:
            caregiver = self.caregivers[0]
            return Sender(txn.session.get_one(Patient, caregiver.patient_id), caregiver)
        return None

    def only_site(self) -> UUID | None:
        """The site of all of them, if they have one in common."""
        sites = {patient.site_id for patient in self.patients} | {one.site_id for one in self.caregivers}
        return sites.pop() if len(sites) == 1 else None


def _handle(txn: Transaction, received: InboundMessage) -> None:
    keyword = inbound.obey(txn, received)
    writers = _writers_of(txn, received)
    sender = writers.only_sender(txn)
    if keyword is not None:
        _after_keyword(txn, received, keyword, writers, sender)
    elif sender is None:
        inbound.leave_to_a_person(txn, received, site_id=writers.only_site())
    else:
        _understand(txn.acting_as(sender.actor), received, sender)


def _writers_of(txn: Transaction, received: InboundMessage) -> _Writers:
    if received.patient_id is not None:
        return _Writers((txn.session.get_one(Patient, received.patient_id),), ())
    number = inbound.number_of(txn, received) or ""
    return _Writers(tuple(contact.patients_by_phone(txn, number)), tuple(contact.caregivers_by_phone(txn, number)))


def _after_keyword(
    txn: Transaction, received: InboundMessage, keyword: Keyword, writers: _Writers, sender: Sender | None
) -> None:
    """STOP and START have acted on the number already; here the people who must know are told."""
    if keyword is Keyword.STOP:
        for patient in writers.patients:
            open_item(
                txn,
                reason=WorkReason.MESSAGES_STOPPED,
                key=f"stopped:{received.id}",
                site_id=patient.site_id,
                patient_id=patient.id,
                due_at=txn.now,
            )
    if sender is not None:
        answers.say(txn, received, sender, "stop_reply" if keyword is Keyword.STOP else "start_reply")
    owner = sender.patient if sender else None
    inbound.mark_handled(
        txn, received, keyword, owner.id if owner else None, site_id=owner.site_id if owner else writers.only_site()
    )


def _understand(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    protocol = protocol_of(txn, sender.patient.protocol_version_id)
    text = inbound.text_of(txn, received)
    meaning = replies.read(text, danger_words=protocol.words.danger, death_words=protocol.words.death)
    match meaning:
        case Meaning.DEATH if not life.is_dead(sender.patient):
            _someone_says_the_patient_died(txn, received, sender)
        case Meaning.DANGER:
            open_for_text(txn, sender.patient, received.id)
            answers.say(txn, received, sender, "danger_reply")
            answers.done(txn, received, sender, "danger")
        case Meaning.HELP:
            answers.say(txn, received, sender, "help_reply")
            answers.done(txn, received, sender, "help")
        case Digit(value):
            answers.take_digit(txn, received, sender, value)
        case _:
            answers.leave_to_a_person(txn, received, sender)


def _someone_says_the_patient_died(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Relatives mostly write from the patient's own phone. One kind answer, no advice, and a person takes over."""
    deaths.report_death(txn, sender.patient, informant=f"text message {received.id}")
    answers.say(txn, received, sender, "kind_reply")
    inbound.leave_to_a_person(txn, received, patient_id=sender.patient.id, site_id=sender.patient.site_id)
