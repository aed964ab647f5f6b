"""From a received text to what it meant: an answer, a death, a danger, a call, or something for a person to read.

The text was stored and committed before anything here runs, so nothing that fails here can lose it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backend import audit
from backend.conversation_terms import WhyHere
from backend.conversations import (
    answers,
    commands,
    confirming,
    endings,
    late_answers,
    loops,
    nobodys,
    replies,
    staff_replies,
    strangers,
    surveys,
    temperatures,
)
from backend.conversations.answers import Sender
from backend.conversations.reading import Command
from backend.conversations.replies import EMERGENCIES, Digit, Meaning
from backend.conversations.strangers import lender
from backend.conversations.writers import Writers, writers_of
from backend.db import Database, Transaction, system
from backend.patients import contact, life
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.protocol.definition import Words
from backend.protocol.load import current_protocol, protocol_of
from backend.staff.models import StaffMember
from backend.survival import deaths
from backend.terms import Keyword, WorkReason
from backend.triage.candidates import open_for_text
from backend.worklist.items import open_item
from notifications import inbound, opt_outs
from notifications.models import InboundMessage

READER = system("text reader")
BATCH = 100
RETRIED_FOR = timedelta(hours=1)

# Asked every few seconds, and so put together once, of plain columns.
_TEXT = InboundMessage.__table__.c
_NOT_LOOKED_AT = (
    select(_TEXT.id)
    .where(_TEXT.handled_at.is_(None), _TEXT.handled_how.is_(None))
    .order_by(_TEXT.received_at, _TEXT.id)
    .limit(BATCH)
)

log = logging.getLogger(__name__)


def understand_waiting(db: Database) -> dict[str, int]:
    """Understand every text that nothing has looked at yet, each in a transaction of its own."""
    with db.reading(READER) as txn:
        waiting = txn.connection.scalars(_NOT_LOOKED_AT).all()
    understood = sum(understand(db, inbound_id) for inbound_id in waiting)
    return {"understood": understood, "failed": len(waiting) - understood}


def understand(db: Database, inbound_id: UUID) -> bool:
    """Understand one text, once. A failure leaves it on top of the inbox, where a person reads it."""
    try:
        with db.transaction(READER) as txn:
            received = inbound.take(txn, inbound_id)
            if received is not None:
                _handle(txn, received)
        return True
    except Exception as error:
        log.exception("a text could not be understood", extra={"inbound_id": str(inbound_id)})
        _after_failure(db, inbound_id, may_pass=isinstance(error, SQLAlchemyError))
        return False


def _after_failure(db: Database, inbound_id: UUID, *, may_pass: bool) -> None:
    """A database that was busy or away gets another try; anything else will fail again, so a person reads it."""
    try:
        with db.transaction(READER) as txn:
            if may_pass and txn.session.get_one(InboundMessage, inbound_id).received_at > txn.now - RETRIED_FOR:
                return
            received = inbound.take(txn, inbound_id)
            if received is not None:
                for step in (_give_to_its_site, _look_for_danger):
                    _try(txn, received, step)
                inbound.leave_to_a_person(txn, received, why=inbound.FAILED)
    except Exception:
        # It is kept, stands on top of the inbox after a while, and the next look tries again.
        log.exception("a text that failed could not be put aside", extra={"inbound_id": str(inbound_id)})


def _try(txn: Transaction, received: InboundMessage, step: Callable[[Transaction, InboundMessage], None]) -> None:
    """As much as can be done, each step by itself: what failed once may fail here too."""
    try:
        with audit.attempt(txn):
            step(txn, received)
            txn.session.flush()
    except Exception:
        log.exception("a text that failed was not looked at further", extra={"inbound_id": str(received.id)})


def _give_to_its_site(txn: Transaction, received: InboundMessage) -> None:
    """So that no other hospital reads it."""
    writers = writers_of(txn, received)
    sender = writers.only_sender(txn)
    site_id = sender.patient.site_id if sender else writers.only_site()
    inbound.give_to(txn, received, sender.patient.id if sender else None, site_id=site_id)


def _look_for_danger(txn: Transaction, received: InboundMessage) -> None:
    writers = writers_of(txn, received)
    sender = writers.only_sender(txn)
    if sender is None:
        _answer_danger_from_anybody(txn, received, writers)
    elif replies.holds_danger(inbound.text_of(txn, received), _words_of(txn, sender.patient)):
        _raise_the_alarm(txn.acting_as(sender.actor), received, sender)


def _handle(txn: Transaction, received: InboundMessage) -> None:
    keyword = inbound.obey(txn, received)
    writers = writers_of(txn, received)
    sender = writers.only_sender(txn)
    if keyword is not None:
        _after_keyword(txn, received, keyword, writers, sender)
    elif staff_replies.take_answer(txn, received, writers.staff, is_staff_only=writers.are_staff_only):
        return
    elif not strangers.take(txn, received, writers.written_to(txn), sender, writers.only_site()):
        _from_whom_we_know(txn, received, writers, sender)


def _from_whom_we_know(txn: Transaction, received: InboundMessage, writers: Writers, sender: Sender | None) -> None:
    if sender is None:
        _leave_without_a_sender(txn, received, writers)
    else:
        _understand(txn.acting_as(sender.actor), received, sender)


def _leave_without_a_sender(txn: Transaction, received: InboundMessage, writers: Writers) -> None:
    """Whose words they are is for a person to find out; danger is answered before that, at whoever's number."""
    is_danger = _answer_danger_from_anybody(txn, received, writers)
    why = WhyHere.DANGER if is_danger else _answer_anybody(txn, received, writers)
    if why is WhyHere.LOOP:
        loops.leave_in_silence(txn, received, None, site_id=writers.only_site())
        return
    inbound.leave_to_a_person(txn, received, site_id=writers.only_site(), why=why or writers.why_nobody_is_certain)


