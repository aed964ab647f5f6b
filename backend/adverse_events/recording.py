"""Recording adverse events: from a candidate or directly, always as a draft; and changing what is recorded.

Every act about an event waits its turn among the acts about the patient, and then reads the event anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.adverse_events import circumstances, safety
from backend.adverse_events.emergence import Emergence, emergence_of
from backend.adverse_events.grades import Step, course_of_grades
from backend.adverse_events.judgement import Judgement, complaints
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade
from backend.adverse_events.signatures import void_signature
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible, StaleRecord
from backend.event_terms import EventSource, Seriousness
from backend.partial_dates import HOW_TO_WRITE, earliest, is_after_day, is_before, is_partial_date
from backend.patients.models import Patient
from backend.patients.turns import one_at_a_time_for, take_turn
from backend.sealing import seal, unseal
from backend.terminology.terms import term_of
from backend.terms import CandidateStatus
from backend.triage.decisions import close
from backend.triage.models import CandidateEvent

# Words that may name somebody: by field, the column they are sealed in.
SEALED: Mapping[str, str] = {"specify": "specify_sealed", "note": "note_sealed"}
PLAIN = tuple(name for name in Judgement.__dataclass_fields__ if name not in SEALED)
GRADE_HISTORY = "grade_history"


@dataclass(frozen=True)
class Origin:
    """How the site came to know of an event: from a candidate, or from a source of its own."""

    source: EventSource
    received_at: datetime
    first_known_at: datetime
    candidate_event_id: UUID | None = None


def confirm(txn: Transaction, candidate: CandidateEvent, judgement: Judgement) -> AdverseEvent:
    """A person has judged that a candidate is this adverse event. It is a draft until an investigator signs it.

    Nothing needs to have been acknowledged before. Raises ``InvalidInput`` for what cannot be, and
    ``NoLongerPossible``, with who was first and when, for a candidate that is closed.
    """
    patient = txn.session.get_one(Patient, candidate.patient_id)
    take_turn(txn, patient)
    txn.session.refresh(candidate)
    close(txn, candidate, CandidateStatus.CONFIRMED, "confirmed")
    origin = Origin(
        EventSource.REPORT, candidate.opened_at, candidate.first_known_at or txn.now, candidate_event_id=candidate.id
    )
    return _record(txn, patient, judgement, origin)


def enter(txn: Transaction, patient: Patient, judgement: Judgement, source: EventSource) -> AdverseEvent:
    """Record an event that no candidate stands for: seen at a visit, in the laboratory, heard of by telephone."""
    take_turn(txn, patient)
    return _record(txn, patient, judgement, Origin(source, txn.now, txn.now))


def change(
    txn: Transaction,
    event: AdverseEvent,
    changes: Mapping[str, Any],
    *,
    reason: str,
    seen_version: int,
    grade_from_on: str | None = None,
) -> AdverseEvent:
    """Change what was judged, as it was read at ``seen_version``; what was signed is a draft again.

    A grade that changes goes into the history, from ``grade_from_on`` on or else from today, or from the end of an
    event that has ended. The same values again change nothing. Raises ``StaleRecord`` when the event has changed since
    it was read, ``NoLongerPossible`` when it was voided.
    """
    patient = read_in_turn(txn, event)
    if seen_version != event.version:
        raise StaleRecord()
    before = judgement_of(txn, event)
    after = replace(before, **_as_judged(changes))
    changed = {name for name in asdict(after) if getattr(after, name) != getattr(before, name)}
    if grade_from_on is not None and "grade" not in changes:
        raise InvalidInput(fields={"grade_from_on": ["Goes with a grade."]})
    if not changed and grade_from_on is None:
        return event
    if "grade" in changed or grade_from_on is not None:
        _check_from_on(txn, patient, after, grade_from_on, "grade_from_on")
        from_on = grade_from_on or _from_now(txn, patient, event, after)
        after = _with_grade(txn, patient, event, after, from_on)
        changed.add(GRADE_HISTORY)
    _refuse_what_cannot_be(txn, patient, after)
    _set(txn, event, after)
    return _settle(txn, patient, event, changed, reason)


def note_grade(txn: Transaction, event: AdverseEvent, grade: int, from_on: str, *, reason: str) -> AdverseEvent:
    """Add a grade the event had from a day on; said again for the same day, it corrects that day.

    Raises ``InvalidInput`` for a grade that does not exist or a day out of the event, and for grade 5, which goes with
    the outcome.
    """
    patient = read_in_turn(txn, event)
    wanted = replace(judgement_of(txn, event), grade=grade)
    _check_from_on(txn, patient, wanted, from_on, "from_on")
    after = _with_grade(txn, patient, event, wanted, from_on)
    _refuse_what_cannot_be(txn, patient, after)
    _set(txn, event, after)
    return _settle(txn, patient, event, {GRADE_HISTORY}, reason)


def recompute(txn: Transaction, patient: Patient) -> None:
    """Bring the emergent flags of a patient's events to what the record says now: after an infusion or a stop.

    The flags are derived and nobody signs them, so a signature stands. For whoever changes a fact they rest on; the
    caller has taken the patient's turn.
    """
    for event in events_of(txn, patient):
        found = emergence_now(txn, patient, event)
        if event.emergence == found.stored:
            continue
        _set_emergence(event, found)
        audit.record(txn, "adverse_event.emergence_computed", event)
    txn.session.flush()


def read_in_turn(txn: Transaction, event: AdverseEvent) -> Patient:
    """Wait for whoever acts about the patient, and read the event anew. Raises ``NoLongerPossible`` when it is void."""
    one_at_a_time_for(txn, event.patient_id)
    txn.session.refresh(event)
    if event.voided_at is not None:
        by = str(event.voided_by) if event.voided_by else None
        raise NoLongerPossible("This adverse event was voided.", by=by, at=event.voided_at.isoformat())
    return txn.session.get_one(Patient, event.patient_id)


def judgement_of(txn: Transaction, event: AdverseEvent) -> Judgement:
    """The event as a person judged it, with the words that are sealed."""
    values: dict[str, Any] = {name: getattr(event, name) for name in PLAIN}
    values |= {name: unseal(txn, event, column) for name, column in SEALED.items()}
    return Judgement(**values | {"serious": tuple(event.serious)})


def events_of(txn: Transaction, patient: Patient) -> Sequence[AdverseEvent]:
    """The patient's events that stand, in the order they were recorded."""
    standing = select(AdverseEvent).where(AdverseEvent.patient_id == patient.id, AdverseEvent.voided_at.is_(None))
    return txn.session.scalars(standing.order_by(AdverseEvent.recorded_at, AdverseEvent.id)).all()


