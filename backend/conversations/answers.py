"""A digit as an answer to the one question that is open, and what we say back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update

import notifications
from backend import clock
from backend.agenda.calendar import by_key
from backend.agenda.changes import reply_to_all
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of
from backend.agenda.news import pair_of
from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.among import among
from backend.conversation_terms import WhyHere
from backend.conversations import printed
from backend.conversations.loops import is_a_loop, leave_in_silence
from backend.conversations.reading import tells_of_fever
from backend.db import Actor, Transaction, UTCDateTime
from backend.patients.models import Caregiver, Patient
from backend.patients.new_numbers import is_confirmed
from backend.sealing import unseal
from backend.survival.follow_up import confirm_alive
from backend.terms import ChannelKind, EvidenceSource, Originator, Recipient, Reply, Urgency, WorkReason
from backend.triage.questions import take_answer
from backend.worklist.items import open_item
from notifications import inbound
from notifications.models import Attempt, InboundMessage, Message
from notifications.outbox import Letter, open_questions

YES, PLEASE_CHANGE, CALL_ME = 1, 2, 3
SURVIVAL = "survival"

# Asked for every digit, and so put together once.
_TRIED_BEFORE = select(Attempt).where(
    among(Attempt.message_id, "messages"), Attempt.started_at <= bindparam("written", type_=UTCDateTime())
)
_MESSAGE = cast(Table, Message.__table__)
_ANSWERED = update(_MESSAGE).where(among(_MESSAGE.c.id, "messages")).values(answered_at=bindparam("at"))


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


@dataclass(frozen=True)
class Asked:
    """What a person was asked for a digit, as a text of theirs meets it in their turn."""

    # Those that the text may answer, the newest of each thing asked about.
    questions: Sequence[Message]
    # Everything that has had no answer, newest first, and where there is any, the agenda beside it.
    open: Sequence[Message]
    agenda: Sequence[AgendaItem]


def may_count(received: InboundMessage, sender: Sender) -> bool:
    """Whether what this person writes may be an answer: not yet from a number that nobody confirmed."""
    is_own = sender.caregiver is None and received.number_index is not None
    return not is_own or is_confirmed(sender.patient)


def take_digit(txn: Transaction, received: InboundMessage, sender: Sender, digit: int) -> None:
    """The digit answers the open question if there is exactly one; two get one clarifying text, then a person."""
    _take(txn, received, sender, _asked_of(txn, received, sender), digit)


def take_printed_word(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text was the word that an open question prints beside a digit: then it is that digit, to it alone.

    ``1还好`` cannot answer a visit, where 1 stands beside another word. What is written in the app under a message of
    ours answers that message, and no other.
    """
    if received.in_reply_to is not None:
        return False
    text, asked = inbound.text_of(txn, received), _asked_of(txn, received, sender)
    meant = [(one, printed.digit_meant(text, printed.words_of(one.template))) for one in asked.questions]
    digits = {digit for _, digit in meant if digit is not None}
    if len(digits) != 1:
        return False
    these = replace(asked, questions=[one for one, digit in meant if digit is not None])
    _take(txn, received, sender, these, digits.pop())
    return True


def _take(txn: Transaction, received: InboundMessage, sender: Sender, asked: Asked, digit: int) -> None:
    questions = asked.questions
    if digit == CALL_ME and questions:
        _promise_a_call(txn, received, sender, asked)
    elif len(questions) > 1 and not was_asked_to_clarify(txn, sender, questions):
        answer(txn, received, sender, "please_clarify", "asked_to_clarify")
    elif len(questions) == 1 and _answer(txn, received, sender, asked, digit):
        _close(txn, asked)
    elif questions:
        leave_to_a_person(txn, received, sender)
    else:
        take_words(txn, received, sender)


def take_words(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Words, or a number that no reminder had asked for: an answer to what the team has asked, or for a person."""
    if is_an_answer(txn, received, sender):
        answer(txn, received, sender, "thanks_reply", "answered")
    else:
        why = WhyHere.DANGER if tells_of_fever(inbound.text_of(txn, received)) else inbound.INBOX
        leave_to_a_person(txn, received, sender, why=why)


def is_an_answer(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text answered what the team has asked this patient. What a relative writes is no answer to it."""
    is_theirs = sender.caregiver is None and may_count(received, sender)
    return is_theirs and take_answer(txn, sender.patient, received)


def answer(
    txn: Transaction,
    received: InboundMessage,
    sender: Sender,
    template: str,
    how: str,
    *,
    values: Mapping[str, str] | None = None,
) -> None:
    """Understood, and answered. Where two machines talk to each other a person reads it instead, in silence."""
    if say(txn, received, sender, template, values=values):
        done(txn, received, sender, how)
    else:
        leave_in_silence(txn, received, sender.patient)


def say(
    txn: Transaction,
    received: InboundMessage,
    sender: Sender,
    template: str,
    *,
    values: Mapping[str, str] | None = None,
) -> bool:
    """Answer a text, unless two machines have begun to talk to each other: then False."""
    if is_a_loop(txn, received, template):
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
            values=values or {},
        ),
    )
    return True


def done(txn: Transaction, received: InboundMessage, sender: Sender, how: str) -> None:
    """Understood, and nothing is left for a person to read."""
    inbound.mark_handled(txn, received, how, sender.patient.id, site_id=sender.patient.site_id)


