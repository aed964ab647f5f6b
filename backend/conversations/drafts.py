"""A questionnaire that is being answered, one answer after another, by text message or on the form.

Whatever way an answer comes, it is kept here the moment it comes; nothing that happens afterwards can lose it. Several
patients' questionnaires never meet; of one patient they take turns, like everything about a patient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select

from backend import audit
from backend.conversation_terms import ConversationStatus
from backend.conversations import script, states
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.states import Happened
from backend.db import Transaction, insert_now
from backend.errors import NoLongerPossible
from backend.instruments.definition import Instrument, instrument
from backend.patients.models import Caregiver, Patient
from backend.patients.turns import one_at_a_time_for
from backend.sealing import seal

# Asked with every prompt and every answer, and so put together once.
_ANSWERS = (
    select(ConversationAnswer)
    .where(ConversationAnswer.conversation_id == bindparam("id"))
    .order_by(ConversationAnswer.turn)
)
_LIVE = (
    select(Conversation)
    .where(Conversation.patient_id == bindparam("patient"), Conversation.ended_at.is_(None))
    .order_by(Conversation.opened_at.desc(), Conversation.id)
)


@dataclass(frozen=True)
class Opening:
    """What is to be asked of a patient, or of a ``caregiver`` about them: for an item of the agenda, or without one."""

    instrument: str
    version: int
    agenda_key: str | None
    extent: str
    language: str
    closes_at: datetime | None
    caregiver: Caregiver | None = None


def open_conversation(txn: Transaction, patient: Patient, wanted: Opening) -> Conversation:
    """The one that is being answered for this item of the agenda; a new one where there is none.

    Without an item it is the one of this instrument. Whoever began it answers it: a caregiver takes over only what
    nobody has begun to answer. Raises ``NoLongerPossible`` where the patient has, or another caregiver.
    """
    one_at_a_time_for(txn, patient.id)
    found = _live_for(txn, patient, wanted.agenda_key, wanted.instrument)
    if found is not None:
        return _taken_over(found, wanted.caregiver) if wanted.caregiver is not None else found
    opened = unwritten(txn, patient, wanted)
    txn.session.add(opened)
    txn.session.flush()
    return opened


def unwritten(txn: Transaction, patient: Patient, wanted: Opening) -> Conversation:
    """A new one, on the record. Whoever knows, in the patient's turn, that there is none yet writes it."""
    opened = Conversation(
        patient_id=patient.id,
        site_id=patient.site_id,
        caregiver_id=wanted.caregiver.id if wanted.caregiver else None,
        report_id=uuid4(),
        instrument=wanted.instrument,
        instrument_version=wanted.version,
        agenda_key=wanted.agenda_key,
        language=wanted.language,
        extent=wanted.extent,
        status=ConversationStatus.PENDING,
        unclear=0,
        opened_at=txn.now,
        closes_at=wanted.closes_at,
        links_issued=0,
    )
    audit.record_new(txn, "conversation.opened", opened)
    return opened


def live(txn: Transaction, patient: Patient) -> Sequence[Conversation]:
    """Everything this patient is being asked, or a caregiver about them; what was asked last comes first."""
    return txn.session.scalars(_LIVE, {"patient": patient.id}).all()


def hold(txn: Transaction, conversation: Conversation) -> Conversation:
    """Take the patient's turn, and read the conversation as it then is. Come here before changing anything of it."""
    txn.session.flush()
    if one_at_a_time_for(txn, conversation.patient_id) is not None:
        txn.session.refresh(conversation)
    return conversation


def record_answer(
    txn: Transaction,
    conversation: Conversation,
    item: str,
    value: float | None,
    *,
    channel: str,
    at: datetime,
    words: str | None = None,
    inbound_id: UUID | None = None,
) -> Mapping[str, ConversationAnswer]:
    """Keep one answer, with the value a report has: 0-4, 1 for yes and 0 for no, degrees; None where it was left out.

    The newest answer to a question counts; gives all that count then, as ``answers_of`` does. The caller holds the
    conversation. Raises ``NoLongerPossible`` once the questionnaire has ended, and ``ValueError`` for what no answer
    to this question can be: whoever reads answers checks that before.
    """
    asked_by = instrument_of(txn, conversation)
    if value is not None and not script.may_be(asked_by, item, value):
        raise ValueError(f"{item} cannot be {value}.")
    before = answers_of(txn, conversation) if conversation.first_answer_at else {}
    conversation.status = states.after(conversation.status, Happened.ANSWERED)
    conversation.first_answer_at = conversation.first_answer_at or at
    conversation.last_heard_at = at
    conversation.unclear = 0
    answer = ConversationAnswer(
        patient_id=conversation.patient_id,
        site_id=conversation.site_id,
        conversation_id=conversation.id,
        item=item,
        value=value,
        words_sealed=None,
        channel=channel,
        answered_at=at,
        turn=max((one.turn for one in before.values()), default=0) + 1,
        inbound_id=inbound_id,
    )
    answer.words_sealed = seal(txn, answer, "words_sealed", words)
    # The answer is its own record and never changes; one entry says that it came.
    audit.note(txn, "conversation.answered", answer)
    insert_now(txn, answer)
    return {**before, item: answer}


def answers_of(txn: Transaction, conversation: Conversation) -> Mapping[str, ConversationAnswer]:
    """By question, the newest answer, in the order in which they came.

    A question may be one that texts alone ask (``script.ONLY_BY_TEXT``); what that says of the items of the
    instrument, ``script.filled`` tells.
    """
    return {one.item: one for one in txn.session.scalars(_ANSWERS, {"id": conversation.id})}


def values_of(answers: Mapping[str, ConversationAnswer]) -> dict[str, float | None]:
    """The plain values, as the script asks for them."""
    return {item: answer.value for item, answer in answers.items()}


def instrument_of(txn: Transaction, conversation: Conversation) -> Instrument:
    """What it asks, in the version with which it began."""
    return instrument(txn, conversation.instrument, conversation.instrument_version)


def end(txn: Transaction, conversation: Conversation, status: ConversationStatus) -> None:
    """Nothing of it is asked any more. Nothing is filed here: see ``filing``."""
    ended = states.ended(conversation.status, status)
    audit.record_update(txn, f"conversation.{status}", conversation, status=ended, ended_at=txn.now, asked=None)


def _live_for(txn: Transaction, patient: Patient, agenda_key: str | None, instrument: str) -> Conversation | None:
    same = (
        Conversation.agenda_key == agenda_key
        if agenda_key is not None
        else Conversation.agenda_key.is_(None) & (Conversation.instrument == instrument)
    )
    found = select(Conversation).where(Conversation.patient_id == patient.id, Conversation.ended_at.is_(None), same)
    # What this transaction has changed itself must be written before the row is read anew.
    txn.session.flush()
    return txn.session.scalars(
        found.order_by(Conversation.opened_at.desc(), Conversation.id).execution_options(populate_existing=True)
    ).first()


def _taken_over(conversation: Conversation, caregiver: Caregiver) -> Conversation:
    if conversation.caregiver_id == caregiver.id:
        return conversation
    if conversation.first_answer_at is not None:
        raise NoLongerPossible("Somebody else has begun to answer this questionnaire.")
    conversation.caregiver_id = caregiver.id
    return conversation
