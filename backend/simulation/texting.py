"""What is typed on the telephones of patients and relatives, and what their owners do with the line itself."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

import notifications
from backend import clock
from backend.conversations.models import Conversation
from backend.db import system
from backend.instruments.definition import instrument
from backend.simulation import assumptions as of
from backend.simulation.answering import NO, NOTHING, answer_by_text
from backend.simulation.diary import Entry
from backend.simulation.enrolling import NOON
from backend.simulation.stage import Person, Stage, at

STOP = {"en": "STOP", "zh-CN": "退订"}
START = {"en": "START", "zh-CN": "START"}
IN_WORDS = {"en": "Should I take the tablet before or after breakfast?", "zh-CN": "请问药是饭前吃还是饭后吃"}
HAS_DIED = {"en": "This is his daughter. My father passed away.", "zh-CN": "我是他女儿，我爸爸去世了。"}

# Digits, STOP and START open nothing that somebody must be called to.
QUIET = frozenset({"writes", "stops_texts", "returns_to_texts"})
# Answers to a question of a questionnaire that alarm nobody.
HARMLESS = frozenset({NO, NOTHING})

# What is asked of a patient now, of what is live the newest; how urgent is what they have said of it so far.
_ROW = Conversation.__table__.c
_ASKED = (
    select(_ROW.asked, _ROW.instrument, _ROW.instrument_version, _ROW.tier_so_far)
    .where(_ROW.patient_id == bindparam("patient"), _ROW.ended_at.is_(None), _ROW.asked.is_not(None))
    .order_by(_ROW.opened_at.desc(), _ROW.id)
    .limit(1)
)

OWNER = system("simulated owner of a telephone")

Typing = Callable[[Stage, Person, Mapping[str, Any]], str | None]


def act(stage: Stage, person: Person, entry: Entry) -> UUID | None:
    """Do it; the text that arrived and is to be understood, by id, if one did."""
    words = ACTS[entry.act](stage, person, entry.about)
    if words is None:
        return None
    received = notifications.receive(stage.db, stage.telephones.write_from(person.phone, words))
    stage.acted(person)
    if entry.act not in QUIET and words not in HARMLESS:
        stage.is_urgent = True
        # An emergency by text is taken note of as soon as one from the app.
        stage.diary.add(clock.now() + of.TAKES_NOTE_OF_EMERGENCY, person.fate.number, "emergency_noted")
    return received


def _writes(stage: Stage, person: Person, about: Mapping[str, Any]) -> str | None:
    """A digit or words, from the patient's own hand."""
    person.answering.discard(about.get("key", ""))
    return about["words"] if person.fate.answers_at(clock.now()) else None


def _answers_question(stage: Stage, person: Person, about: Mapping[str, Any]) -> str | None:
    """What the survey asks now, answered as the patient is that day; nothing where nothing is asked any more."""
    person.answering.discard(about.get("key", ""))
    if not person.fate.answers_at(clock.now()):
        return None
    with stage.db.reading(OWNER) as txn:
        asked = txn.connection.execute(_ASKED, {"patient": person.id}).first()
        if asked is None:
            return None
        question, form, version, tier = asked
        words = answer_by_text(instrument(txn, form, version), person, question, txn.now)
    # Its last answer files all that were given before.
    stage.is_urgent = stage.is_urgent or tier is not None
    return words


def _stops(stage: Stage, person: Person, _about: Mapping[str, Any]) -> str | None:
    fate = person.fate
    if not person.has_texts:
        return None
    person.has_stopped_texts = True
    stage.telephones.stopped.add(person.phone)
    if fate.happens(of.RETURNS_TO_TEXTS):
        back_on = fate.turns["stops_texts"] + fate.day_between(of.RETURNS_AFTER_DAYS)
        if back_on < fate.dies_on:
            stage.diary.add(at(back_on, NOON), fate.number, "returns_to_texts")
    return STOP[fate.language]


def _returns(stage: Stage, person: Person, _about: Mapping[str, Any]) -> str | None:
    person.has_stopped_texts = False
    stage.telephones.stopped.discard(person.phone)
    return START[person.fate.language]


def _changes_number(stage: Stage, person: Person, _about: Mapping[str, Any]) -> None:
    """The old number is given up at once; the study finds out when a text comes back."""
    if person.has_texts:
        stage.telephones.given_up.add(person.phone)
        person.phone = f"+861992{person.fate.number:07d}"


def _family_writes(stage: Stage, person: Person, _about: Mapping[str, Any]) -> str | None:
    """A relative writes from the patient's own telephone."""
    if person.has_texts:
        return HAS_DIED[person.fate.language]
    stage.diary.add(clock.now(), person.fate.number, "death_told_by_staff")
    return None


ACTS: Mapping[str, Typing] = {
    "writes": _writes,
    "answers_question": _answers_question,
    "stops_texts": _stops,
    "returns_to_texts": _returns,
    "changes_number": _changes_number,
    "death_told_by_text_from_own_phone": _family_writes,
}
