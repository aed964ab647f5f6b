"""What a person asks a patient about a candidate event, and the text that answers it.

Asking implies that a person took note. The words travel as a message of the patient's own, so they keep the hours
of rest; the answer is a text like any other, which was kept before anything looked for the question it answers.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_

import notifications
from backend import audit
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.patients import contact
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Patient
from backend.patients.new_numbers import is_confirmed
from backend.patients.turns import one_at_a_time_for
from backend.protocol.definition import Protocol
from backend.protocol.load import current_protocol, protocol_of
from backend.sealing import seal, unseal
from backend.terms import (
    OPEN_CANDIDATE_STATUSES,
    CandidateStatus,
    ChannelKind,
    MessageStatus,
    PatientStatus,
    Recipient,
    Urgency,
    WorkReason,
)
from backend.triage.decisions import acknowledge, keep_step, read_in_turn, refuse_closed
from backend.triage.models import CandidateDecision, CandidateEvent, CandidateQuestion
from backend.triage.words import holds_any
from backend.worklist.items import open_item
from notifications import Letter, inbound, opt_outs
from notifications.models import InboundMessage, Message

ASKED, ANSWERED = "asked", "answered"
TEMPLATE = "question"
NOT_BY_TEXT = "A text message must not name an illness, a drug, the study or the patient. Say it otherwise, or call."
# Until it has left, nothing the patient writes can be its answer.
HAS_LEFT = (MessageStatus.SENDING, MessageStatus.IN_DOUBT, MessageStatus.SENT, MessageStatus.DELIVERED)
# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


def ask(txn: Transaction, candidate: CandidateEvent, text: str) -> CandidateQuestion:
    """Send the patient a question and wait for the answer: the candidate ``needs_info``.

    Raises ``NoLongerPossible`` when the candidate is closed or the patient may not or cannot be written to, and
    ``InvalidInput`` when the words must not stand in a text message that would carry them.
    """
    read_in_turn(txn, candidate)
    patient = txn.session.get_one(Patient, candidate.patient_id, populate_existing=True)
    _refuse_who_is_not_asked(txn, patient)
    refuse_closed(txn, candidate)
    if is_reached_by_text(txn, patient) and not may_be_texted(txn, patient, text):
        raise InvalidInput(fields={"text": [NOT_BY_TEXT]})
    if candidate.status == CandidateStatus.PROPOSED:
        acknowledge(txn, candidate)
    before = candidate.status
    _move(txn, candidate, ASKED, CandidateStatus.NEEDS_INFO)
    keep_step(txn, candidate, ASKED, before)
    return _keep(txn, candidate, text)


def awaited(txn: Transaction, patient: Patient) -> Sequence[CandidateQuestion]:
    """What has been put to the patient about something that is still open, and has had no answer; the oldest first."""
    return txn.session.scalars(
        select(CandidateQuestion)
        .join(CandidateEvent, CandidateEvent.id == CandidateQuestion.candidate_event_id)
        .join(Message, Message.id == CandidateQuestion.message_id)
        .where(
            CandidateQuestion.patient_id == patient.id,
            CandidateQuestion.answered_at.is_(None),
            CandidateEvent.status.in_(OPEN_CANDIDATE_STATUSES),
            Message.status.in_(HAS_LEFT),
        )
        .order_by(CandidateQuestion.asked_at, CandidateQuestion.id)
    ).all()


def answered_by(txn: Transaction, patient: Patient, received: InboundMessage) -> CandidateQuestion | None:
    """Which question a text answers: the one it names, or else the only one that waits. None: no one can tell."""
    if received.in_reply_to is None:
        waiting = awaited(txn, patient)
        return waiting[0] if len(waiting) == 1 else None
    named = txn.session.get(CandidateQuestion, received.in_reply_to, populate_existing=True)
    is_open = named is not None and named.patient_id == patient.id and named.answered_at is None
    return named if is_open else None


def take_answer(txn: Transaction, patient: Patient, received: InboundMessage) -> bool:
    """Whether the text answers a question; then the team hears of it at once, and the candidate waits no more.

    A later text for a question that was answered, and one of two that could be meant, are for a person to read.
    """
    # Of two texts at once the second finds the question answered.
    one_at_a_time_for(txn, patient.id)
    question = answered_by(txn, patient, received)
    if question is None or patient.status == PatientStatus.DIED:
        return False
    question.answered_at = txn.now
    question.answered_by_text = received.id
    audit.record(txn, "candidate_question.answered", question)
    txn.session.flush()
    _go_on(txn, question)
    open_item(
        txn,
        reason=WorkReason.QUESTION_ANSWERED,
        key=f"question-answered:{question.id}",
        site_id=question.site_id,
        patient_id=question.patient_id,
        due_at=txn.now,
    )
    return True


def questions_of(
    txn: Transaction, candidate: CandidateEvent, *, after: tuple[datetime, UUID] | None = None, limit: int = 200
) -> tuple[Sequence[CandidateQuestion], tuple[datetime, UUID] | None]:
    """What was asked about a candidate, the first one first, and after which one the next begin."""
    asked = select(CandidateQuestion).where(CandidateQuestion.candidate_event_id == candidate.id)
    if after:
        asked = asked.where(tuple_(CandidateQuestion.asked_at, CandidateQuestion.id) > after)
    in_order = (CandidateQuestion.asked_at, CandidateQuestion.id)
    rows = txn.session.scalars(asked.order_by(*in_order).limit(limit + 1)).all()
    shown = rows[:limit]
    return shown, (shown[-1].asked_at, shown[-1].id) if len(rows) > limit else None


def words_of(txn: Transaction, question: CandidateQuestion) -> tuple[str | None, str | None]:
    """The question and the answer; None for what is not there yet, or belongs to somebody forgotten."""
    said = txn.session.get(InboundMessage, question.answered_by_text) if question.answered_by_text else None
    return unseal(txn, question, "text_sealed"), inbound.text_of(txn, said) if said else None


def carried_by(txn: Transaction, message_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """By message, the question it carries."""
    rows = select(CandidateQuestion.message_id, CandidateQuestion.id).where(
        CandidateQuestion.message_id.in_(message_ids)
    )
    return {message_id: id_ for message_id, id_ in txn.session.execute(rows) if message_id}


def is_still_asked(txn: Transaction, message: Message) -> bool:
    """Whether the answer to the question in this message is still wanted."""
    question = txn.session.scalar(select(CandidateQuestion).where(CandidateQuestion.message_id == message.id))
    if question is None or question.answered_at is not None:
        return False
    candidate = txn.session.get_one(CandidateEvent, question.candidate_event_id)
    return candidate.status in OPEN_CANDIDATE_STATUSES


def may_be_texted(txn: Transaction, patient: Patient, text: str) -> bool:
    """Whether these words may stand on a screen that anybody can see: no illness, drug, study or full name."""
    protocol = protocol_of(txn, patient.protocol_version_id)
    name = identifiers_of(txn, patient).name
    return not holds_any(text, [*_never_texted(protocol), *([name] if name else [])])


def names_what_is_never_texted(txn: Transaction, text: str) -> bool:
    """The same for words to somebody of whom nothing is known."""
    return holds_any(text, _never_texted(current_protocol(txn)))


def _never_texted(protocol: Protocol) -> list[str]:
    drugs = [word for drug in protocol.targeted_drugs.values() for word in (drug.code, *drug.names.values())]
    listed = [word for words in protocol.words.never_texted.values() for word in words]
    return [protocol.study, *protocol.titles.values(), *drugs, *listed]


def _refuse_who_is_not_asked(txn: Transaction, patient: Patient) -> None:
    if patient.status == PatientStatus.DIED:
        raise NoLongerPossible("This patient has died.")
    if patient.status != PatientStatus.ON_STUDY:
        raise NoLongerPossible("This patient has withdrawn and is not asked any more.")
    if contact.holds(txn, patient):
        raise NoLongerPossible("Contact with this patient is held.")
    if ChannelKind.IN_APP not in patient.channels and not is_reached_by_text(txn, patient):
        raise NoLongerPossible("This patient cannot be written to. Please call.")


def is_reached_by_text(txn: Transaction, patient: Patient) -> bool:
    """Whether what is written to this patient would travel as a text message."""
    number = identifiers_of(txn, patient).phone if ChannelKind.SMS in patient.channels else None
    return number is not None and is_confirmed(patient) and not opt_outs.has_stopped(txn, number)


def _keep(txn: Transaction, candidate: CandidateEvent, text: str) -> CandidateQuestion:
    question = CandidateQuestion(
        candidate_event_id=candidate.id,
        patient_id=candidate.patient_id,
        site_id=candidate.site_id,
        asked_by=txn.actor.id,
        asked_at=txn.now,
    )
    question.text_sealed = seal(txn, question, "text_sealed", text)
    message = notifications.queue(txn, _letter(txn, question))
    assert message is not None, "The key holds the id of a question that has just been made."
    message.words_sealed = seal(txn, message, "words_sealed", text)
    question.message_id = message.id
    audit.record(txn, "candidate_question.asked", question)
    txn.session.flush()
    return question


def _letter(txn: Transaction, question: CandidateQuestion) -> Letter:
    """Outside the day's cap, but no emergency: it waits for the morning."""
    return Letter(
        key=f"question:{question.id}",
        template=TEMPLATE,
        recipient=Recipient.PATIENT,
        send_at=txn.now,
        urgency=Urgency.SAFETY,
        patient_id=question.patient_id,
        site_id=question.site_id,
    )


