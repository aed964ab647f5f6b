"""Candidate events as rows, for tests of what is done with them rather than of how they came about."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from backend.patients.models import Patient
from backend.triage.models import CandidateEvent


def a_candidate(patient: Patient, **values: Any) -> CandidateEvent:
    """Nausea that waits for somebody, but for what a test says; no report stands behind it."""
    return CandidateEvent(**columns(patient, **values))


def columns(patient: Patient, **values: Any) -> dict[str, Any]:
    """The same as its columns."""
    level = {"tier": "T3", "composite": 2, "grade": None}
    usual: dict[str, Any] = {
        "patient_id": patient.id,
        "site_id": patient.site_id,
        "subject": str(uuid4()),
        "term_code": "10028813",
        "tier": "T3",
        "status": "proposed",
        "rule_id": "T3.first-composite-2",
        "rule_version": 1,
        "onset_on": date(2027, 3, 1),
        "opened_at": datetime(2027, 3, 1, tzinfo=UTC),
        "last_reported_at": datetime(2027, 3, 1, tzinfo=UTC),
        "due_at": datetime(2027, 3, 1, 9, tzinfo=UTC),
        "worst": level,
        "latest": level,
        "items": ["nausea.frequency"],
        "trend": "new",
        "needs_review": False,
        "before_treatment": False,
        "report_count": 1,
        "is_running": False,
    }
    return usual | values
