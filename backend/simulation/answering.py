"""What patients answer: one questionnaire filled in by how the invented patient truly is that day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from backend import clock
from backend.conversations import script
from backend.db import Transaction
from backend.instruments.definition import Instrument
from backend.patients.models import Patient
from backend.reports.submit import Submission, Submitted, submit_report
from backend.simulation import assumptions as of
from backend.simulation.stage import Person, day_of
from backend.terms import ReportMode, Respondent

YES, NO, NOTHING = "1", "2", "0"
TIME_TO_ANSWER = timedelta(minutes=4)


def fill_in(
    txn: Transaction, patient: Patient, person: Person, *, asked: Instrument, key: str | None, mode: ReportMode
) -> Submitted:
    """Answer a questionnaire as the patient is today, and hand it in."""
    completed_at = clock.local(txn.now, patient.time_zone)
    by_phone = mode is ReportMode.PHONE
    return submit_report(
        txn,
        patient,
        Submission(
            id=UUID(int=person.fate.chance.getrandbits(128), version=4),
            instrument=asked.name,
            instrument_version=asked.version,
            agenda_key=key,
            language=patient.language,
            respondent=Respondent.PATIENT,
            mode=mode,
            started_at=completed_at - TIME_TO_ANSWER,
            completed_at=completed_at,
            answers=list(_answers(asked, person, txn.now)),
            measurements={
                name: _temperature(person, txn.now) for name in asked.measurements if name == "temperature_c"
            },
            on_behalf_reason="The patient has no app." if by_phone else None,
        ),
    )


def _answers(asked: Instrument, person: Person, now: datetime) -> Iterator[dict[str, Any]]:
    """Every question answered; a 0 hides what follows it."""
    fate = person.fate
    for code, item in asked.items.items():
        if item.is_sign:
            yield {"item": code, "value": int(fate.happens(of.DANGER_SIGN))}
    worse = 2.0 if fate.dies_on - day_of(now) < of.WORSE_BEFORE_DEATH else 1.0
    for symptom in asked.symptoms.values():
        severity = 0
        if fate.happens(of.HAS_SYMPTOM.get(symptom.slug, 0.0) * worse):
            severity = fate.chance.choices(of.SEVERITIES, weights=of.SEVERITY_WEIGHTS)[0]
        values = [severity] + [max(0, severity - 1)] * (len(symptom.items) - 1) if severity else [0]
        for code, value in zip(symptom.items, values, strict=False):
            yield {"item": code, "value": value}
            if value == 0:
                break


def answer_by_text(asked: Instrument, person: Person, question: str, now: datetime) -> str:
    """The digits or the temperature that a patient types as the answer to one question of a survey."""
    fate = person.fate
    if question == script.TEMPERATURE:
        return str(_temperature(person, now))
    if question == script.CARD or script.is_yes_or_no(asked, question):
        return YES if fate.happens(of.DANGER_SIGN) else NO
    share = of.HAS_SYMPTOM.get(question.partition(".")[0], max(of.HAS_SYMPTOM.values()))
    is_there = question in asked.items and question.partition(".")[0] not in of.HAS_SYMPTOM
    if is_there or not fate.happens(share):
        return NOTHING
    return str(fate.chance.choices(of.SEVERITIES, weights=of.SEVERITY_WEIGHTS)[0])


def _temperature(person: Person, now: datetime) -> float:
    """Degrees Celsius; fever on some of the first days after cells."""
    fate, today = person.fate, day_of(now)
    is_early = any(0 <= (today - given_on).days <= of.FEVER_DAYS for given_on in person.cells_given_on)
    limits = of.FEVER_C if is_early and fate.happens(of.FEVER_AFTER_CELLS) else of.USUAL_C
    return round(fate.chance.uniform(*limits), 1)
