"""What phones and coordinators send, whole and valid; a test changes only what it is about."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from backend.reports.submit import Submission


def answers(**values: int) -> list[dict[str, Any]]:
    """``answers(nausea__severity=2)``: two underscores stand for the dot of an item's code."""
    return [{"item": name.replace("__", "."), "value": value} for name, value in values.items()]


def report_body(**changes: Any) -> dict[str, Any]:
    """An ad-hoc report at the tests' usual hour, with nothing wrong in it."""
    body: dict[str, Any] = {
        "id": str(uuid4()),
        "instrument": "ad_hoc",
        "instrument_version": 1,
        "agenda_key": None,
        "language": "en",
        "respondent": "patient",
        "mode": "app",
        "started_at": "2027-03-01T07:50:00+08:00",
        "completed_at": "2027-03-01T07:55:00+08:00",
        "answers": answers(checklist__seizure=0),
        "measurements": {},
        "other_symptoms": [],
        "wants_call": False,
    }
    return body | changes


def staff_report_body(**changes: Any) -> dict[str, Any]:
    """The same as a coordinator enters it."""
    return report_body(mode="phone", on_behalf_reason="The patient has no phone of her own.") | changes


def confirmation_body(**changes: Any) -> dict[str, Any]:
    """A patient says that she is well."""
    return {"status": "alive", "respondent": "patient", "as_of": "2027-03-01"} | changes


def death_body(**changes: Any) -> dict[str, Any]:
    """A sister calls."""
    return {"died_on": "2027-02-28", "cause": "liver failure", "informant": "Wu Mei", "relation": "sister"} | changes


def submission(completed_at: str, **changes: Any) -> Submission:
    """A weekly report as a door hands it on, sent at once; it says nothing of how the patient is."""
    moment = datetime.fromisoformat(completed_at)
    report = Submission(
        id=uuid4(),
        instrument="weekly",
        instrument_version=1,
        language="en",
        respondent="patient",
        mode="app",
        started_at=moment,
        completed_at=moment,
        answers=(),
    )
    return replace(report, **changes)
