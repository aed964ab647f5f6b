"""Adverse events as they are shown: words sealed in them for few, and why they are emergent for everybody."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import g

from backend import access
from backend.access import Verb
from backend.adverse_events.explaining import explain
from backend.adverse_events.grades import course_of_grades, worst_grade
from backend.adverse_events.listing import grades_by_event, status_of
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade
from backend.adverse_events.signatures import Signed, signatures_of
from backend.api.languages import accepted_language
from backend.api.requests import afterwards
from backend.patients.identifiers import note_reading
from backend.patients.listing import subject_numbers
from backend.sealing import unseal
from backend.terminology.terms import Term, terms_of
from schemas.adverse_events import AdverseEventOut, EmergenceFactsOut, GradeOut, SignatureOut

COMPOSED = frozenset(
    ("patient", "term", "specify", "note", "status", "worst_grade", "grade_history", "emergent")
    + ("signature", "signatures", "voided")
)
FLAGS = ("study_emergent", "cells_emergent", "drug_emergent")
AS_IT_IS = tuple(name for name in AdverseEventOut().fields if name not in COMPOSED)
OF_GRADE = tuple(GradeOut().fields)
OF_SIGNATURE = tuple(name for name in SignatureOut().fields if name != "voided")
OF_FACTS = tuple(EmergenceFactsOut().fields)


def one(event: AdverseEvent) -> dict[str, Any]:
    """One event, with the words in it for those who care for the patient; their reading is noted."""
    answer = shown([event])[0]
    if not access.may(g.txn, event.site_id, Verb.READ_IDENTIFIERS):
        return answer
    words = {name: unseal(g.txn, event, f"{name}_sealed") for name in ("specify", "note")}
    if answer["voided"]:
        answer["voided"] |= {"because": unseal(g.txn, event, "voided_because_sealed")}
    if any(words.values()) or answer["voided"]:
        afterwards(partial(note_reading, patient_id=event.patient_id))
    return answer | words


def shown(listed: Sequence[AdverseEvent]) -> list[dict[str, Any]]:
    """Events as everybody who may read them sees them."""
    ids, codes = [event.id for event in listed], access.site_codes(g.txn)
    numbers = subject_numbers(g.txn, {event.patient_id for event in listed})
    terms = _terms(listed)
    grades, signed, language = grades_by_event(g.txn, ids), signatures_of(g.txn, ids), accepted_language()
    return [
        {name: getattr(event, name) for name in AS_IT_IS}
        | {
            "patient": {
                "id": event.patient_id,
                "subject_number": numbers[event.patient_id],
                "site": codes[event.site_id],
            },
            "term": _term(event, terms[event.ctcae_version]),
            "status": status_of(event),
            "emergent": _emergent(event, language),
        }
        | _graded(event, grades[event.id])
        | _signed(event, signed.get(event.id, ()))
        | {"voided": {"at": event.voided_at, "by": event.voided_by} if event.voided_at else None}
        for event in listed
    ]


def signature_shown(one: Signed) -> dict[str, Any]:
    """A signature, and how it ended."""
    answer = {name: getattr(one.signature, name) for name in OF_SIGNATURE}
    ended = one.voiding
    said = {"at": ended.voided_at, "by": ended.voided_by, "because": ended.because} if ended else None
    return answer | {"voided": said}


def _terms(listed: Sequence[AdverseEvent]) -> dict[str, dict[str, Term]]:
    """By version and code, one look for each version."""
    coded: dict[str, set[str]] = {}
    for event in listed:
        coded.setdefault(event.ctcae_version, set()).add(event.term_code)
    return {version: terms_of(g.txn, codes, version) for version, codes in coded.items()}


def _term(event: AdverseEvent, terms: Mapping[str, Term]) -> dict[str, Any]:
    """A version that is no longer loaded leaves the code."""
    found = terms.get(event.term_code)
    known = {"name": found.name, "soc": found.soc} if found else {"name": event.term_code, "soc": ""}
    return {"code": event.term_code} | known


def _emergent(event: AdverseEvent, language: str) -> dict[str, Any]:
    flags = {name: getattr(event, name) for name in FLAGS}
    facts = {name: event.emergence["facts"][name] for name in OF_FACTS}
    return flags | {"facts": facts, "words": explain(event.emergence, language)}


def _graded(event: AdverseEvent, rows: Sequence[AdverseEventGrade]) -> dict[str, Any]:
    history = [{name: getattr(row, name) for name in OF_GRADE} for row in rows]
    return {"grade_history": history, "worst_grade": worst_grade(course_of_grades(rows, event.onset_on))}


def _signed(event: AdverseEvent, given: Sequence[Signed]) -> dict[str, Any]:
    every = [signature_shown(each) for each in given]
    return {
        "signature": next((each for each in every if each["id"] == event.signature_id), None),
        "signatures": every,
    }