def leave_to_a_person(txn: Transaction, received: InboundMessage, sender: Sender, *, why: str = inbound.INBOX) -> None:
    """Kept whole, in the site's inbox; the writer hears that somebody will read it."""
    patient = sender.patient
    if say(txn, received, sender, "still_unclear_reply"):
        inbound.leave_to_a_person(txn, received, patient_id=patient.id, site_id=patient.site_id, why=why)
    else:
        leave_in_silence(txn, received, sender.patient)


def questions_for(txn: Transaction, received: InboundMessage, sender: Sender) -> Sequence[Message]:
    """The questions this person may answer with this text, the newest of each thing asked about."""
    return _asked_of(txn, received, sender).questions


def _asked_of(txn: Transaction, received: InboundMessage, sender: Sender) -> Asked:
    asked = open_questions(txn, sender.patient.id, sender.recipient)
    # Where nothing is open, nobody need know how the agenda stands.
    agenda = agenda_of(txn, sender.patient) if asked else ()
    items = by_key(agenda)
    still = [message for message in asked if _is_still_to_come(message, items.get(message.agenda_key or ""))]
    there = _asked_there(txn, still, received)
    newest: dict[str, Message] = {}
    for message in still:
        if message.id in there:
            newest.setdefault(_thing(message), message)
    return Asked(list(newest.values()), asked, agenda)


def _is_still_to_come(message: Message, item: AgendaItem | None) -> bool:
    """Whether what it asks about stands as it did when it was asked."""
    return item is not None and item.state in AHEAD_OR_OPEN and item.due_on.isoformat() in message.key


def _asked_there(txn: Transaction, messages: Sequence[Message], received: InboundMessage) -> Collection[UUID]:
    """Of these messages, by id, those that this text may answer: asked at its own number, or in the app, before it.

    A webhook may have been lost and the text come late; and what was asked at a former number, its new owner was not.
    """
    if not messages:
        return ()
    number = inbound.number_of(txn, received)
    tries = {"messages": [message.id for message in messages], "written": received.received_at}
    return {
        one.message_id
        for one in txn.session.scalars(_TRIED_BEFORE, tries)
        if number is None or one.channel != ChannelKind.SMS or unseal(txn, one, "address_sealed") == number
    }


def _may_answer(sender: Sender, question: Message) -> bool:
    """A caregiver says that the patient lives, or answers for them, only where the patient lets them."""
    caregiver = sender.caregiver
    if caregiver is None:
        return True
    return caregiver.may_confirm_survival if question.asks == SURVIVAL else caregiver.may_report


def _answer(txn: Transaction, received: InboundMessage, sender: Sender, asked: Asked, digit: int) -> bool:
    """Whether the digit was an answer to the one question."""
    (question,) = asked.questions
    if not _may_answer(sender, question):
        return False
    if question.asks == SURVIVAL and digit == YES:
        that_day = clock.local_day(received.received_at, sender.patient.time_zone)
        reference = f"text:{received.id}"
        confirm_alive(txn, sender.patient, as_of=that_day, source=sender.source, reference=reference)
        _thank(txn, received, sender, "thanks_reply")
        return True
    if question.asks == SURVIVAL or question.agenda_key is None or digit not in (YES, PLEASE_CHANGE):
        return False
    reply = Reply.COMING if digit == YES else Reply.PLEASE_CHANGE
    reply_to_all(txn, sender.patient, question.agenda_key, reply, seen=asked.agenda)
    _thank(txn, received, sender, "thanks_reply" if digit == YES else "change_noted_reply")
    return True


def _thing(message: Message) -> str:
    """What a question is about: the days of one cycle are one thing to whoever answers."""
    return pair_of(message.agenda_key or message.key)


def _thank(txn: Transaction, received: InboundMessage, sender: Sender, template: str) -> None:
    answer(txn, received, sender, template, "answered")


def take_call(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Somebody is to call, and nothing that was asked is asked again until they have."""
    _promise_a_call(txn, received, sender, _asked_of(txn, received, sender))


def _promise_a_call(txn: Transaction, received: InboundMessage, sender: Sender, asked: Asked) -> None:
    open_item(
        txn,
        reason=WorkReason.CALL_REQUESTED,
        key=f"call-me:{received.id}",
        site_id=sender.patient.site_id,
        patient_id=sender.patient.id,
        due_at=txn.now,
    )
    _thank(txn, received, sender, "call_noted_reply")
    _close(txn, asked)


def _close(txn: Transaction, asked: Asked) -> None:
    """A thing that was answered is not asked any more, however often we had asked."""
    things = {_thing(message) for message in asked.questions}
    answered = [message.id for message in asked.open if _thing(message) in things]
    txn.connection.execute(_ANSWERED, {"messages": answered, "at": txn.now})


def was_asked_to_clarify(txn: Transaction, sender: Sender, questions: Sequence[Message]) -> bool:
    """Whether we have said, since the first of these was asked, that we cannot tell which was meant."""
    since = min(message.send_at for message in questions)
    asked = select(Message.id).where(
        Message.patient_id == sender.patient.id, Message.template == "please_clarify", Message.created_at >= since
    )
    return txn.session.scalar(asked.limit(1)) is not None
