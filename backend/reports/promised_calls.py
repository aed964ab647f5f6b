"""Who asked for a call has one coming: a task for whoever is there, due when the patient was told it would be.

When that is another day, whoever is on call then is told by text: nobody reads a work list on a Saturday.
"""

from datetime import datetime

from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.staff.roster import on_call_at
from backend.terms import Tier, WorkReason
from backend.triage.advice import call_by
from backend.triage.candidates import rules_for
from backend.triage.site_hours import hours_of
from backend.triage.staff_letters import write_to_staff
from backend.triage.working_days import can_call_today
from backend.worklist.items import open_item


def promise_a_call(txn: Transaction, patient: Patient, report: SymptomReport) -> None:
    """Open the task, when the report asks for a call. Beside an emergency, which promises no hour, it is due now."""
    if not report.wants_call:
        return
    site, clocks = hours_of(txn, patient.site_id), rules_for(txn, patient).clocks
    due = call_by(txn.now, site_zone=site.time_zone, patient_zone=patient.time_zone, hours=site.hours, clocks=clocks)
    open_item(
        txn,
        reason=WorkReason.CALL_REQUESTED,
        key=f"call-wanted:{report.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now if report.tier == Tier.T1 else due,
    )
    if report.tier != Tier.T1 and not can_call_today(txn.now, site.time_zone, site.hours, clocks=clocks):
        _tell_who_will_be_there(txn, patient, report, due)


def _tell_who_will_be_there(txn: Transaction, patient: Patient, report: SymptomReport, due: datetime) -> None:
    for member in on_call_at(txn, patient.site_id, due):
        write_to_staff(
            txn,
            member.id,
            key=f"call-promised:{report.id}:{member.id}",
            template="call_promised_sms",
            patient_id=patient.id,
            site_id=patient.site_id,
        )
