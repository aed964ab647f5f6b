"""Whole bodies, from which the made-up ones borrow: a body of nothing but made-up values gets no further than a 422."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from uuid import uuid4

from tests.people import PASSWORD, enrolment_body
from tests.sent import answers, confirmation_body, death_body, report_body, staff_report_body

Body = dict[str, Any]


def _a_report(luck: Random) -> Body:
    return report_body(
        instrument=luck.choice(["core", "ad_hoc"]),
        answers=answers(nausea__frequency=luck.randint(0, 4), nausea__severity=luck.randint(0, 4)),
        other_symptoms=[{"text": "手抖", "severity": 1}],
    )


def _a_patient(luck: Random) -> Body:
    return enrolment_body(phone=f"+86139{luck.randint(10_000_000, 99_999_999)}")


def _a_member(luck: Random) -> Body:
    roles = [{"role": "coordinator", "site": "site-02"}]
    return {"email": f"{luck.random()}@example.org", "name": "Li Na", "password": PASSWORD, "roles": roles}


def _a_site(luck: Random) -> Body:
    phones = {"emergency_phone": "+86 10 6693 1000", "office_phone": None}
    return {"code": f"site-{luck.randint(10, 9_999)}", "name": "A hospital", "time_zone": "Asia/Shanghai"} | phones


WHOLE: Mapping[str, Callable[[Random], Body]] = {
    "POST /api/v1/me/reports": _a_report,
    "POST /api/v1/patients/{patient_id}/reports": lambda luck: staff_report_body(id=str(uuid4())),
    "POST /api/v1/patients": _a_patient,
    "POST /api/v1/staff": _a_member,
    # As the demo's people sign in; elsewhere they are strangers.
    "POST /api/v1/auth/staff": lambda luck: {
        "email": f"coordinator.0{luck.randint(1, 3)}@example.org",
        "password": "a demo for everyone",
    },
    "POST /api/v1/sites": _a_site,
    "POST /api/v1/me/survival-confirmations": lambda luck: confirmation_body(),
    "POST /api/v1/patients/{patient_id}/death-reports": lambda luck: death_body(),
    "POST /api/v1/patients/{patient_id}/survival-statuses": lambda luck: {
        "status": "alive",
        "as_of": "2027-03-01",
        "source": "phone",
    },
    "POST /api/v1/patients/{patient_id}/contact-attempts": lambda luck: {
        "channel": luck.choice(["phone", "visit", "registry"]),
        "person": luck.choice(["patient", "caregiver", "physician", "registry", "Wu Mei"]),
        "outcome": luck.choice(["alive", "no_answer", "wrong_number", "refused", "reached_no_information"]),
        "as_of": "2027-03-01",
    },
    "POST /api/v1/patients/{patient_id}/cycles": lambda luck: {
        "number": luck.randint(1, 6),
        "donor_collection_on": f"2027-03-{luck.randint(1, 28):02}",
    },
    "PATCH /api/v1/patients/{patient_id}/cycles/{number}": lambda luck: {
        "status": luck.choice(["confirmed", "confirmed", "release_failed"]),
    },
    "POST /api/v1/patients/{patient_id}/cycles/{number}/infusions": lambda luck: {
        "day": luck.choice([1, 2]),
        "started_at": "2027-03-01T07:00:00+08:00",
    },
    "POST /api/v1/patients/{patient_id}/caregivers": lambda luck: {
        "name": "Wu Mei",
        "phone": "+8613800138001",
        "relation": "sister",
    },
    "PATCH /api/v1/patients/{patient_id}": lambda luck: {"name": "Ann Zhang", "reason": "x"},
    "POST /api/v1/death-reports/{report_id}/approvals": lambda luck: {},
}


def borrow(label: str, made_up: Any, luck: Random) -> Any:
    """A whole body with some of the made-up values in it, for two of three requests whose body is an object."""
    if label not in WHOLE or not isinstance(made_up, dict) or luck.random() < 0.33:
        return made_up
    whole = WHOLE[label](luck)
    spoiled = [name for name in made_up if luck.random() < 0.25]
    return whole | {name: made_up[name] for name in spoiled}
