"""Departures from the protocol over HTTP: those that acts record and those that people enter, in one list."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.agenda import changes
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.models import Deviation, Patient
from backend.terms import Attendance, PatientStatus
from tests import people

API = "/api/v1"
LIST = f"{API}/deviations"
NOBODY = system("test")


@pytest.fixture
def patient(db, clock):
    return people.ann(db)


@pytest.fixture
def staff(db, patient):
    return people.coordinator(db).headers


def body(whose: Patient, **different: Any) -> dict[str, Any]:
    said = {"kind": "visit_missed", "occurred_on": "2027-02-28", "subject": "visit.m1", "important": False}
    return {"patient": str(whose.id), "reason": "The road was closed.", **said, **different}


def kept(db: Database) -> int:
    with db.reading(NOBODY) as txn:
        return txn.session.scalar(select(func.count(Deviation.id))) or 0


def test_what_an_act_records_and_what_a_person_enters_stand_in_one_list(db, clock, client, patient, staff):
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    clock.move_to("2027-03-13T09:00:00+08:00")
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.start_infusion(txn, row, 1, 1, datetime.fromisoformat("2027-03-13T09:00:00+08:00"))
    clock.move_to("2027-03-15T09:00:00+08:00")
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.record_attendance(txn, row, "cycle-1.day-2", Attendance.MISSED, date(2027, 3, 14))
    clock.move_to("2027-03-15T10:00:00+08:00")
    staff = people.coordinator(db).headers
    entered = client.post(LIST, json=body(patient, important=True), headers=staff)

    listed = client.get(LIST, headers=staff).json

    assert entered.status_code == 201
    assert [(one["kind"], one["subject"], one["occurred_on"], one["important"]) for one in listed["items"]] == [
        ("visit_missed", "visit.m1", "2027-02-28", True),
        ("day_2_missed", "cycle-1.day-2", "2027-03-14", False),
    ]
    assert listed["items"][0]["id"] == entered.json["id"]
    assert listed["items"][0]["patient"]["subject_number"] == patient.subject_number
    assert listed["next_cursor"] is None


def test_pages_follow_each_other_without_gap_or_double_also_while_one_is_added(db, client, patient, staff):
    made = [
        client.post(LIST, json=body(patient, subject=f"visit.m{number}"), headers=staff).json["id"]
        for number in range(5)
    ]

    first = client.get(f"{LIST}?limit=2", headers=staff).json
    client.post(LIST, json=body(patient, subject="visit.m12"), headers=staff)
    seen, cursor = [one["id"] for one in first["items"]], first["next_cursor"]
    while cursor:
        page = client.get(f"{LIST}?limit=2&cursor={cursor}", headers=staff).json
        seen += [one["id"] for one in page["items"] if one["subject"] != "visit.m12"]
        cursor = page["next_cursor"]

    assert sorted(seen) == sorted(made)


def test_a_list_is_kept_to_the_readers_sites_and_to_what_was_asked_for(db, client, patient, staff):
    far, other = people.ann(db, "site-02"), people.ann(db)
    client.post(LIST, json=body(patient), headers=staff)
    client.post(LIST, json=body(other), headers=staff)
    client.post(LIST, json=body(far), headers=people.coordinator(db, "site-02").headers)
    everywhere = people.monitor(db).headers

    def whose(headers: Any, query: str = "") -> list[str]:
        return sorted(one["patient"]["id"] for one in client.get(f"{LIST}{query}", headers=headers).json["items"])

    ours = sorted([str(patient.id), str(other.id)])
    assert whose(staff) == ours
    assert whose(everywhere) == sorted([*ours, str(far.id)])
    assert whose(everywhere, "?site=site-02") == [str(far.id)]
    assert whose(staff, f"?patient={other.id}") == [str(other.id)]
    assert whose(staff, f"?patient={far.id}") == []
    assert client.get(f"{LIST}?site=site-02", headers=staff).status_code == 422
    assert client.get(f"{LIST}?site=site-99", headers=staff).status_code == 422


def test_reasons_are_read_for_one_patient_by_who_cares_for_them_and_the_reading_is_noted(db, client, patient, staff):
    made = client.post(LIST, json=body(patient), headers=staff).json
    of_patient = f"{LIST}?patient={patient.id}"

    def reason(address: str, headers: Any) -> Any:
        return client.get(address, headers=headers).json["items"][0]["reason"]

    assert made["reason"] is None
    assert reason(LIST, staff) is None
    assert reason(of_patient, people.monitor(db).headers) is None
    assert reason(of_patient, staff) == "The road was closed."
    with db.reading(NOBODY) as txn:
        verbs = txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.patient_id == patient.id)).all()
    assert verbs.count("patient.identifiers_read") == 1
    assert "deviation.recorded" in verbs


WRONG = [
    ({"occurred_on": "2027-02-19"}, "occurred_on"),
    ({"occurred_on": "2027-03-02"}, "occurred_on"),
    ({"occurred_on": "yesterday"}, "occurred_on"),
    ({"patient": str(uuid4())}, "patient"),
    ({"patient": "02-0001"}, "patient"),
    ({"kind": "Ann Zhang"}, "kind"),
    ({"kind": "day_2_missed"}, "kind"),
    ({"kind": "eligibility_override"}, "kind"),
    ({"kind": ""}, "kind"),
    ({"subject": "Ann did not come"}, "subject"),
    ({"subject": "visit.m1\n"}, "subject"),
    ({"subject": "x" * 81}, "subject"),
    ({"important": "yes"}, "important"),
    ({"reason": ""}, "reason"),
    ({"reason": None}, "reason"),
    ({"site": "site-01"}, "site"),
]


def test_an_entry_with_something_wrong_in_it_is_refused_by_field(db, client, patient, staff):
    met = [client.post(LIST, json=body(patient, **different), headers=staff) for different, _ in WRONG]

    assert [(one.status_code, list(one.json["errors"])) for one in met] == [(422, [field]) for _, field in WRONG]
    assert kept(db) == 0


def test_an_unknown_patient_and_another_sites_are_refused_alike(db, client, patient, staff):
    far = people.ann(db, "site-02")

    refused = [client.post(LIST, json=body(patient, patient=str(who)), headers=staff) for who in (far.id, uuid4())]

    assert [one.status_code for one in refused] == [422, 422]
    assert refused[0].json["errors"] == refused[1].json["errors"]


def test_a_monitor_reads_and_does_not_enter(db, client, patient, staff):
    reader = people.monitor(db).headers

    assert client.get(LIST, headers=reader).status_code == 200
    assert client.post(LIST, json=body(patient), headers=reader).status_code == 403
    assert client.get(LIST, headers=people.administrator(db).headers).status_code == 403
    assert client.get(LIST, headers=people.phone_of(db, patient).headers).status_code == 403


def test_a_deviation_after_a_death_is_refused_and_one_before_it_is_kept(db, client, patient, staff):
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        row.status, row.died_on = PatientStatus.DIED, "2027-02-27"

    after = client.post(LIST, json=body(patient), headers=staff)
    before = client.post(LIST, json=body(patient, occurred_on="2027-02-26"), headers=staff)

    assert (after.status_code, list(after.json["errors"])) == (422, ["occurred_on"])
    assert before.status_code == 201


def test_a_cursor_of_somebody_elses_making_is_refused(client, patient, staff):
    refused = [client.get(f"{LIST}?cursor={cursor}", headers=staff) for cursor in ("x", "W10", "WyIyMDI3Il0", "%00")]

    assert {(one.status_code, one.json["code"]) for one in refused} == {(422, "invalid_cursor")}
