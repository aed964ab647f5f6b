"""What concordance is computed from, read from the record: judged pairs, and what waits for a decision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from backend import clock
from backend.adverse_events.concordance import Judged, Waiting
from backend.adverse_events.grades import course_of_grades, worst_grade
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade, AdverseEventSignature
from backend.db import Transaction
from backend.event_terms import Dismissal
from backend.staff.models import Site
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus
from backend.triage.models import CandidateDecision, CandidateEvent

NOT_PRESENT = 0
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """Which part of the record: a term by its code, and the days on which reports came, at the site, both included."""

    term: str | None = None
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class _Known:
    """By candidate: its event, since when it is held not to be there, what was merged into it. By event: the rest."""

    events: Mapping[UUID, AdverseEvent]
    absent: Mapping[UUID, datetime]
    merged: Mapping[UUID, Sequence[CandidateEvent]]
    grades: Mapping[UUID, int]
    signed: Mapping[UUID, datetime]


def judged_pairs(txn: Transaction, visible: ColumnElement[bool], asked: Asked) -> list[Judged]:
    """The candidates that were confirmed as an event that stands, or dismissed because they were not present."""
    candidates = _candidates(txn, visible, asked, (CandidateStatus.CONFIRMED, CandidateStatus.DISMISSED))
    known = _known(txn, [one.id for one in candidates])
    return [pair for one in candidates if (pair := _pair(one, known))]


def waiting(
    txn: Transaction, visible: ColumnElement[bool], asked: Asked
) -> Mapping[UUID, tuple[CandidateEvent, Waiting]]:
    """The open candidates, by id, beside what decides whether they are severe."""
    rows = _candidates(txn, visible, asked, OPEN_CANDIDATE_STATUSES)
    return {row.id: (row, _waiting(row)) for row in rows}


def _candidates(
    txn: Transaction, visible: ColumnElement[bool], asked: Asked, statuses: Sequence[CandidateStatus]
) -> list[CandidateEvent]:
    """By the day at the site: the database is asked for a day more on either side, since zones differ."""
    wanted = select(CandidateEvent).where(visible, CandidateEvent.status.in_(statuses))
    if asked.term is not None:
        wanted = wanted.where(CandidateEvent.term_code == asked.term)
    if asked.from_on is not None:
        wanted = wanted.where(CandidateEvent.opened_at >= _utc(asked.from_on - A_DAY))
    if asked.to_on is not None:
        wanted = wanted.where(CandidateEvent.opened_at < _utc(asked.to_on + 2 * A_DAY))
    zones = {row.id: row.time_zone for row in txn.session.execute(select(Site.id, Site.time_zone))}
    rows = txn.session.scalars(wanted.order_by(CandidateEvent.opened_at, CandidateEvent.id))
    return [row for row in rows if _is_within(clock.local_day(row.opened_at, zones[row.site_id]), asked)]


def _utc(day: date) -> datetime:
    return clock.at_local(day, time(0), "UTC")


def _is_within(day: date, asked: Asked) -> bool:
    return (asked.from_on is None or day >= asked.from_on) and (asked.to_on is None or day <= asked.to_on)


def _known(txn: Transaction, candidates: Sequence[UUID]) -> _Known:
    events = _events(txn, candidates)
    return _Known(
        events=events,
        absent=_not_present(txn, candidates),
        merged=_merged(txn, candidates),
        grades=_worst_grades(txn, events.values()),
        signed=_first_signed(txn, events.values()),
    )


def _events(txn: Transaction, candidates: Sequence[UUID]) -> dict[UUID, AdverseEvent]:
    """By the candidate, the event it stands as; one recorded by mistake is none."""
    standing = select(AdverseEvent).where(AdverseEvent.voided_at.is_(None))
    return {
        row.candidate_event_id: row
        for some in _by(candidates)
        for row in txn.session.scalars(standing.where(AdverseEvent.candidate_event_id.in_(some)))
        if row.candidate_event_id is not None
    }


def _not_present(txn: Transaction, candidates: Sequence[UUID]) -> dict[UUID, datetime]:
    """By the candidate, when it was last dismissed because it was not present."""
    steps = (
        select(CandidateDecision.candidate_event_id, CandidateDecision.reason_code, CandidateDecision.decided_at)
        .where(CandidateDecision.to_status == CandidateStatus.DISMISSED, CandidateDecision.reason_code.is_not(None))
        .order_by(CandidateDecision.decided_at)
    )
    last: dict[UUID, tuple[str | None, datetime]] = {}
    for some in _by(candidates):
        for row in txn.session.execute(steps.where(CandidateDecision.candidate_event_id.in_(some))):
            last[row.candidate_event_id] = (row.reason_code, row.decided_at)
    return {candidate: at for candidate, (code, at) in last.items() if code == Dismissal.NOT_PRESENT}


def _merged(txn: Transaction, candidates: Sequence[UUID]) -> dict[UUID, list[CandidateEvent]]:
    """What was merged into each: its reports are of the same event."""
    found: dict[UUID, list[CandidateEvent]] = {}
    for some in _by(candidates):
        for row in txn.session.scalars(select(CandidateEvent).where(CandidateEvent.merged_into.in_(some))):
            if row.merged_into is not None:
                found.setdefault(row.merged_into, []).append(row)
    return found


def _worst_grades(txn: Transaction, events: Iterable[AdverseEvent]) -> dict[UUID, int]:
    """The highest grade of each event's course."""
    onsets = {event.id: event.onset_on for event in events}
    rows: dict[UUID, list[AdverseEventGrade]] = {}
    recorded = select(AdverseEventGrade)
    for some in _by(list(onsets)):
        for row in txn.session.scalars(recorded.where(AdverseEventGrade.adverse_event_id.in_(some))):
            rows.setdefault(row.adverse_event_id, []).append(row)
    return {event_id: worst_grade(course_of_grades(of_event, onsets[event_id])) for event_id, of_event in rows.items()}