def _answer_anybody(txn: Transaction, received: InboundMessage, writers: Writers) -> WhyHere | None:
    """Where one site stands behind what is said; why a person must read it soon, if they must."""
    patients, text = writers.all_patients(txn), inbound.text_of(txn, received)
    if not patients:
        return nobodys.why_read_first(replies.read(text, current_protocol(txn).words))
    if writers.only_site() is None:
        return None
    meanings = {replies.read(text, _words_of(txn, patient)) for patient in patients}
    return nobodys.say(txn, received, patients, meanings, is_written_to=not writers.are_staff_only)


def _answer_danger_from_anybody(txn: Transaction, received: InboundMessage, writers: Writers) -> bool:
    """Words of danger from a number of several: somebody is called to each who lives. Whether there were any."""
    text, patients = inbound.text_of(txn, received), writers.all_patients(txn)
    if not any(replies.holds_danger(text, _words_of(txn, patient)) for patient in patients):
        return False
    # In one order always, so that two such texts never wait for each other.
    for patient in sorted(patients, key=lambda one: one.id):
        if not life.is_dead(patient):
            open_for_text(txn, patient, received.id)
    if writers.only_site() is not None:
        # The answer goes back to the number. One of them lends it the site's emergency phone and the language.
        answers.say(txn, received, Sender(patients[0], None), "danger_reply")
    return True


def _after_keyword(
    txn: Transaction, received: InboundMessage, keyword: Keyword, writers: Writers, sender: Sender | None
) -> None:
    """STOP and START have acted on the number already; here the people who must know are told."""
    if keyword is Keyword.STOP:
        for patient in (one for one in writers.written_to(txn) if not life.is_dead(one)):
            open_item(
                txn,
                reason=WorkReason.MESSAGES_STOPPED,
                key=_stopped_by(txn, received),
                site_id=patient.site_id,
                patient_id=patient.id,
                due_at=txn.now,
            )
        _say_that_pages_go_by_email(txn, received, writers.staff)
        _ask_nothing_more(txn, writers)
    theirs = writers.written_to(txn)
    if theirs:
        said = "stop_reply" if keyword is Keyword.STOP else "start_reply"
        answers.say(txn, received, sender or lender(theirs), said)
    owner = sender.patient if sender else None
    inbound.mark_handled(
        txn, received, keyword, owner.id if owner else None, site_id=owner.site_id if owner else writers.only_site()
    )


def _ask_nothing_more(txn: Transaction, writers: Writers) -> None:
    """What was answered until then is filed."""
    for patient in writers.patients:
        endings.stop(txn, patient)
    for caregiver in writers.caregivers:
        endings.stop(txn, txn.session.get_one(Patient, caregiver.patient_id), caregiver.id)


def _stopped_by(txn: Transaction, received: InboundMessage) -> str:
    """What names a STOP: who says it a second time, or once to the carrier and once to us, has said it once."""
    stop = opt_outs.standing(txn, inbound.number_of(txn, received) or "")
    if stop is not None and stop.stopped_by is None:
        return f"carrier-stopped:{stop.id}"
    return f"stopped:{stop.stopped_by if stop is not None else received.id}"


