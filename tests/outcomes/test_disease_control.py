"""Tumour assessments and disease control: what counts as the best response, and how a mistake is taken back."""

from datetime import date
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from backend.db import Database, system
from backend.event_terms import TumourResponse
from backend.outcomes.disease_control import Assessed, Imaged, control_of, judge
from backend.patients import life
from backend.patients.models import Patient
from tests.databases import KINDS
from tests.people import PASSWORD, ann, ben, coordinator, investigator, monitor

API = "/api/v1"
CONTROL = f"{API}/outcomes/disease-control"
WHEN = {"consented_on": date(2027, 2, 25), "randomised_on": date(2027, 3, 1)}


def imaged(*seen: tuple[str, str]) -> Imaged:
    assessed = tuple(Assessed(date.fromisoformat(on), TumourResponse(response)) for on, response in seen)
    return Imaged(uuid4(), "01-0001", uuid4(), "nk", date(2027, 3, 1), assessed)


# Randomised on 1 March 2027: six weeks are 12 April, month 24 is 1 March 2029.
BEST = [
    ((), "never_assessed", False),
    ((("2027-02-20", "SD"),), "never_assessed", False),
    ((("2027-04-11", "SD"),), "SD_before_6_weeks", False),
    ((("2027-04-12", "SD"),), "SD", True),
    ((("2027-04-11", "SD"), ("2027-06-01", "PD")), "SD_before_6_weeks", False),
    ((("2027-05-01", "SD"), ("2027-06-01", "PR"), ("2027-09-01", "PD")), "PR", True),
    ((("2027-05-01", "PD"), ("2027-06-01", "CR")), "PD", False),
    ((("2027-03-20", "PR"),), "PR", True),
    ((("2027-05-01", "NE"),), "NE", False),
    ((("2029-03-01", "CR"),), "CR", True),
    ((("2029-03-02", "CR"),), "never_assessed", False),
]


@pytest.mark.parametrize(("seen", "best", "is_controlled"), BEST)
def test_the_best_response_is_the_one_of_the_definition(seen, best, is_controlled) -> None:
    judged = judge(imaged(*seen), None)

    assert (judged.best, judged.is_controlled) == (best, is_controlled)


def test_everybody_randomised_is_counted_and_a_cut_off_ignores_what_came_after() -> None:
    responded = imaged(("2027-05-01", "SD"), ("2027-06-01", "CR"))
    everybody = [judge(one, None) for one in (responded, imaged(), imaged(("2027-05-01", "PD")))]

    control = control_of(everybody)

    assert (control.share.count, control.share.of, sum(control.by_best.values())) == (1, 3, 3)
    assert judge(responded, date(2027, 5, 31)).best == "SD"


def enter(client, person, patient, on: str, response: str, **more: str):
    body = {"assessed_on": on, "response": response, **more}
    return client.post(f"{API}/patients/{patient.id}/tumour-assessments", json=body, headers=person.headers)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_an_assessment_is_entered_counted_and_taken_back(db: Database, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    hers, his = ann(db, **WHEN), ben(db, **WHEN)
    person, physician = coordinator(db), investigator(db)

    made = enter(client, person, hers, "2027-05-03", "PR")
    again = enter(client, person, hers, "2027-05-03", "CR")
    enter(client, person, hers, "2027-05-03", "SD", criteria="mRECIST")
    before = client.get(CONTROL, headers=physician.headers).json
    by_mrecist = client.get(f"{CONTROL}?criteria=mRECIST", headers=physician.headers).json
    mistake = {"of": made.json["id"], "reason": "It was another patient.", "password": PASSWORD}
    undone = client.post(f"{API}/patients/{hers.id}/reversals", json=mistake, headers=physician.headers)
    after = client.get(CONTROL, headers=physician.headers).json

    assert (made.status_code, again.status_code, again.json["code"]) == (201, 409, "already_exists")
    best = {one["patient"]["id"]: one["best_response"] for one in before["patients"]}
    assert best == {str(hers.id): "PR", str(his.id): "never_assessed"}
    assert (before["together"]["controlled"]["count"], before["together"]["controlled"]["of"]) == (1, 2)
    assert sum(before["together"]["best_responses"].values()) == 2
    assert by_mrecist["together"]["best_responses"]["SD"] == 1
    assert undone.status_code == 201
    assert after["together"]["controlled"]["count"] == 0
    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, hers.id)
        # The other criteria's reading of that day stands, and shows life still.
        assert life.last_known_alive(txn, row) == date(2027, 5, 3)


def test_mistakes_are_named_and_who_may_not_is_refused(db, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    patient, person = ann(db, **WHEN), coordinator(db)

    for on, response, field in (
        ("2027-07-02", "PR", "assessed_on"),
        ("2027-02-01", "PR", "assessed_on"),
        ("2027-05-03", "better", "response"),
    ):
        refused = enter(client, person, patient, on, response)
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field])
    assert enter(client, coordinator(db, "site-02"), patient, "2027-05-03", "PR").status_code == 404
    assert enter(client, monitor(db), patient, "2027-05-03", "PR").status_code == 403


def test_the_picture_and_the_table_say_the_same(db, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    patient, person = ann(db, **WHEN), coordinator(db)
    enter(client, person, patient, "2027-05-03", "CR")

    drawn = client.get(CONTROL, headers={**person.headers, "Accept": "image/svg+xml", "Accept-Language": "en"})
    table = client.get(CONTROL, headers={**person.headers, "Accept": "text/csv"})

    assert "1 of 1 controlled, 100.0 %" in " ".join(ElementTree.fromstring(drawn.text).itertext())
    assert table.text.splitlines()[1].split(",")[4:] == ["CR", "2027-05-03", "True"]
