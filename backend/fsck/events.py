"""Adverse events: each has a course, its flags rest on the facts, and under what is signed stands what was signed."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from backend.adverse_events.circumstances import facts_of
from backend.adverse_events.emergence import emergence_of
from backend.adverse_events.grades import course_of_grades
from backend.adverse_events.listing import grades_by_event
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade, AdverseEventSignature, SignatureVoiding
from backend.adverse_events.signing import verify_signatures
from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.models import Patient
from backend.triage.models import CandidateEvent

_standing_signature = aliased(AdverseEventSignature)


def courses_that_say_otherwise(txn: Transaction) -> Iterator[str]:
    """Events without a course, and those whose grade is not the latest of it."""
    event = AdverseEvent
    graded: dict[str, tuple[str, int]] = {}
    rows: dict[str, list[AdverseEventGrade]] = {}
    for one in txn.session.execute(select(event.id, event.onset_on, event.grade)):
        graded[str(one.id)] = (one.onset_on, one.grade)
    for row in txn.session.scalars(select(AdverseEventGrade)):
        rows.setdefault(str(row.adverse_event_id), []).append(row)
    for event_id, (onset_on, grade) in graded.items():
        if event_id not in rows or course_of_grades(rows[event_id], onset_on)[-1].grade != grade:
            yield event_id


def flags_of_other_facts(txn: Transaction) -> Iterator[str]:
    """Events that stand, whose emergent flags are not what the record comes to."""
    standing = select(AdverseEvent).where(AdverseEvent.voided_at.is_(None))
    ordered = txn.session.scalars(standing.order_by(AdverseEvent.patient_id, AdverseEvent.id)).all()
    for patient_id, events in groupby(ordered, key=lambda one: one.patient_id):
        of_patient = list(events)
        facts = facts_of(txn, txn.session.get_one(Patient, patient_id))
        rows = grades_by_event(txn, [one.id for one in of_patient])
        for event in of_patient:
            course = course_of_grades(rows.get(event.id, ()), event.onset_on)
            if not course or emergence_of(course, event.ended_on, facts).stored != event.emergence:
                yield str(event.id)


def signatures_that_bind_nothing(txn: Transaction) -> Iterator[str]:
    """Events under whose signature stands something else than what was signed."""
    for one in verify_signatures(txn):
        if one.defect is not None:
            yield str(one.event.id)


INVARIANTS = (
    Invariant(
        "events.candidates",
        "An adverse event and the candidate event it came from are of one patient",
        ids_of(
            lambda: (
                select(AdverseEvent.id)
                .join(CandidateEvent, CandidateEvent.id == AdverseEvent.candidate_event_id)
                .where(CandidateEvent.patient_id != AdverseEvent.patient_id)
            )
        ),
    ),
    Invariant(
        "events.grades",
        "Every adverse event has a course of grades, and the latest of it as its grade",
        courses_that_say_otherwise,
    ),
    Invariant(
        "events.emergence",
        "The emergent flags of every adverse event are what the record comes to",
        flags_of_other_facts,
    ),
    Invariant(
        "events.signatures",
        "Every signature stands under its adverse event until something voids it, and no longer",
        ids_of(
            lambda: (
                select(_standing_signature.id)
                .join(AdverseEvent, AdverseEvent.id == _standing_signature.adverse_event_id)
                .outerjoin(SignatureVoiding, SignatureVoiding.signature_id == _standing_signature.id)
                .where(
                    or_(
                        and_(
                            SignatureVoiding.id.is_(None),
                            AdverseEvent.signature_id.is_distinct_from(_standing_signature.id),
                        ),
                        and_(SignatureVoiding.id.is_not(None), AdverseEvent.signature_id == _standing_signature.id),
                    )
                )
            )
        ),
    ),
    Invariant(
        "events.signed",
        "What stands on the record of a signed adverse event is what was signed",
        signatures_that_bind_nothing,
    ),
)
