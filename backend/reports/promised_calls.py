"""Who asked for a call has one coming: a task for whoever is there, due when the patient was told it would be."""

from backend.db import Transaction
from backend.patients.models import Patient
from backend.reports.models import SymptomReport
from backend.staff.models import Site
from backend.terms import Tier, WorkReason
from backend.triage.advice import call_by
from backend.triage.candidates import rules_for
from backend.triage.working_days import WorkingHours
from backend.worklist.items import open_item


def promise_a_call(txn: Transaction, patient: Patient, report: SymptomReport) -> None:
    """Open the task, when the report asks for a call. Beside an emergency, which promises no hour, it is due now."""
    if not report.wants_call:
        return
    site = txn.session.get_one(Site, patient.site_id)
    due = call_by(
        txn.now,
        site_zone=site.time_zone,
        patient_zone=patient.time_zone,
        hours=WorkingHours.from_content(site.working_hours),
        clocks=rules_for(txn, patient).clocks,
    )
    open_item(
        txn,
        reason=WorkReason.CALL_REQUESTED,
        key=f"call-wanted:{report.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now if report.tier == Tier.T1 else due,
    )
