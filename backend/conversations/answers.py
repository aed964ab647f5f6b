"""A digit as an answer to the one question that is open, and what we say back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

import notifications
from backend import clock
from backend.agenda.calendar import by_key
from backend.agenda.changes import reply_to_all
from backend.agenda.history import agenda_of
from backend.agenda.news import pair_of
from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.db import Actor, Transaction
from backend.patients.models import Caregiver, Patient
from backend.survival.follow_up import confirm_alive
from backend.terms import EvidenceSource, Originator, Recipient, Reply, Urgency, WorkReason
from backend.triage.questions import take_answer
from backend.worklist.items import open_item
from notifications import inbound
from notifications.models import Attempt, InboundMessage, Message
from notifications.outbox import Letter, open_questions

YES, PLEASE_CHANGE, CALL_ME = 1, 2, 3
SURVIVAL = "survival"
MOST_REPLIES = 6
LOOP_WINDOW = timedelta(minutes=10)
# Said whatever else holds: to a number in a loop, while contact is held, after a withdrawal.
ALWAYS_SAID = frozenset({"danger_reply", "kind_reply"})


@dataclass(frozen=True)
class Sender:
    """Who wrote: a patient, or a caregiver about a patient."""

    patient: Patient
    caregiver: Caregiver | None

    @property
    def actor(self) -> Actor:
        """In whose name the text acts."""
        if self.caregiver is not None:
            return Actor(Originator.PROXY, id=self.caregiver.id)
        return Actor(Originator.PATIENT, id=self.patient.id)

    @property
    def source(self) -> EvidenceSource:
        """Whose word it is that the patient lives."""
        return EvidenceSource.CAREGIVER if self.caregiver is not None else EvidenceSource.PATIENT

    @property
    def recipient(self) -> Recipient:
        """As whom they are written to."""
        return Recipient.CAREGIVER if self.caregiver is not None else Recipient.PATIENT


def take_digit(txn: Transaction, received: InboundMessage, sender: Sender, digit: int) -> None:
    """The digit answers the open question if there is exactly one; two get one clarifying text, then a person."""
    questions = _open_for(txn, received, sender)
    if digit == CALL_ME and questions:
        _call(txn, received, sender)
        _close(txn, sender, questions)
    elif len(questions) > 1 and not _was_asked_to_clarify(txn, sender, questions):
        answer(txn, received, sender, "please_clarify", "asked_to_clarify")
    elif len(questions) == 1 and _answer(txn, received, sender, questions[0], digit):
        _close(txn, sender, questions)
    elif questions:
        leave_to_a_person(txn, received, sender)
    else:
        take_words(txn, received, sender)


def take_words(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Words, or a number that no reminder had asked for: an answer to what the team has asked, or for a person."""
    if is_an_answer(txn, received, sender):
        answer(txn, received, sender, "thanks_reply", "answered")
    else:
        leave_to_a_person(txn, received, sender)