def grades_of(txn: Transaction, event: AdverseEvent) -> Sequence[AdverseEventGrade]:
    """Every grade that was ever recorded for it, in that order."""
    recorded = select(AdverseEventGrade).where(AdverseEventGrade.adverse_event_id == event.id)
    return txn.session.scalars(recorded.order_by(AdverseEventGrade.number)).all()


def course_of(txn: Transaction, event: AdverseEvent, onset_on: str | None = None) -> tuple[Step, ...]:
    """What those grades come to."""
    return course_of_grades(grades_of(txn, event), onset_on or event.onset_on)


def emergence_now(txn: Transaction, patient: Patient, event: AdverseEvent) -> Emergence:
    """The flags by the facts on the record now."""
    return emergence_of(course_of(txn, event), event.ended_on, circumstances.facts_of(txn, patient))


def _record(txn: Transaction, patient: Patient, judgement: Judgement, origin: Origin) -> AdverseEvent:
    judgement = replace(judgement, serious=_in_order(judgement.serious))
    _refuse_what_cannot_be(txn, patient, judgement)
    event = AdverseEvent(
        patient_id=patient.id,
        site_id=patient.site_id,
        **vars(origin),
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
        version=1,
    )
    _set(txn, event, judgement)
    first = (Step(judgement.grade, judgement.onset_on),)
    _set_emergence(event, emergence_of(first, judgement.ended_on, circumstances.facts_of(txn, patient)))
    safety.judge_clock(txn, event)
    audit.record(txn, "adverse_event.recorded", event)
    txn.session.flush()
    _add_grade(txn, event, judgement.grade, judgement.onset_on)
    safety.follow_clock(txn, event)
    return event


