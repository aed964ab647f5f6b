"""A fatal adverse event is somebody's word that the patient has died: contact pauses, and a second person decides.

The event stays what it is whatever becomes of the report. One that was denied is opened anew by no later change of the
same event; `checks` lists the two as a contradiction until one of them is corrected.
"""

from backend.adverse_events.judgement import FATAL_GRADE
from backend.adverse_events.models import AdverseEvent
from backend.db import Transaction
from backend.partial_dates import is_before_day
from backend.patients.models import Patient
from backend.survival import deaths
from backend.survival.models import DeathReport

NOT_YET = 0


def tell_of_death(txn: Transaction, event: AdverseEvent, grade_before: int = NOT_YET) -> DeathReport | None:
    """Report the death that an event of grade 5 tells of, in the transaction that recorded or raised it.

    ``grade_before`` is the grade it had; without it, the event is new. None where the event is not fatal, was fatal
    before, or a report stands that nobody has denied or reversed.
    """
    if event.grade != FATAL_GRADE or grade_before == FATAL_GRADE:
        return None
    patient = txn.session.get_one(Patient, event.patient_id)
    if any(report.status not in deaths.MISTAKEN for report in deaths.reports_of(txn, patient)):
        return None
    return deaths.report_death(txn, patient, died_on=_died_on(event, patient), informant=f"adverse event {event.id}")


def _died_on(event: AdverseEvent, patient: Patient) -> str | None:
    """The end of the event, as precisely as it is known. Its onset is no day of death, and a day before randomisation
    is some mistake: whoever approves the report then gives the date.
    """
    is_possible = event.ended_on is not None and not is_before_day(event.ended_on, patient.randomised_on)
    return event.ended_on if is_possible else None
