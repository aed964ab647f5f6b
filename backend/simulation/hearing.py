"""What people do with a message that has just reached them: each decides once, and answers when at the phone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from backend.conversations.asking import ASKS
from backend.db import Transaction, UTCDateTime
from backend.indexes import word
from backend.simulation import assumptions as of
from backend.simulation.stage import Person, Stage, next_hour
from backend.terms import Recipient
from notifications.models import Message

COMING, PLEASE_CHANGE, WELL = "1", "2", "1"
CONFIRM_NUMBER = "confirm_number"
ASKS_FOR_A_REPORT = frozenset({"report_due", "report_reminder", "safety_check_due"})

# Asked after every sending, and so put together once, of plain columns.
_ROW = Message.__table__.c
_HEARD = (
    select(_ROW.patient_id, _ROW.template, _ROW.agenda_key, _ROW.asks, _ROW.recipient)
    # As the index of unheard messages has it, so that the years behind are not looked through.
    .where(_ROW.answered_at.is_(None), _ROW.opened_at.is_(None))
    .where(_ROW.channel.is_not(None), _ROW.recipient.in_((word(Recipient.PATIENT), word(Recipient.CAREGIVER))))
    .where(_ROW.settled_at >= bindparam("since", type_=UTCDateTime()))
    .order_by(_ROW.settled_at, _ROW.patient_id, _ROW.key)
)

Heard = Row[UUID | None, str, str | None, str | None, str]


def hear(stage: Stage, txn: Transaction, since: datetime) -> int:
    """Everybody whom something has reached since then takes note; how many messages that were."""
    heard = txn.connection.execute(_HEARD, {"since": since}).all()
    for message in heard:
        person = stage.by_id.get(message.patient_id)
        if person is not None:
            _react(stage, txn, person, message)
    return len(heard)


def _react(stage: Stage, txn: Transaction, person: Person, message: Heard) -> None:
    if message.recipient == Recipient.CAREGIVER:
        _caregiver_calls(stage, txn, person, message)
        return
    if not person.fate.answers_at(txn.now):
        return
    if message.template in ASKS:
        # The next question of a survey that they have begun.
        stage.diary.add(txn.now + of.TIME_TO_TYPE, person.fate.number, "answers_question")
    elif message.template in ASKS_FOR_A_REPORT:
        _maybe_report(stage, txn, person, message.agenda_key)
    elif message.template == CONFIRM_NUMBER:
        stage.diary.add(_when(txn, person), person.fate.number, "writes", words=str(person.fate.birth_year))
    elif message.asks is not None:
        _ASKED.get(message.asks, _invited)(stage, txn, person, message.agenda_key)


def _maybe_report(stage: Stage, txn: Transaction, person: Person, key: str) -> None:
    """In the app; or by text, one question after another; or not at all, and the coordinator will telephone."""
    if not person.has_app:
        if person.fate.answers_surveys and key not in person.answering and _answers(person):
            person.answering.add(key)
            stage.diary.add(_when(txn, person), person.fate.number, "answers_question", key=key)
        return
    form = stage.forms.of(txn, person.fate.arm, person.id, key)
    if form is None or key in person.answering or not _answers(person):
        return
    person.answering.add(key)
    stage.diary.add(_when(txn, person), person.fate.number, "report", key=key, form=form)


def _well(stage: Stage, txn: Transaction, person: Person, key: str) -> None:
    if key in person.answering or not _answers(person):
        return
    person.answering.add(key)
    if person.has_texts and not person.has_stopped_texts:
        stage.diary.add(_when(txn, person), person.fate.number, "writes", key=key, words=WELL)
    elif person.has_app:
        stage.diary.add(_when(txn, person), person.fate.number, "survival", key=key)


def _invited(stage: Stage, txn: Transaction, person: Person, key: str) -> None:
    if key in person.answering or not person.has_texts or person.has_stopped_texts:
        return
    if not person.fate.happens(of.ANSWERS_AN_INVITATION):
        return
    person.answering.add(key)
    words = PLEASE_CHANGE if person.fate.happens(of.ASKS_FOR_ANOTHER_DATE) else COMING
    stage.diary.add(_when(txn, person), person.fate.number, "writes", key=key, words=words)


def _caregiver_calls(stage: Stage, txn: Transaction, person: Person, _message: Heard) -> None:
    """The text asks a caregiver to call the team, and some do."""
    if person.fate.happens(of.CAREGIVER_CALLS_BACK):
        act = "caregiver_confirms" if person.fate.answers_at(txn.now) else "death_told_by_caregiver"
        stage.diary.add(next_hour(txn.now, of.STAFF_LOOK_AT, skip=1), person.fate.number, act)


def _answers(person: Person) -> bool:
    return person.fate.happens(of.ANSWERS_A_PROMPT[person.fate.adherence])


def _when(txn: Transaction, person: Person) -> datetime:
    """The next time they are at the phone, or one of the times after."""
    skip = 0 if person.fate.happens(of.ANSWERS_AT_ONCE) else person.fate.chance.randint(1, len(of.AT_THE_PHONE))
    return next_hour(txn.now, of.AT_THE_PHONE, skip)


_ASKED: Mapping[str, Callable[[Stage, Transaction, Person, str], None]] = {"survival": _well}
