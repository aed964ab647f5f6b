"""What a person of the team writes: to a patient, or in answer to a text in the inbox. The mailroom carries it.

Words that would show an illness, a drug or a name on a screen anybody can see do not travel by text message. Whoever
has died, has left, or has asked for no texts is not written to.
"""

import re
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from sqlalchemy import select

import notifications
from backend import audit
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput, NoLongerPossible
from backend.patients import contact
from backend.patients.models import Caregiver, Patient
from backend.patients.turns import one_at_a_time_for
from backend.sealing import seal, unseal
from backend.terms import NO_LONGER_FOLLOWED, ChannelKind, Language, Recipient, Urgency
from backend.triage.questions import NOT_BY_TEXT, is_reached_by_text, may_be_texted, names_what_is_never_texted
from notifications import Letter, inbound, numbers, opt_outs
from notifications.models import InboundMessage, Message

TEMPLATE = "letter"
LANGUAGE = "language"
CHINESE = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True)
class Words:
    """What is written. ``id`` is made by whoever may send it twice; ``language`` frames what a stranger reads."""

    text: str
    id: UUID | None = None
    language: Language | None = None

    @property
    def key(self) -> str:
        """The same letter has the same key."""
        return f"letter:{self.id or uuid4()}"


def write(txn: Transaction, patient: Patient, words: Words) -> Message:
    """Write to a patient, by the ways the patient has chosen; it keeps the hours of rest.

    Raises ``NoLongerPossible`` for who may or can not be written to, ``InvalidInput`` for words that may not travel
    by text message, and ``AlreadyExists`` when another letter has this id.
    """
    one_at_a_time_for(txn, patient.id)
    _refuse_who_is_not_written_to(txn, patient)
    by_text = is_reached_by_text(txn, patient)
    if not by_text and ChannelKind.IN_APP not in patient.channels:
        raise NoLongerPossible("This patient cannot be written to. Please call.")
    if by_text and not may_be_texted(txn, patient, words.text):
        raise InvalidInput(fields={"text": [NOT_BY_TEXT]})
    return _post(txn, words, _letter(txn, patient, words))


def reply(txn: Transaction, received: InboundMessage, words: Words, site_id: UUID) -> Message:
    """Answer a text, to the number or the app it came from, whoever that is; the text itself stays in the inbox.

    ``site_id`` is whose telephone number the answer gives where nobody can tell whose text it is. Refuses as
    ``write`` does, and also when the number is no longer the patient's: a stranger may have it now.
    """
    if received.patient_id is None:
        return _reply_to_nobody_known(txn, received, words, site_id)
    patient = txn.session.get_one(Patient, received.patient_id)
    one_at_a_time_for(txn, patient.id)
    _refuse_who_is_not_written_to(txn, patient)
    number = inbound.number_of(txn, received)
    if number is not None:
        _refuse_a_stopped_number(txn, number)
        if not may_be_texted(txn, patient, words.text):
            raise InvalidInput(fields={"text": [NOT_BY_TEXT]})
    letter = replace(_letter(txn, patient, words), in_reply_to=received.id)
    caregiver = _writer(txn, patient, received)
    if caregiver is not None:
        letter = replace(letter, recipient=Recipient.CAREGIVER, caregiver_id=caregiver.id)
    return _post(txn, words, letter)


def _letter(txn: Transaction, patient: Patient, words: Words) -> Letter:
    """Outside the day's cap, but no emergency: it waits for the morning."""
    return Letter(
        key=words.key,
        template=TEMPLATE,
        recipient=Recipient.PATIENT,
        send_at=txn.now,
        urgency=Urgency.SAFETY,
        patient_id=patient.id,
        site_id=patient.site_id,
    )


def _refuse_who_is_not_written_to(txn: Transaction, patient: Patient) -> None:
    if patient.status in NO_LONGER_FOLLOWED:
        raise NoLongerPossible("This patient has died or has left the study, and is not written to any more.")
    if contact.holds(txn, patient):
        raise NoLongerPossible("Contact with this patient is held. Please call, if somebody must be told.")


def _refuse_a_stopped_number(txn: Transaction, number: str) -> None:
    if opt_outs.has_stopped(txn, number):
        raise NoLongerPossible("Whoever has this number has asked for no texts. Please call.")
    if numbers.is_a_strangers(txn, contact.phone_index(txn, number)):
        raise NoLongerPossible("Whoever has this number is said to be a stranger. Please call.")


def _writer(txn: Transaction, patient: Patient, received: InboundMessage) -> Caregiver | None:
    """Which caregiver wrote, None for the patient. Raises ``NoLongerPossible`` when the number is nobody's of them."""
    if received.number_index in (None, patient.phone_index):
        return None
    named = select(Caregiver).where(
        Caregiver.patient_id == patient.id,
        Caregiver.phone_index == received.number_index,
        Caregiver.ended_at.is_(None),
    )
    caregiver = txn.session.scalars(named.order_by(Caregiver.named_at, Caregiver.id).limit(1)).first()
    if caregiver is None:
        raise NoLongerPossible("This number is no longer the patient's or a caregiver's. Please call.")
    return caregiver


def _reply_to_nobody_known(txn: Transaction, received: InboundMessage, words: Words, site_id: UUID) -> Message:
    """Whoever wrote may be anybody, and must learn nothing from the answer that only a patient may know."""
    number = inbound.number_of(txn, received)
    if number is None:
        raise NoLongerPossible("Nobody can tell where this text came from.")
    _refuse_a_stopped_number(txn, number)
    if names_what_is_never_texted(txn, words.text):
        raise InvalidInput(fields={"text": [NOT_BY_TEXT]})
    said = inbound.text_of(txn, received)
    language = words.language or (Language.CHINESE if CHINESE.search(said) else Language.ENGLISH)
    letter = Letter(
        key=words.key,
        template=TEMPLATE,
        recipient=Recipient.WRITER,
        send_at=txn.now,
        urgency=Urgency.REPLY,
        site_id=received.site_id or site_id,
        in_reply_to=received.id,
        values={LANGUAGE: language},
    )
    return _post(txn, words, letter)


def _post(txn: Transaction, words: Words, letter: Letter) -> Message:
    queued = notifications.queue(txn, letter)
    if queued is None:
        return _the_same(txn, letter, words)
    queued.words_sealed = seal(txn, queued, "words_sealed", words.text)
    audit.note(txn, "letter.written", queued)
    txn.session.flush()
    return queued


def _the_same(txn: Transaction, letter: Letter, words: Words) -> Message:
    """A letter that is sent again is the one that is there."""
    whose = Message.patient_id == letter.patient_id if letter.patient_id else Message.patient_id.is_(None)
    known = txn.session.scalars(
        select(Message).where(Message.key == letter.key, Message.site_id == letter.site_id, whose)
    ).one()
    if unseal(txn, known, "words_sealed") != words.text or known.in_reply_to != letter.in_reply_to:
        raise AlreadyExists("Another letter has this id.")
    return known
