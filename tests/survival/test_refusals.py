"""What cannot be true of a life or a death is refused by name, and nothing of it is kept."""

from typing import Any

import pytest

from backend.db import Database
from tests.databases import KINDS
from tests.people import ann, phone_of
from tests.sent import death_body
from tests.survival.test_contact_attempts import Desk

ALIVE = {"status": "alive", "as_of": "2027-03-01", "source": "phone"}
ATTEMPTS, STATUSES, DEATHS = "/contact-attempts", "/survival-statuses", "/death-reports"
CONFIRMED = "/api/v1/me/survival-confirmations"
PROXY = {"channel": "phone", "person": "caregiver", "outcome": "alive", "as_of": "2027-03-01"}
CASES: list[tuple[str, dict[str, Any], str]] = [
    (DEATHS, death_body(died_on="2027-02-24"), "died_on"),
    (DEATHS, death_body(died_on="2027-01"), "died_on"),
    (DEATHS, death_body(died_on="2027-03-02"), "died_on"),
    (DEATHS, death_body(died_on="2027-02-30"), "died_on"),
    (ATTEMPTS, PROXY | {"outcome": "died", "as_of": "2027-02-24"}, "as_of"),
    (ATTEMPTS, PROXY | {"person": "patient", "as_of": "2027-03-02"}, "as_of"),
    (ATTEMPTS, PROXY, "person"),
    (STATUSES, ALIVE | {"as_of": "2027-03-02"}, "as_of"),
    (STATUSES, ALIVE | {"as_of": "2027-02-19"}, "as_of"),
    (STATUSES, ALIVE | {"source": "caregiver"}, "source"),
    (STATUSES, ALIVE | {"status": "dead"}, "status"),
    (CONFIRMED, {"status": "alive", "respondent": "patient", "as_of": "2027-03-02"}, "as_of"),
    (CONFIRMED, {"status": "alive", "respondent": "caregiver", "as_of": "2027-03-01"}, "respondent"),
    (CONFIRMED, {"status": "died", "respondent": "patient", "as_of": "2027-03-01"}, "respondent"),
    (CONFIRMED, {"status": "died", "respondent": "caregiver", "as_of": "2027-02-24"}, "as_of"),
]


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_each_impossible_statement_has_its_field_and_its_code_and_leaves_no_trace(db: Database, client: Any) -> None:
    # Randomised on 25 February 2027, five days after consent; today is 1 March. She has named nobody.
    desk = Desk(db, client, ann(db))
    own = phone_of(db, desk.patient).headers
    for path, body, field in CASES:
        is_own = path == CONFIRMED
        address, by = (path, own) if is_own else (f"{desk.of_patient}{path}", desk.person.headers)
        refused = client.post(address, json=body, headers=by)
        told = (refused.status_code, refused.json["code"], list(refused.json["errors"]))
        assert told == (422, "invalid_input", [field]), (path, body, refused.json)

    assert desk.read(f"/patients/{desk.patient.id}/death-reports")["items"] == []
    assert desk.read(f"/patients/{desk.patient.id}/contact-attempts")["items"] == []
    record = desk.read(f"/patients/{desk.patient.id}")
    assert (record["last_known_alive"], record["contact_held"]) == ("2027-02-25", [])


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_nobody_lives_after_an_approved_death_and_is_randomised_after_it_by_a_correction(db, client, clock) -> None:
    desk = Desk(db, client, ann(db))
    told = client.post(
        f"{desk.of_patient}/death-reports", json=death_body(died_on="2027-03"), headers=desk.person.headers
    )
    approvals = f"/api/v1/death-reports/{told.json['id']}/approvals"
    assert client.post(approvals, json={}, headers=desk.physician.headers).status_code == 201
    clock.move_to("2027-04-10T10:00:00+08:00")
    desk.sign_in()

    for path, body in (
        ("survival-statuses", ALIVE | {"as_of": "2027-04-09"}),
        ("contact-attempts", {"channel": "phone", "person": "patient", "outcome": "alive"}),
    ):
        refused = client.post(f"{desk.of_patient}/{path}", json=body, headers=desk.person.headers)
        assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")
        assert list(refused.json["errors"]) == ["as_of"]
    assert desk.read(f"/patients/{desk.patient.id}")["survival_status"] == "dead"
    tag = {"If-Match": client.get(desk.of_patient, headers=desk.person.headers).headers["ETag"]}
    later = {"randomised_on": "2027-04-01", "reason": "Misread."}
    refused = client.patch(desk.of_patient, json=later, headers=desk.person.headers | tag)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["randomised_on"])