def is_an_answer(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text answered what the team has asked this patient. What a relative writes is no answer to it."""
    return sender.caregiver is None and take_answer(txn, sender.patient, received)


def answer(txn: Transaction, received: InboundMessage, sender: Sender, template: str, how: str) -> None:
    """Understood, and answered. Where two machines talk to each other a person reads it instead, in silence."""
    if say(txn, received, sender, template):
        done(txn, received, sender, how)
    else:
        inbound.leave_to_a_person(txn, received, patient_id=sender.patient.id, site_id=sender.patient.site_id)


def say(txn: Transaction, received: InboundMessage, sender: Sender, template: str) -> bool:
    """Answer a text, unless two machines have begun to talk to each other: then False."""
    if template not in ALWAYS_SAID and _is_a_loop(txn, received):
        return False
    notifications.queue(
        txn,
        Letter(
            key=f"reply:{received.id}",
            template=template,
            recipient=sender.recipient,
            send_at=txn.now,
            urgency=Urgency.REPLY,
            patient_id=sender.patient.id,
            site_id=sender.patient.site_id,
            caregiver_id=sender.caregiver.id if sender.caregiver else None,
            in_reply_to=received.id,
        ),
    )
    return True


def done(txn: Transaction, received: InboundMessage, sender: Sender, how: str) -> None:
    """Understood, and nothing is left for a person to read."""
    inbound.mark_handled(txn, received, how, sender.patient.id, site_id=sender.patient.site_id)


def leave_to_a_person(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Kept whole, in the site's inbox; the writer hears that somebody will read it."""
    inbound.leave_to_a_person(txn, received, patient_id=sender.patient.id, site_id=sender.patient.site_id)
    say(txn, received, sender, "still_unclear_reply")


def _open_for(txn: Transaction, received: InboundMessage, sender: Sender) -> Sequence[Message]:
    """The questions this person may answer with this text, the newest of each thing asked about."""
    newest: dict[str, Message] = {}
    agenda = by_key(agenda_of(txn, sender.patient))
    for message in open_questions(txn, sender.patient.id, sender.recipient):
        item = agenda.get(message.agenda_key or "")
        if item is None or item.state not in AHEAD_OR_OPEN or item.due_on.isoformat() not in message.key:
            continue
        if _was_asked_before(txn, message, received):
            newest.setdefault(_thing(message), message)
    return list(newest.values())


def _was_asked_before(txn: Transaction, message: Message, received: InboundMessage) -> bool:
    """A text that came late, because a webhook was lost, answers nothing that was asked after it was written."""
    asked = select(Attempt.id).where(Attempt.message_id == message.id, Attempt.started_at <= received.received_at)
    return txn.session.scalar(asked.limit(1)) is not None


def _answer(txn: Transaction, received: InboundMessage, sender: Sender, question: Message, digit: int) -> bool:
    """Whether the digit was an answer to this question."""
    if question.asks == SURVIVAL and digit == YES:
        that_day = clock.local_day(received.received_at, sender.patient.time_zone)
        reference = f"text:{received.id}"
        confirm_alive(txn, sender.patient, as_of=that_day, source=sender.source, reference=reference)
        _thank(txn, received, sender, "thanks_reply")
        return True
    if question.asks == SURVIVAL or question.agenda_key is None or digit not in (YES, PLEASE_CHANGE):
        return False
    reply = Reply.COMING if digit == YES else Reply.PLEASE_CHANGE
    reply_to_all(txn, sender.patient, question.agenda_key, reply)
    _thank(txn, received, sender, "thanks_reply" if digit == YES else "change_noted_reply")
    return True


def _thing(message: Message) -> str:
    """What a question is about: the days of one cycle are one thing to whoever answers."""
    return pair_of(message.agenda_key or message.key)


def _thank(txn: Transaction, received: InboundMessage, sender: Sender, template: str) -> None:
    answer(txn, received, sender, template, "answered")


def _call(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    open_item(
        txn,
        reason=WorkReason.CALL_REQUESTED,
        key=f"call-me:{received.id}",
        site_id=sender.patient.site_id,
        patient_id=sender.patient.id,
        due_at=txn.now,
    )
    _thank(txn, received, sender, "call_noted_reply")


def _close(txn: Transaction, sender: Sender, questions: Sequence[Message]) -> None:
    """A thing that was answered is not asked any more, however often we had asked."""
    things = {_thing(message) for message in questions}
    for message in open_questions(txn, sender.patient.id, sender.recipient):
        if _thing(message) in things:
            message.answered_at = txn.now


def _was_asked_to_clarify(txn: Transaction, sender: Sender, questions: Sequence[Message]) -> bool:
    since = min(message.send_at for message in questions)
    asked = select(Message.id).where(
        Message.patient_id == sender.patient.id, Message.template == "please_clarify", Message.created_at >= since
    )
    return txn.session.scalar(asked.limit(1)) is not None


def _is_a_loop(txn: Transaction, received: InboundMessage) -> bool:
    recent = (
        select(func.count(Message.id))
        .join(InboundMessage, InboundMessage.id == Message.in_reply_to)
        .where(
            InboundMessage.number_index == received.number_index,
            Message.created_at > txn.now - LOOP_WINDOW,
            Message.urgency == Urgency.REPLY,
        )
    )
    return received.number_index is not None and (txn.session.scalar(recent) or 0) >= MOST_REPLIES
