"""Records to be searched about whoever has left the study and allowed it: one task a survival check, and no call.

The calendar of such a patient is over. Their survival checks go on as if they had stayed, and ask nobody but the
site's own people to look into records and registries.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from backend.agenda.calendar import agenda
from backend.agenda.calls import Callers, WantedCall, calls_about
from backend.agenda.course import AgendaItem
from backend.agenda.history import course_of, protocol_for
from backend.db import Transaction
from backend.patients import contact
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.terms import AgendaKind, PatientStatus, WorkReason

SEARCH = "search-records:"


def may_be_searched(patient: Patient) -> bool:
    """Whether the patient left the study, and allowed on leaving that records be searched."""
    return patient.status == PatientStatus.WITHDRAWN and bool(patient.records_search_allowed)


def to_search_for(txn: Transaction) -> Sequence[UUID]:
    """Everybody of whom that is true."""
    allowed = Patient.records_search_allowed.is_(True)
    left = select(Patient.id).where(Patient.status == PatientStatus.WITHDRAWN, allowed)
    return txn.session.scalars(left.order_by(Patient.id)).all()


def searches_for(txn: Transaction, patient: Patient) -> tuple[Sequence[AgendaItem], Sequence[WantedCall]]:
    """The patient's survival checks as if they had stayed, and the search that each unanswered one asks for.

    None while a report of their death waits. A search falls due on the day on which somebody would be telephoned.
    """
    if not may_be_searched(patient) or contact.holds(txn, patient):
        return (), ()
    protocol = protocol_for(txn, patient)
    course = replace(course_of(txn, patient), withdrawn_from_study_on=None)
    items = [item for item in agenda(protocol, course, txn.now) if item.kind is AgendaKind.SURVIVAL_CHECK]
    site = txn.session.get_one(Site, patient.site_id)
    calls = calls_about(items, course.reported, Callers(site.time_zone, protocol.country))
    return items, tuple(_as_search(call) for call in calls)


def _as_search(call: WantedCall) -> WantedCall:
    """In the place of the call, under a key of its own: a call that a person closed before does not stand for it."""
    key = f"{SEARCH}{call.agenda_key}@{call.due_on.isoformat()}"
    return call._replace(key=key, reason=WorkReason.SEARCH_RECORDS)