def _refuse_what_cannot_be(txn: Transaction, patient: Patient, judgement: Judgement) -> None:
    term = term_of(txn, judgement.term_code, judgement.ctcae_version)
    found = complaints(judgement, term, circumstances.bounds_of(txn, patient))
    if found:
        raise InvalidInput(fields=found)


def _as_judged(changes: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(changes)
    if "serious" in given:
        given["serious"] = _in_order(given["serious"])
    return given


def _in_order(serious: Sequence[str]) -> tuple[str, ...]:
    """In the order of the vocabulary and each once, so that the same criteria are the same value."""
    return tuple(str(word) for word in Seriousness if word in serious)


def _set(txn: Transaction, event: AdverseEvent, judgement: Judgement) -> None:
    for name in PLAIN:
        value = getattr(judgement, name)
        value = list(value) if name == "serious" else value
        if event.__dict__.get(name, event) != value:
            setattr(event, name, value)
    for name, column in SEALED.items():
        words: str | None = getattr(judgement, name)
        if column not in event.__dict__ or unseal(txn, event, column) != words:
            setattr(event, column, seal(txn, event, column, words))


def _set_emergence(event: AdverseEvent, found: Emergence) -> None:
    event.study_emergent = found.study.emergent
    event.cells_emergent = found.cells.emergent
    event.drug_emergent = found.drug.emergent
    event.emergence = found.stored


def _settle(txn: Transaction, patient: Patient, event: AdverseEvent, changed: set[str], reason: str) -> AdverseEvent:
    """What every change of an event has in common: its flags, its clock, its version, and no signature any more."""
    _set_emergence(event, emergence_now(txn, patient, event))
    safety.judge_clock(txn, event)
    void_signature(txn, event, sorted(changed))
    event.version += 1
    audit.record(txn, "adverse_event.changed", event, words=reason)
    txn.session.flush()
    safety.follow_clock(txn, event)
    return event


def _check_from_on(txn: Transaction, patient: Patient, judged: Judgement, from_on: str | None, field: str) -> None:
    """A day on which the event had begun and had not ended, as far as the dates tell."""
    if from_on is None:
        return
    if not is_partial_date(from_on):
        raise InvalidInput(fields={field: [HOW_TO_WRITE]})
    if is_after_day(from_on, circumstances.bounds_of(txn, patient).today):
        raise InvalidInput(fields={field: ["This day has not come yet."]})
    if is_before(from_on, judged.onset_on):
        raise InvalidInput(fields={field: [f"Before the onset ({judged.onset_on})."]})
    if judged.ended_on is not None and is_before(judged.ended_on, from_on):
        raise InvalidInput(fields={field: [f"After the end ({judged.ended_on})."]})


def _from_now(txn: Transaction, patient: Patient, event: AdverseEvent, judged: Judgement) -> str:
    """From when a grade counts that came without a day; never from before the grade it follows."""
    now = judged.ended_on or circumstances.bounds_of(txn, patient).today.isoformat()
    latest = course_of(txn, event, judged.onset_on)[-1].from_on
    return max(now, latest, key=earliest)


def _with_grade(txn: Transaction, patient: Patient, event: AdverseEvent, judged: Judgement, from_on: str) -> Judgement:
    """The judgement once its grade is in the history: its grade is then that of the latest step."""
    _refuse_what_cannot_be(txn, patient, judged)
    _add_grade(txn, event, judged.grade, from_on)
    return replace(judged, grade=course_of(txn, event, judged.onset_on)[-1].grade)


def _add_grade(txn: Transaction, event: AdverseEvent, grade: int, from_on: str) -> None:
    row = AdverseEventGrade(
        patient_id=event.patient_id,
        site_id=event.site_id,
        adverse_event_id=event.id,
        number=len(grades_of(txn, event)) + 1,
        grade=grade,
        from_on=from_on,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    audit.record(txn, "adverse_event.graded", row)
    txn.session.flush()