def _first_signed(txn: Transaction, events: Iterable[AdverseEvent]) -> dict[UUID, datetime]:
    """When each was first signed, whether or not that signature stands."""
    first = select(AdverseEventSignature.adverse_event_id, func.min(AdverseEventSignature.signed_at)).group_by(
        AdverseEventSignature.adverse_event_id
    )
    return {
        event_id: at
        for some in _by([event.id for event in events])
        for event_id, at in txn.session.execute(first.where(AdverseEventSignature.adverse_event_id.in_(some)))
    }


def _pair(candidate: CandidateEvent, known: _Known) -> Judged | None:
    """None for what was dismissed for another reason, which says nothing about the patient's answers."""
    event = known.events.get(candidate.id)
    composite = _worst_composite([candidate, *known.merged.get(candidate.id, ())])
    if candidate.status == CandidateStatus.CONFIRMED and event is not None:
        return Judged(
            candidate.term_code,
            composite,
            received_at=candidate.opened_at,
            grade=known.grades.get(event.id, event.grade),
            is_settled=event.signature_id is not None,
            same_term=event.term_code == candidate.term_code,
            known_at=event.first_known_at,
            confirmed_at=event.recorded_at,
            signed_at=known.signed.get(event.id),
        )
    if candidate.status == CandidateStatus.DISMISSED and candidate.id in known.absent:
        return Judged(
            candidate.term_code,
            composite,
            NOT_PRESENT,
            is_settled=True,
            same_term=True,
            received_at=candidate.opened_at,
            known_at=candidate.first_known_at,
        )
    return None


def _worst_composite(episode: Sequence[CandidateEvent]) -> int | None:
    known = [one.worst["composite"] for one in episode if one.worst.get("composite") is not None]
    return max(known, default=None)


def _waiting(row: CandidateEvent) -> Waiting:
    return Waiting(row.id, row.tier, row.worst.get("composite"), row.worst.get("answers", {}), row.opened_at)


def _by(ids: Sequence[UUID], size: int = 500) -> Iterator[Sequence[UUID]]:
    """So many at once that no database has too many parameters to take."""
    for first in range(0, len(ids), size):
        yield ids[first : first + size]
