"""Recorded conversations, played on a phone of the demo: each text takes the way that every text takes."""

from sqlalchemy import select

from backend.conversations.drafts import instrument_of
from backend.conversations.models import Conversation
from backend.conversations.script import is_yes_or_no
from backend.db import Database, Transaction
from backend.demo_clock import DEMO
from backend.errors import InvalidInput
from backend.patients import contact
from backend.patients.models import Patient
from backend.terms import Language
from backend.web.demo_phones import write_from
from backend.web.demo_steps import move_clock_by
from notifications.scheduler import Ticker
from seeds.demo.recorded import Recording, Step, recordings

# More than the longest questionnaire has questions: an answer that is not taken must not be given for ever.
MOST_TEXTS = 80


def recording_of(name: str) -> Recording:
    """The one of this name. Raises ``InvalidInput`` where there is none."""
    found = recordings().get(name)
    if found is None:
        raise InvalidInput(fields={"name": [f"Must be one of: {', '.join(recordings())}."]})
    return found


def play(db: Database, ticker: Ticker, number: str, recording: Recording) -> None:
    """All of it, from the first text to the last."""
    step: int | None = 0
    for _ in range(MOST_TEXTS):
        if step is None:
            return
        step = play_step(db, ticker, number, recording, step)


def play_step(db: Database, ticker: Ticker, number: str, recording: Recording, place: int) -> int | None:
    """Wait as long as this step waits, write its text, and say which step comes next; None at the end.

    A step for open questions comes again while there is one. Raises ``InvalidInput`` when there is no such step.
    """
    if place >= len(recording.steps):
        raise InvalidInput(fields={"step": [f"Must be below {len(recording.steps)}."]})
    step = recording.steps[place]
    move_clock_by(db, ticker, step.after)
    with db.reading(DEMO) as txn:
        text = _text(txn, number, step)
    if text is not None:
        write_from(db, ticker, number, text)
    with db.reading(DEMO) as txn:
        return _next(txn, number, recording, place)


def _text(txn: Transaction, number: str, step: Step) -> str | None:
    """What is typed now; None where it would answer a question and none is open any more."""
    asked = _asked(txn, number)
    if asked is None:
        return None if step.if_asked else step.writes[_language(txn, number)]
    asks_yes_or_no = is_yes_or_no(instrument_of(txn, asked), asked.asked or "")
    return (step.to_yes_or_no if asks_yes_or_no else step.writes)[_language(txn, number)]


def _next(txn: Transaction, number: str, recording: Recording, place: int) -> int | None:
    is_asked = _asked(txn, number) is not None
    if recording.steps[place].while_asked and is_asked:
        return place
    for later in range(place + 1, len(recording.steps)):
        if is_asked or not recording.steps[later].if_asked:
            return later
    return None


def _asked(txn: Transaction, number: str) -> Conversation | None:
    """The questionnaire whose question is open at this number, the newest if there are several."""
    owners = [one.id for one in contact.patients_by_phone(txn, number)]
    cared_for = [one.id for one in contact.caregivers_by_phone(txn, number)]
    return txn.session.scalars(
        select(Conversation)
        .where(Conversation.ended_at.is_(None), Conversation.asked.is_not(None))
        .where(Conversation.patient_id.in_(owners) | Conversation.caregiver_id.in_(cared_for))
        .order_by(Conversation.opened_at.desc(), Conversation.id)
    ).first()


def _language(txn: Transaction, number: str) -> str:
    """The language of whoever holds the phone; a stranger's is Chinese."""
    patient = next(iter(contact.patients_by_phone(txn, number)), None)
    if patient is None:
        caregiver = next(iter(contact.caregivers_by_phone(txn, number)), None)
        patient = txn.session.get(Patient, caregiver.patient_id) if caregiver else None
    return patient.language if patient else Language.CHINESE
