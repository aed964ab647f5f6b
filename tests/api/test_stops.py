"""Discontinuations, withdrawals and reversals over HTTP: who may, what is shown, what a preview leaves behind."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.acts import Reversal
from backend.staff.guesses import MOST
from notifications.models import Message
from tests.api.test_agenda import rows
from tests.people import (
    PASSWORD,
    ann,
    ben,
    coordinator,
    investigator,
    monitor,
    phone_of,
    principal_investigator,
)

API = "/api/v1"
CELLS = {"treatment": "cells", "on": "2027-03-01", "reason": "The donor fell ill."}
DRUG = {"treatment": "targeted_drug", "on": "2027-02-28", "reason": "A rash."}
REPORTING = {"from": "reporting", "on": "2027-03-01", "reason": "Too many questions."}
STUDY = {"from": "study", "on": "2027-03-01", "reason": "Wishes to be left alone.", "records_search_allowed": True}


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def of_ann(patient) -> str:
    return f"{API}/patients/{patient.id}"


def reversal_of(answer, **changes: Any) -> dict[str, Any]:
    kept = answer.json.get("discontinuation") or answer.json["withdrawal"]
    return {"of": kept["id"], "reason": "It was another patient.", "password": PASSWORD} | changes


def status_of(client, of_patient: str, headers) -> str:
    return str(client.get(of_patient, headers=headers).json["status"])


def verbs_of(db: Database, who) -> set[str]:
    with db.reading(system("test")) as txn:
        return set(txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.actor_id == who.id)))


def test_a_preview_says_what_the_act_then_does_and_keeps_nothing(db, client, work, patient, of_ann):
    person, physician = coordinator(db), investigator(db)
    phone_of(db, patient)
    cycle = {"number": 1, "donor_collection_on": "2027-03-01"}
    client.post(f"{of_ann}/cycles", json=cycle, headers=person.headers)
    client.patch(f"{of_ann}/cycles/1", json={"status": "confirmed"}, headers=person.headers)
    work.plan()
    made = {}

    for path, body, name in (
        ("discontinuations", CELLS, "discontinuation"),
        ("withdrawals", REPORTING, "withdrawal"),
        ("withdrawals", STUDY, "withdrawal"),
        ("reversals", None, "reversal"),
    ):
        body = body or {"of": made["withdrawal"], "reason": "She never said so.", "password": PASSWORD}
        address, before = f"{of_ann}/{path}", rows(db)
        preview = client.post(f"{address}?preview=true", json=body, headers=physician.headers)
        left_behind = rows(db)
        act = client.post(address, json=body, headers=physician.headers)
        made[name] = act.json[name]["id"]

        assert (preview.status_code, act.status_code, left_behind) == (200, 201, before)
        assert preview.json["diff"] == act.json["diff"]
        assert preview.json[name] == act.json[name] | {"id": None}
        assert act.json["diff"]["cancelled"] != [] or name == "reversal"


def test_a_withdrawal_from_the_study_signs_the_phone_out_and_recalls_every_message(db, client, work, patient, of_ann):
    person, phone = coordinator(db), phone_of(db, patient)
    work.plan()

    left = client.post(f"{of_ann}/withdrawals", json=STUDY, headers=person.headers)

    shown = left.json["withdrawal"]
    assert (left.status_code, shown["from"], shown["records_search_allowed"]) == (201, "study", True)
    assert left.json["diff"]["messages_recalled"] > 0
    assert client.get(f"{API}/me", headers=phone.headers).status_code == 401
    assert client.post(f"{of_ann}/activation-codes", headers=person.headers).status_code == 409
    assert status_of(client, of_ann, person.headers) == "withdrawn"
    with db.reading(system("test")) as txn:
        assert {*txn.session.scalars(select(Message.status))} == {"cancelled"}


def test_a_withdrawal_from_reporting_leaves_the_phone_and_the_survival_checks(db, client, patient, of_ann):
    person, phone = coordinator(db), phone_of(db, patient)

    left = client.post(f"{of_ann}/withdrawals", json=REPORTING, headers=person.headers)
    agenda = client.get(f"{API}/me/agenda", headers=phone.headers)

    assert (left.status_code, left.json["withdrawal"]["from"]) == (201, "reporting")
    ahead = {item["kind"] for item in agenda.json["items"] if item["state"] == "not_yet_open"}
    assert "survival_check" in ahead
    assert "assessment" not in ahead
    assert status_of(client, of_ann, person.headers) == "withdrawn_from_reporting"


def test_an_investigator_signs_with_the_password_again_that_it_was_a_mistake(db, client, work, patient, of_ann):
    physician = investigator(db)
    left = client.post(f"{of_ann}/withdrawals", json=STUDY, headers=physician.headers)

    wrong = client.post(f"{of_ann}/reversals", json=reversal_of(left, password="not hers"), headers=physician.headers)
    still = status_of(client, of_ann, physician.headers)
    signed = client.post(f"{of_ann}/reversals", json=reversal_of(left), headers=physician.headers)
    again = client.post(f"{of_ann}/reversals", json=reversal_of(left), headers=physician.headers)

    assert (wrong.status_code, wrong.json["code"], still) == (401, "sign_in_refused", "withdrawn")
    assert (signed.status_code, signed.json["reversal"]["of_type"]) == (201, "withdrawal")
    assert signed.json["reversal"]["signed_by"] == str(physician.id)
    assert (again.status_code, again.json["code"]) == (409, "no_longer_possible")
    assert status_of(client, of_ann, physician.headers) == "on_study"
    assert {"reversal.signed", "withdrawal.reversed", "patient.withdrawal_reversed"} <= verbs_of(db, physician)
    [entry] = client.get(f"{of_ann}/withdrawals", headers=physician.headers).json["items"]
    assert (entry["reversed_by"], entry["reason"]) == (str(physician.id), STUDY["reason"])


def test_refusals_and_previews_use_up_no_guess_at_the_password(db, client, of_ann):
    physician = investigator(db)
    stopped = client.post(f"{of_ann}/discontinuations", json=DRUG, headers=physician.headers)

    for _ in range(MOST + 1):
        unknown = reversal_of(stopped, of=str(uuid4()))
        assert client.post(f"{of_ann}/reversals", json=unknown, headers=physician.headers).status_code == 404
        guess = reversal_of(stopped, password="a guess")
        address = f"{of_ann}/reversals?preview=true"
        assert client.post(address, json=guess, headers=physician.headers).status_code == 200

    assert client.post(f"{of_ann}/reversals", json=reversal_of(stopped), headers=physician.headers).status_code == 201


def test_guesses_at_the_password_run_out(db, client, of_ann):
    physician = investigator(db)
    stopped = client.post(f"{of_ann}/discontinuations", json=DRUG, headers=physician.headers)
    guess = reversal_of(stopped, password="a guess")

    statuses = [
        client.post(f"{of_ann}/reversals", json=guess, headers=physician.headers).status_code for _ in range(MOST + 1)
    ]
    right = client.post(f"{of_ann}/reversals", json=reversal_of(stopped), headers=physician.headers)

    assert statuses == [401] * MOST + [429]
    assert right.status_code == 429
    with db.reading(system("test")) as txn:
        assert txn.session.scalars(select(Reversal)).all() == []


def test_who_cares_for_the_patient_records_and_only_physicians_reverse(db, client, patient, of_ann):
    person, watcher, stranger = coordinator(db), monitor(db), investigator(db, "site-02")
    phone = phone_of(db, patient)
    stopped = client.post(f"{of_ann}/discontinuations", json=DRUG, headers=person.headers)
    bodies = {"discontinuations": CELLS, "withdrawals": REPORTING, "reversals": reversal_of(stopped)}

    for path, body in bodies.items():
        refused = [
            client.post(f"{of_ann}/{path}", json=body, headers=headers).status_code
            for headers in (watcher.headers, stranger.headers, phone.headers, {})
        ]
        assert refused == [403, 404, 403, 401]
    assert client.post(f"{of_ann}/reversals", json=bodies["reversals"], headers=person.headers).status_code == 403
    chief = principal_investigator(db).headers
    assert client.post(f"{of_ann}/reversals", json=bodies["reversals"], headers=chief).status_code == 201


def test_an_entry_of_another_patient_is_nothing_here(db, client, of_ann):
    physician = investigator(db)
    of_ben = f"{API}/patients/{ben(db).id}"
    his = client.post(f"{of_ben}/discontinuations", json=DRUG, headers=physician.headers)

    answers = [
        client.post(f"{of_ann}/reversals{query}", json=reversal_of(his), headers=physician.headers)
        for query in ("", "?preview=true")
    ]

    assert [(one.status_code, one.json["code"]) for one in answers] == [(404, "not_found")] * 2


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("discontinuations", DRUG | {"treatment": "radiation"}, "treatment"),
        ("discontinuations", DRUG | {"on": "2027-02-30"}, "on"),
        ("discontinuations", DRUG | {"on": "2027-02-19"}, "on"),
        ("discontinuations", DRUG | {"on": "2027-03-02"}, "on"),
        ("discontinuations", DRUG | {"reason": ""}, "reason"),
        ("discontinuations", DRUG | {"reversed_at": None}, "reversed_at"),
        ("withdrawals", REPORTING | {"from": "everything"}, "from"),
        ("withdrawals", REPORTING | {"scope": "study"}, "scope"),
        ("withdrawals", REPORTING | {"records_search_allowed": True}, "records_search_allowed"),
        ("withdrawals", STUDY | {"records_search_allowed": "yes"}, "records_search_allowed"),
        ("withdrawals", STUDY | {"on": "2027-03-02"}, "on"),
        ("withdrawals", STUDY | {"on": "2027-02-01"}, "on"),
        ("reversals", {"of": "x", "reason": "?", "password": PASSWORD}, "of"),
        ("reversals", {"of": str(uuid4()), "reason": "?"}, "password"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field_and_changes_nothing(db, client, of_ann, path, body, field):
    physician = investigator(db)
    before = rows(db)

    answer = client.post(f"{of_ann}/{path}", json=body, headers=physician.headers)

    assert (answer.status_code, [*answer.json["errors"]]) == (422, [field])
    assert rows(db) == before


def test_nobody_stops_twice_and_controls_stop_no_cells(db, client, of_ann):
    person, of_ben = coordinator(db), f"{API}/patients/{ben(db).id}"
    sent = [(of_ann, "discontinuations", CELLS), (of_ann, "withdrawals", STUDY), (of_ben, "discontinuations", CELLS)]

    first = [client.post(f"{of_one}/{path}", json=body, headers=person.headers) for of_one, path, body in sent]
    second = [client.post(f"{of_one}/{path}", json=body, headers=person.headers) for of_one, path, body in sent[:2]]
    later = client.post(f"{of_ann}/withdrawals", json=REPORTING, headers=person.headers)

    assert [one.status_code for one in first] == [201, 201, 422]
    assert [*first[2].json["errors"]] == ["treatment"]
    assert [(one.status_code, one.json["code"]) for one in second] == [(409, "already_exists")] * 2
    assert (later.status_code, later.json["code"]) == (409, "no_longer_possible")


def test_reasons_are_listed_for_those_who_care_for_the_patient_and_the_reading_is_noted(db, client, of_ann):
    person, watcher = coordinator(db), monitor(db)
    client.post(f"{of_ann}/discontinuations", json=DRUG, headers=person.headers)

    hers = client.get(f"{of_ann}/discontinuations", headers=person.headers)
    theirs = client.get(f"{of_ann}/discontinuations", headers=watcher.headers)

    assert [(one["treatment"], one["reason"]) for one in hers.json["items"]] == [("targeted_drug", DRUG["reason"])]
    assert [one["reason"] for one in theirs.json["items"]] == [None]
    assert "patient.identifiers_read" in verbs_of(db, person)
    assert "patient.identifiers_read" not in verbs_of(db, watcher)
