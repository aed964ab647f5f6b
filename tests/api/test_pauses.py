"""Pauses and stays in hospital over HTTP: what they hold, what a preview keeps, whom they refuse, who may read why."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients import contact
from backend.patients.acts import Hospitalisation
from backend.patients.models import ContactHold, Patient
from backend.survival import deaths
from backend.terms import MessageStatus, PatientStatus
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people

API = "/api/v1"
NOBODY = system("test")
PAUSE = {"reason": "A journey home.", "until": "2027-03-20"}
STAY = {"admitted_on": "2027-03-01", "planned": False, "reason": "Fever at night."}


@pytest.fixture
def patient(db, clock, work):
    """Ann, on 10 March, with messages planned."""
    enrolled = people.ann(db, consented_on=date(2027, 2, 20), randomised_on=date(2027, 2, 25))
    clock.move_to("2027-03-10T09:00:00+08:00")
    work.plan()
    return enrolled


@pytest.fixture
def staff(db, patient):
    return people.coordinator(db).headers


@pytest.fixture
def of_patient(patient):
    return f"{API}/patients/{patient.id}"


def rows(db: Database) -> tuple[int, ...]:
    """How much of everything there is that an act could leave, and how many messages wait."""
    with db.reading(NOBODY) as txn:
        counted = [txn.session.scalar(select(func.count()).select_from(table)) for table in LEFT]
        waiting = select(func.count()).where(Message.status == MessageStatus.QUEUED)
        return (*(number or 0 for number in counted), txn.session.scalar(waiting) or 0)


LEFT = (ContactHold, Hospitalisation, WorkItem, Message, AuditEvent)


def status_of(db: Database, patient: Patient, status: PatientStatus, **facts: Any) -> None:
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        row.status = status
        for name, value in facts.items():
            setattr(row, name, value)


def test_a_preview_says_what_a_pause_then_does_and_keeps_nothing(db, client, patient, staff, of_patient):
    before = rows(db)

    shown = client.post(f"{of_patient}/pauses?preview=true", json=PAUSE, headers=staff)
    after_the_preview = rows(db)
    done = client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff)

    assert (shown.status_code, done.status_code) == (200, 201)
    assert after_the_preview == before
    assert before[-1] > 0
    assert rows(db)[-1] == 0
    assert shown.json["pause"]["id"] is None
    assert shown.json["diff"] == done.json["diff"]
    assert done.json["diff"]["messages_recalled"] == before[-1]
    assert done.json["pause"]["until"] == "2027-03-19T16:00:00+00:00"
    assert client.get(of_patient, headers=staff).json["contact_held"] == ["paused"]


def test_a_pause_is_ended_once_and_messages_are_planned_again(db, client, patient, staff, of_patient):
    waiting = rows(db)[-1]
    made = client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff).json["pause"]
    ends = f"{of_patient}/pauses/{made['id']}/ends"

    preview = client.post(f"{ends}?preview=true", headers=staff)
    still_held = rows(db)[-1]
    done = client.post(ends, headers=staff)
    again = client.post(ends, headers=staff)

    assert (preview.status_code, done.status_code, again.status_code) == (200, 201, 409)
    assert still_held == 0
    assert done.json["pause"]["ended_at"] is not None
    assert rows(db)[-1] == waiting


def test_a_pause_that_has_run_out_cannot_be_ended_and_shows_as_over_before_a_worker_comes(
    db, clock, client, patient, staff, of_patient
):
    made = client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff).json["pause"]
    clock.move_to("2027-03-20T09:00:00+08:00")
    staff = people.coordinator(db).headers

    done = client.post(f"{of_patient}/pauses/{made['id']}/ends", headers=staff)
    listed = client.get(f"{of_patient}/pauses", headers=staff).json["items"]

    assert (done.status_code, done.json["code"]) == (409, "no_longer_possible")
    assert [one["ended_at"] for one in listed] == [made["until"]]


def test_a_second_pause_replaces_the_first(client, patient, staff, of_patient):
    first = client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff).json["pause"]
    second = client.post(f"{of_patient}/pauses", json=PAUSE | {"until": "2027-04-01"}, headers=staff).json["pause"]

    listed = client.get(f"{of_patient}/pauses", headers=staff).json["items"]

    assert {one["id"]: one["ended_at"] is None for one in listed} == {first["id"]: False, second["id"]: True}
    assert client.get(of_patient, headers=staff).json["contact_held"] == ["paused"]


WRONG_PAUSES = [
    ({"until": "2027-03-10"}, "until"),
    ({"until": "2027-03-09"}, "until"),
    ({"until": "2027-06-09"}, "until"),
    ({"until": "2100-12-31"}, "until"),
    ({"until": "soon"}, "until"),
    ({"until": "2027-03-20T09:00:00"}, "until"),
    ({"until": None}, "until"),
    ({"reason": ""}, "reason"),
    ({"reason": "a\u0007b"}, "reason"),
    ({"kind": "hospitalised"}, "kind"),
]
WRONG_STAYS = [
    ({"admitted_on": "2027-02-19"}, "admitted_on"),
    ({"admitted_on": "2027-03-11"}, "admitted_on"),
    ({"discharged_on": "2027-03-11"}, "discharged_on"),
    ({"discharged_on": "2027-02-28"}, "discharged_on"),
    ({"admitted_on": "2027-03-32"}, "admitted_on"),
    ({"admitted_on": "0001-01-01"}, "admitted_on"),
    ({"planned": 1}, "planned"),
    ({"planned": None}, "planned"),
    ({"reason": ""}, "reason"),
    ({"pause": True}, "pause"),
]


@pytest.mark.parametrize(
    ("resource", "whole", "wrong"), [("pauses", PAUSE, WRONG_PAUSES), ("hospitalisations", STAY, WRONG_STAYS)]
)
@pytest.mark.parametrize("preview", ["", "?preview=true"])
def test_whatever_has_something_wrong_in_it_is_refused_by_field(
    db, client, patient, staff, of_patient, resource, whole, wrong, preview
):
    before = rows(db)

    met = [
        client.post(f"{of_patient}/{resource}{preview}", json=whole | changes, headers=staff) for changes, _ in wrong
    ]

    assert [(one.status_code, list(one.json["errors"])) for one in met] == [(422, [field]) for _, field in wrong]
    assert rows(db) == before


def test_a_pause_of_ninety_days_is_not_too_long(client, patient, staff, of_patient):
    longest = client.post(f"{of_patient}/pauses", json=PAUSE | {"until": "2027-06-08"}, headers=staff)

    assert longest.status_code == 201


@pytest.mark.parametrize("status", [PatientStatus.DIED, PatientStatus.WITHDRAWN])
def test_there_is_no_pause_for_the_dead_and_the_withdrawn(db, client, patient, staff, of_patient, status):
    status_of(db, patient, status)

    refused = client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")


def test_what_a_report_of_death_holds_cannot_be_ended_as_if_it_were_a_pause(db, client, patient, staff, of_patient):
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        deaths.report_death(txn, row, died_on="2027-03-09")
        hold_id = contact.holds(txn, row)[0].id

    refused = client.post(f"{of_patient}/pauses/{hold_id}/ends", headers=staff)

    assert refused.status_code == 404
    assert client.get(of_patient, headers=staff).json["contact_held"] == ["death_reported"]


def test_another_patients_pause_and_stay_are_not_found(db, client, patient, staff, of_patient):
    other = f"{API}/patients/{people.ann(db).id}"
    pause = client.post(f"{other}/pauses", json=PAUSE, headers=staff).json["pause"]["id"]
    stay = client.post(f"{other}/hospitalisations", json=STAY, headers=staff).json["hospitalisation"]["id"]
    home = {"discharged_on": "2027-03-09"}

    answers = [
        client.post(f"{of_patient}/pauses/{pause}/ends", headers=staff),
        client.patch(f"{of_patient}/hospitalisations/{stay}", json=home, headers=staff),
        client.patch(f"{of_patient}/hospitalisations/{uuid4()}", json=home, headers=staff),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_only_who_cares_for_the_patient_may_pause_and_read_why(db, client, patient, staff, of_patient):
    client.post(f"{of_patient}/pauses", json=PAUSE, headers=staff)
    client.post(f"{of_patient}/hospitalisations", json=STAY, headers=staff)
    reader, stranger = people.monitor(db).headers, people.coordinator(db, "site-02").headers

    def reasons(headers: Any) -> list[Any]:
        lists = [client.get(f"{of_patient}/{name}", headers=headers) for name in ("pauses", "hospitalisations")]
        return [one["reason"] for answer in lists for one in answer.json["items"]]

    assert reasons(reader) == [None, None]
    assert reasons(staff) == ["A journey home.", "Fever at night."]
    assert client.post(f"{of_patient}/pauses", json=PAUSE, headers=reader).status_code == 403
    assert client.post(f"{of_patient}/hospitalisations", json=STAY, headers=reader).status_code == 403
    assert client.get(f"{of_patient}/pauses", headers=stranger).status_code == 404
    assert client.post(f"{of_patient}/hospitalisations", json=STAY, headers=stranger).status_code == 404


def test_an_unplanned_stay_pauses_until_its_discharge_and_a_preview_of_either_keeps_nothing(
    db, client, patient, staff, of_patient
):
    stays, before = f"{of_patient}/hospitalisations", rows(db)
    today = STAY | {"admitted_on": "2027-03-10"}

    looked = client.post(f"{stays}?preview=true", json=today, headers=staff)
    after_the_preview = rows(db)
    begun = client.post(stays, json=today, headers=staff)
    stay = f"{stays}/{begun.json['hospitalisation']['id']}"
    home = {"discharged_on": "2027-03-10"}
    looked_again = client.patch(f"{stay}?preview=true", json=home, headers=staff)
    still_held = client.get(of_patient, headers=staff).json["contact_held"]
    ended = client.patch(stay, json=home, headers=staff)
    again = client.patch(stay, json=home, headers=staff)

    assert [one.status_code for one in (looked, begun, looked_again, ended, again)] == [200, 201, 200, 200, 409]
    assert after_the_preview == before
    assert begun.json["paused_until"] == "2027-03-16T16:00:00+00:00"
    assert looked.json["hospitalisation"]["id"] is None
    assert looked.json["diff"] == begun.json["diff"]
    assert still_held == ["hospitalised"]
    assert (ended.json["paused_until"], ended.json["hospitalisation"]["discharged_on"]) == (None, "2027-03-10")
    assert client.get(of_patient, headers=staff).json["contact_held"] == []
    tasks = client.get(f"{API}/worklist", headers=staff).json["items"]
    assert sorted(one["reason"] for one in tasks) == ["pause_ends", "unplanned_hospitalisation"]


def test_a_discharge_before_the_admission_or_ahead_is_refused(client, patient, staff, of_patient):
    stays = f"{of_patient}/hospitalisations"
    stay = client.post(stays, json=STAY, headers=staff).json["hospitalisation"]["id"]

    refused = [
        client.patch(f"{stays}/{stay}", json={"discharged_on": day}, headers=staff)
        for day in ("2027-02-28", "2027-03-11")
    ]

    assert [one.status_code for one in refused] == [422, 422]
    assert [list(one.json["errors"]) for one in refused] == [["discharged_on"], ["discharged_on"]]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("2027-03-01", "2027-03-03"), 409),
        (("2027-03-02", "2027-03-04"), 409),
        (("2027-02-26", "2027-03-02"), 409),
        (("2027-02-26", None), 409),
        (("2027-03-01", "2027-03-01"), 409),
        (("2027-02-26", "2027-03-01"), 201),
        (("2027-03-05", None), 201),
        (("2027-03-06", "2027-03-09"), 201),
    ],
)
def test_stays_do_not_overlap_but_may_follow_on_the_same_day(client, patient, staff, of_patient, days, expected):
    stays = f"{of_patient}/hospitalisations"
    client.post(stays, json=STAY | {"discharged_on": "2027-03-05"}, headers=staff)

    second = {"admitted_on": days[0], "discharged_on": days[1], "planned": True, "reason": "A scan."}
    answer = client.post(stays, json=second, headers=staff)

    assert answer.status_code == expected
    if expected == 409:
        assert (answer.json["code"], answer.json["admitted_on"]) == ("already_exists", "2027-03-01")


def test_a_stay_before_a_death_may_be_learnt_after_it_and_is_still_judged(db, client, patient, staff, of_patient):
    status_of(db, patient, PatientStatus.DIED, died_on="2027-03-05")
    stays = f"{of_patient}/hospitalisations"

    before = client.post(stays, json=STAY | {"discharged_on": "2027-03-04"}, headers=staff)
    after = client.post(stays, json=STAY | {"admitted_on": "2027-03-06"}, headers=staff)

    assert before.status_code == 201
    assert before.json["paused_until"] is None
    assert (after.status_code, list(after.json["errors"])) == (422, ["admitted_on"])
    tasks = client.get(f"{API}/worklist?reason=unplanned_hospitalisation", headers=staff).json["items"]
    assert [one["for_role"] for one in tasks] == ["investigator"]


def test_a_stay_after_the_withdrawal_from_the_study_is_nobodys_business(db, client, patient, staff, of_patient):
    status_of(db, patient, PatientStatus.WITHDRAWN, withdrawn_from_study_on=date(2027, 3, 5))
    stays = f"{of_patient}/hospitalisations"

    after = client.post(stays, json=STAY | {"admitted_on": "2027-03-06"}, headers=staff)
    before = client.post(stays, json=STAY, headers=staff)

    assert (after.status_code, list(after.json["errors"])) == (422, ["admitted_on"])
    assert before.status_code == 201
    assert before.json["paused_until"] is None