def _say_that_pages_go_by_email(txn: Transaction, received: InboundMessage, staff: Sequence[StaffMember]) -> None:
    """STOP holds for pages too. Emergencies then reach this person by e-mail alone, and somebody must know."""
    for member in staff:
        if member.home_site_id is not None:
            key = f"staff-stopped:{received.id}:{member.id}"
            reason, site_id = WorkReason.MESSAGES_STOPPED, member.home_site_id
            open_item(txn, reason=reason, key=key, site_id=site_id, due_at=txn.now)


def _understand(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    # For all that follows: of two texts the second sees what became of the first, and whoever is about to report the
    # death has done so by then, or waits until this is understood.
    take_turn(txn, sender.patient)
    meaning = replies.read(inbound.text_of(txn, received), _words_of(txn, sender.patient))
    is_dead = life.is_dead(sender.patient)
    # How somebody died is told in words of danger too. After the death is on the record that calls nobody.
    is_emergency = meaning is Meaning.DANGER if is_dead else meaning in EMERGENCIES
    if is_emergency:
        open_for_text(txn, sender.patient, received.id)
    if is_dead or (_is_death_reported(txn, sender.patient) and not (meaning is Meaning.DEATH and sender.caregiver)):
        _someone_writes_after_all(txn, received, sender, is_emergency=is_emergency)
        return
    match meaning:
        case Meaning.DEATH | Meaning.DEATH_AND_DANGER:
            _someone_says_the_patient_died(txn, received, sender)
        case Meaning.DANGER:
            answers.is_an_answer(txn, received, sender)
            answers.answer(txn, received, sender, "danger_reply", "danger")
        case Meaning.DANGER_PERHAPS_DEATH | Meaning.PERHAPS_DEATH:
            # Medicine that is used up, or a husband who is gone: a person reads it before anything else.
            answers.is_an_answer(txn, received, sender)
            answers.say(txn, received, sender, "danger_reply" if meaning in EMERGENCIES else "still_unclear_reply")
            _leave(txn, received, sender, WhyHere.PERHAPS_DEATH)
        case _:
            _take_what_is_plain(txn, received, sender, meaning)


def _take_what_is_plain(txn: Transaction, received: InboundMessage, sender: Sender, meaning: nobodys.Read) -> None:
    """No danger and no death: an answer, a word we act on, or something for a person to read."""
    if temperatures.is_nobodys_fever(txn, received, sender):
        return
    if meaning is not Command.HELP and confirming.take(txn, received, sender):
        return
    if any(takes.took(txn, received, sender) for takes in (late_answers, temperatures, surveys)):
        return
    match meaning:
        case Command():
            commands.obey(txn, received, sender, meaning)
        case Digit(value) if received.in_reply_to is None:
            answers.take_digit(txn, received, sender, value)
        case _:
            if not answers.take_printed_word(txn, received, sender):
                answers.take_words(txn, received, sender)


def _someone_says_the_patient_died(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Relatives mostly write from the patient's own phone. One kind answer, no advice, and a person takes over."""
    deaths.report_death(txn, sender.patient, informant=f"text message {received.id}")
    answers.say(txn, received, sender, "kind_reply")
    _leave(txn, received, sender, WhyHere.DEATH)


def _someone_writes_after_all(
    txn: Transaction, received: InboundMessage, sender: Sender, *, is_emergency: bool
) -> None:
    """The report may be mistaken, so a person reads this at once. Silence towards them, but for an emergency.

    So with whoever writes after the death is on the record: it is somebody who lives.
    """
    open_item(
        txn,
        reason=WorkReason.WROTE_WHILE_DEATH_REPORTED,
        key=f"wrote-while-death-reported:{received.id}",
        site_id=sender.patient.site_id,
        patient_id=sender.patient.id,
        due_at=txn.now,
    )
    if is_emergency:
        answers.say(txn, received, sender, "danger_reply")
    _leave(txn, received, sender, WhyHere.WROTE_WHILE_DEATH_REPORTED)


def _raise_the_alarm(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    open_for_text(txn, sender.patient, received.id)
    answers.say(txn, received, sender, "danger_reply")


def _leave(txn: Transaction, received: InboundMessage, sender: Sender, why: WhyHere) -> None:
    inbound.leave_to_a_person(txn, received, patient_id=sender.patient.id, site_id=sender.patient.site_id, why=why)


def _is_death_reported(txn: Transaction, patient: Patient) -> bool:
    return deaths.HELD_BECAUSE_REPORTED in contact.why_held(txn, [patient.id]).get(patient.id, ())


def _words_of(txn: Transaction, patient: Patient) -> Words:
    return protocol_of(txn, patient.protocol_version_id).words
