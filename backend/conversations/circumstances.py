"""What whoever answers a patient's text needs to know of that patient, read for all patients of a page together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from backend.agenda.calendar import agenda
from backend.agenda.course import AgendaItem
from backend.agenda.history import courses_of, protocol_for
from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.patients import contact
from backend.patients.models import ContactHold, OfPatient, Patient
from backend.patients.symptom_report import SymptomReport
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED
from backend.triage.models import OPEN, CandidateEvent
from notifications.models import Message
from notifications.outbox import open_questions_of_all

Rows = TypeVar("Rows", bound=OfPatient)
_REPORT = ("id", "instrument", "completed_at", "mode", "tier")


@dataclass(frozen=True)
class Circumstances:
    """One patient, now: what waits for an answer, what has been reported, what comes next, and what holds contact."""

    patient: Patient
    open_questions: Sequence[Message]
    surveys: Sequence[Conversation]
    candidates: Sequence[CandidateEvent]
    last_report: Row[Any] | None
    next_item: AgendaItem | None
    holds: Sequence[ContactHold]


def circumstances_of(txn: Transaction, patients: Collection[Patient]) -> Mapping[UUID, Circumstances]:
    """By patient. Each kind of thing is read once for all of them."""
    whose = [one.id for one in patients]
    questions, holds = open_questions_of_all(txn, whose), contact.holds_of_all(txn, whose)
    surveys, candidates = _by_patient(txn, whose, _surveys()), _by_patient(txn, whose, _candidates())
    reports, items = _last_reports(txn, whose), _next_items(txn, patients)
    return {
        one.id: Circumstances(
            one,
            questions[one.id],
            surveys[one.id],
            candidates[one.id],
            reports.get(one.id),
            items.get(one.id),
            holds[one.id],
        )
        for one in patients
    }


def _surveys() -> Select[Conversation]:
    return select(Conversation).where(Conversation.ended_at.is_(None)).order_by(Conversation.opened_at, Conversation.id)


def _candidates() -> Select[CandidateEvent]:
    """The most urgent first."""
    return select(CandidateEvent).where(OPEN).order_by(CandidateEvent.tier, CandidateEvent.due_at, CandidateEvent.id)


def _by_patient(txn: Transaction, whose: Collection[UUID], wanted: Select[Rows]) -> Mapping[UUID, Sequence[Rows]]:
    kind = wanted.column_descriptions[0]["entity"]
    found: dict[UUID, list[Rows]] = {patient_id: [] for patient_id in whose}
    for row in txn.session.scalars(wanted.where(kind.patient_id.in_(list(whose)))):
        found[row.patient_id].append(row)
    return found


def _last_reports(txn: Transaction, whose: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
    columns = SymptomReport.__table__.c
    newest = (
        func.row_number()
        .over(partition_by=columns.patient_id, order_by=(columns.received_at.desc(), columns.id.desc()))
        .label("place")
    )
    ranked = (
        select(columns.patient_id, *(columns[name] for name in _REPORT), newest)
        .where(columns.patient_id.in_(list(whose)))
        .subquery()
    )
    return {row.patient_id: row for row in txn.connection.execute(select(ranked).where(ranked.c.place == 1))}


def _next_items(txn: Transaction, patients: Collection[Patient]) -> Mapping[UUID, AgendaItem]:
    """What is open now, or comes first. Nothing comes for who has died or left."""
    followed = [one for one in patients if one.status not in NO_LONGER_FOLLOWED]
    # Held, because the session forgets what nobody holds, and would ask for each site again.
    sites = txn.session.scalars(select(Site).where(Site.id.in_({one.site_id for one in followed}))).all()
    courses = courses_of(txn, followed)
    found = {}
    for one in followed:
        items = agenda(protocol_for(txn, one), courses[one.id], txn.now)
        found[one.id] = next((item for item in items if item.state in AHEAD_OR_OPEN), None)
    del sites
    return {patient_id: item for patient_id, item in found.items() if item is not None}