def _go_on(txn: Transaction, question: CandidateQuestion) -> None:
    """The candidate waits for nothing more once its last question is answered."""
    candidate = txn.session.get_one(CandidateEvent, question.candidate_event_id, populate_existing=True)
    others = select(CandidateQuestion.id).where(
        CandidateQuestion.candidate_event_id == candidate.id, CandidateQuestion.answered_at.is_(None)
    )
    waits_on = txn.session.scalar(others.limit(1)) is not None
    before = candidate.status
    if before == CandidateStatus.NEEDS_INFO and not waits_on:
        _move(txn, candidate, ANSWERED, CandidateStatus.ACKNOWLEDGED)
    txn.session.flush()
    # It was the patient who took this step, and no member of staff: no page is answered by it.
    txn.session.add(
        CandidateDecision(
            candidate_event_id=candidate.id,
            patient_id=candidate.patient_id,
            site_id=candidate.site_id,
            kind=ANSWERED,
            from_status=before,
            to_status=candidate.status,
            decided_by=None,
            decided_at=txn.now,
        )
    )


def _move(txn: Transaction, candidate: CandidateEvent, kind: str, to: CandidateStatus) -> None:
    if candidate.status != to:
        candidate.status = to
        audit.record(txn, f"candidate_event.{kind}", candidate)
