"""Amendments over HTTP: from when a version holds, who moves to it, and what becomes of the calendar."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.patients.models import Patient
from backend.protocol.effects import version_in_effect
from notifications.models import Message
from tests.api.test_agenda import rows
from tests.people import (
    PASSWORD,
    ann,
    ben,
    coordinator,
    enrolment_body,
    investigator,
    monitor,
    phone_of,
    principal_investigator,
    site_row,
)
from tests.protocol.amended import load_amendment, set_in_effect

API = "/api/v1"
EFFECT = {
    "site": "site-01",
    "effective_on": "2027-03-10",
    "reconsent_required": True,
    "reason": "Approved by the ethics committee on 1 March.",
}


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def moves(patient) -> str:
    return f"{API}/patients/{patient.id}/protocol-moves"


def effects_of(client, headers, number: int = 2) -> list[dict[str, Any]]:
    versions = client.get(f"{API}/protocols", headers=headers).json["items"]
    return next(list(one["effects"]) for one in versions if one["version"] == number)


def entered(db: Database, day: str, site: str = "site-01") -> int:
    """Which version new patients of the site enter on that day."""
    with db.reading(system("test")) as txn:
        return version_in_effect(txn, site_row(txn, site).id, date.fromisoformat(day)).version


# --- from when a version holds -------------------------------------------------------------------------------


def test_a_version_holds_at_a_site_from_the_day_its_principal_investigator_sets(db, client):
    load_amendment(db)
    person = principal_investigator(db)

    answer = client.post(f"{API}/protocols/2/effects", json=EFFECT, headers=person.headers)

    assert answer.status_code == 201, answer.text
    assert answer.json == EFFECT | {
        "has_begun": False,
        "set_by": str(person.id),
        "set_at": answer.json["set_at"],
    }
    assert effects_of(client, coordinator(db).headers) == [answer.json]
    assert effects_of(client, monitor(db).headers)[0]["reason"] is None
    assert effects_of(client, coordinator(db, "site-02").headers) == []
    assert [entered(db, day) for day in ("2027-03-09", "2027-03-10")] == [1, 2]
    assert entered(db, "2027-03-10", "site-02") == 1


def test_new_patients_enter_the_version_that_holds_and_earlier_ones_stay(db, client, clock, patient):
    load_amendment(db)
    client.post(f"{API}/protocols/2/effects", json=EFFECT, headers=principal_investigator(db).headers)
    versions = []

    for moment, phone in (("2027-03-09T23:59:00+08:00", "+8613800138031"), ("2027-03-10T00:00:00+08:00", None)):
        clock.move_to(moment)
        person = coordinator(db)
        made = client.post(f"{API}/patients", json=enrolment_body(phone=phone), headers=person.headers).json["id"]
        versions.append(client.get(f"{API}/patients/{made}", headers=person.headers).json["protocol_version"])

    record = client.get(f"{API}/patients/{patient.id}", headers=person.headers).json
    assert versions == [1, 2]
    assert (record["protocol_version"], record["protocol_moves"]) == (1, [])


def test_a_day_may_be_set_anew_until_it_has_begun(db, client, clock):
    load_amendment(db)
    person, address = principal_investigator(db), f"{API}/protocols/2/effects"
    client.post(address, json=EFFECT, headers=person.headers)

    again = client.post(address, json=EFFECT | {"effective_on": "2027-03-05"}, headers=person.headers)
    clock.move_to("2027-03-05T00:00:00+08:00")
    person = principal_investigator(db)
    too_late = client.post(address, json=EFFECT, headers=person.headers)

    assert again.status_code == 201
    assert (too_late.status_code, too_late.json["code"]) == (409, "no_longer_possible")
    assert "has held here since 2027-03-05" in too_late.json["detail"]
    assert [one["effective_on"] for one in effects_of(client, person.headers)] == ["2027-03-05"]


@pytest.mark.parametrize(
    ("number", "changes", "status", "said"),
    [
        (2, {"effective_on": "2027-02-28"}, 422, "today is the earliest"),
        (2, {"site": "site-99"}, 422, "There is no such site."),
        (2, {"site": "site-02"}, 422, "There is no such site."),
        (2, {"reason": ""}, 422, "reason"),
        (2, {"reconsent_required": "yes"}, 422, "reconsent_required"),
        (1, {}, 409, "holds from the beginning"),
        (9, {}, 404, "There is no version 9"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_day_that_cannot_be_is_refused_with_the_rule(db, client, number, changes, status, said):
    load_amendment(db)
    principal_investigator(db, "site-02")
    headers = principal_investigator(db).headers

    answer = client.post(f"{API}/protocols/{number}/effects", json=EFFECT | changes, headers=headers)

    assert answer.status_code == status, answer.text
    assert said in answer.text


def test_only_the_principal_investigator_sets_the_day(db, client):
    load_amendment(db)

    for person in (coordinator(db), investigator(db), monitor(db)):
        answer = client.post(f"{API}/protocols/2/effects", json=EFFECT, headers=person.headers)
        assert answer.status_code == 403


# --- moving ----------------------------------------------------------------------------------------------------


def test_a_preview_says_what_the_move_then_does_and_keeps_nothing(db, client, work, patient, moves):
    person, phone = coordinator(db), phone_of(db, patient)
    set_in_effect(db, load_amendment(db))
    work.plan()
    before = rows(db)

    preview = client.post(f"{moves}?preview=true", json={"to": 2}, headers=person.headers)
    left_behind = rows(db)
    act = client.post(moves, json={"to": 2}, headers=person.headers)

    assert (preview.status_code, act.status_code, left_behind) == (200, 201, before), act.text
    assert preview.json["diff"] == act.json["diff"]
    assert preview.json["asked_otherwise"] == act.json["asked_otherwise"]
    assert preview.json["move"] == act.json["move"] | {"id": None}
    assert {"visit.m11"} <= set(act.json["diff"]["added"])
    assert {"visit.m12"} <= set(act.json["diff"]["cancelled"])
    assert "weekly.w4" in act.json["asked_otherwise"]
    agenda = client.get(f"{API}/me/agenda", headers=phone.headers).json["items"]
    assert {item["key"]: item["title"] for item in agenda}["weekly.w2"] == "Report of week 2"


def test_the_record_shows_the_version_and_how_the_patient_came_to_it(db, client, patient, moves):
    person = investigator(db)
    set_in_effect(db, load_amendment(db), needs_consent=True)

    body = {"to": 2, "moved_on": "2027-03-01", "reconsented_on": "2027-02-28"}
    act = client.post(moves, json=body, headers=person.headers)

    record = client.get(f"{API}/patients/{patient.id}", headers=person.headers).json
    assert record["protocol_version"] == 2
    assert record["protocol_moves"] == [act.json["move"]]
    assert client.get(moves, headers=monitor(db).headers).json["items"] == [act.json["move"]]
    assert (act.json["move"]["from"], act.json["move"]["to"]) == (1, 2)
    assert (act.json["move"]["reconsented_on"], act.json["move"]["recorded_by"]) == ("2027-02-28", str(person.id))


@pytest.mark.parametrize(
    ("changes", "status", "code", "said"),
    [
        ({"to": 9}, 422, "invalid_input", "There is no version 9"),
        ({"to": 0}, 422, "invalid_input", "to"),
        ({"to": 1}, 409, "already_exists", "The patient is under version 1."),
        ({"to": 3}, 409, "not_in_effect", "has not said from when version 3 holds here"),
        ({"reconsented_on": None}, 422, "invalid_input", "needs the patient's new consent"),
        ({"moved_on": "2027-03-02"}, 422, "invalid_input", "This day has not come yet."),
        ({"moved_on": "2027-02-28"}, 409, "not_in_effect", "holds here from 2027-03-01"),
        ({"moved_on": "2027-02-01"}, 422, "invalid_input", "Before consent"),
        ({"reconsented_on": "2027-03-02"}, 422, "invalid_input", "After the move."),
        ({"reconsented_on": "2027-02-01"}, 422, "invalid_input", "Before consent"),
        ({"when": "now"}, 422, "invalid_input", "when"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_move_that_cannot_be_is_refused_with_its_rule(db, client, moves, changes, status, code, said):
    set_in_effect(db, load_amendment(db), needs_consent=True)
    load_amendment(db, sites=4)
    person, before = coordinator(db), rows(db)

    body = {"to": 2, "reconsented_on": "2027-03-01"} | changes
    answer = client.post(moves, json=body, headers=person.headers)

    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert said in answer.text
    assert rows(db) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_moves_before_the_day_has_come_and_nobody_moves_back(db, client, clock, moves):
    number = load_amendment(db)
    set_in_effect(db, number, on=date(2027, 3, 3))
    person = coordinator(db)

    early = client.post(moves, json={"to": 2}, headers=person.headers)
    clock.move_to("2027-03-03T00:00:00+08:00")
    person = coordinator(db)
    moved = client.post(moves, json={"to": 2}, headers=person.headers)
    back = client.post(moves, json={"to": 1}, headers=person.headers)

    assert (early.status_code, early.json["code"]) == (409, "not_in_effect")
    assert moved.status_code == 201
    assert (back.status_code, back.json["code"]) == (409, "no_longer_possible")
    assert "nobody moves back" in back.json["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_has_left_or_died_moves_nowhere(db, client, patient, moves):
    set_in_effect(db, load_amendment(db))
    person = investigator(db)
    left = {"from": "study", "on": "2027-03-01", "reason": "Moves abroad.", "records_search_allowed": False}
    client.post(f"{API}/patients/{patient.id}/withdrawals", json=left, headers=person.headers)

    answer = client.post(moves, json={"to": 2}, headers=person.headers)

    assert (answer.status_code, answer.json["code"]) == (409, "no_longer_possible")
    assert "no longer followed" in answer.json["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_version_that_the_patient_does_not_fit_is_refused(db, client, patient, moves):
    drugs = [{"code": "aspirin", "names": {"en": "aspirin", "zh-CN": "阿司匹林"}}]
    set_in_effect(db, load_amendment(db, targeted_drugs=drugs))

    answer = client.post(moves, json={"to": 2}, headers=coordinator(db).headers)

    assert answer.status_code == 422
    assert answer.json["errors"] == {"to": ["Version 2 does not have the drug sorafenib."]}


def test_of_two_coordinators_at_once_one_moves_the_patient_and_the_other_hears_that_it_is_done(db, app, moves):
    set_in_effect(db, load_amendment(db))
    people = [coordinator(db), coordinator(db)]

    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(app.test_client().post, moves, json={"to": 2}, headers=one.headers) for one in people]
        answers = sorted(one.result().status_code for one in asked)

    assert answers == [201, 409]
    assert rows(db)["protocol_move"] == 1


def test_a_mistaken_move_is_reversed_with_a_signature_and_the_calendar_is_as_before_it(db, client, patient, moves):
    physician, of_patient = investigator(db), f"{API}/patients/{patient.id}"
    set_in_effect(db, load_amendment(db))
    before = client.get(f"{of_patient}/agenda", headers=physician.headers).json
    moved = client.post(moves, json={"to": 2}, headers=physician.headers).json["move"]

    mistake = {"of": moved["id"], "reason": "It was another patient who consented.", "password": PASSWORD}
    signed = client.post(f"{of_patient}/reversals", json=mistake, headers=physician.headers)

    assert signed.status_code == 201, signed.text
    assert "visit.m12" in signed.json["diff"]["added"]
    assert client.get(f"{of_patient}/agenda", headers=physician.headers).json == before
    record = client.get(of_patient, headers=physician.headers).json
    assert (record["protocol_version"], record["protocol_moves"][0]["reversed_by"]) == (1, str(physician.id))
    again = client.post(moves, json={"to": 2}, headers=physician.headers)
    assert again.status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_two_moves_the_last_is_reversed_first(db, client, patient, moves):
    physician = investigator(db)
    set_in_effect(db, load_amendment(db))
    first = client.post(moves, json={"to": 2}, headers=physician.headers).json["move"]["id"]
    set_in_effect(db, load_amendment(db, sites=4))
    second = client.post(moves, json={"to": 3}, headers=physician.headers).json["move"]["id"]

    def reverse(of: str) -> Any:
        body = {"of": of, "reason": "A mistake.", "password": PASSWORD}
        return client.post(f"{API}/patients/{patient.id}/reversals", json=body, headers=physician.headers).status_code

    assert [reverse(first), reverse(second), reverse(first)] == [409, 201, 201]
    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        assert row.protocol_moved_at is None


def test_unsent_messages_are_those_of_the_new_calendar(db, client, work):
    """What speaks of a visit that is gone is recalled; what stays the same stays; planning again changes nothing."""
    person, chinese = coordinator(db), ben(db, randomised_on=date(2026, 3, 1), consented_on=date(2026, 2, 20))
    set_in_effect(db, load_amendment(db))
    work.plan()

    def waiting() -> dict[str, Any]:
        with db.reading(system("test")) as txn:
            found = select(Message).where(Message.patient_id == chinese.id, Message.status == "queued")
            return {one.key: one.id for one in txn.session.scalars(found)}

    before = waiting()
    address = f"{API}/patients/{chinese.id}/protocol-moves"
    diff = client.post(address, json={"to": 2}, headers=person.headers).json["diff"]
    after = waiting()
    work.plan()

    gone = {key for key in before if key not in after}
    assert len(gone) == diff["messages_recalled"]
    assert {key: after[key] for key in after if key in before} == {key: before[key] for key in before if key in after}
    assert waiting() == after
