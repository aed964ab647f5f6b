"""A phone with no connection warns as the server does: it is sent all it needs, and nothing it must not know."""

from datetime import date, datetime

import pytest

from backend.agenda import changes
from backend.db import system
from backend.patients.models import Patient
from tests.instruments import golden, offline_client
from tests.people import ann, ben, phone_of
from tests.sent import answers, report_body

API = "/api/v1/me"
AD_HOC = f"{API}/instruments/ad_hoc"
TEST = system("test")
NOON = "2027-03-22T12:00:00+08:00"
COLLECTED = date(2027, 2, 20)


def fetched(client, phone):
    return client.get(AD_HOC, headers={**phone.headers, "Accept-Language": "en"}).json


def confirm(db, patient, collected_on):
    """Cells for days 15 and 16 after the collection."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, collected_on)
        changes.confirm_cycle(txn, row, 1)


def report(at, **told):
    return report_body(started_at=at, completed_at=at, **told)


def offline(document, body):
    """What the phone shows before anything is sent."""
    told = {
        "at": body["completed_at"],
        "answers": {one["item"]: one["value"] for one in body["answers"]},
        "measurements": body["measurements"],
        "texts": [one["text"] for one in body["other_symptoms"]],
    }
    return offline_client.advice_codes(offline_client.emergencies(document, told))


def online(client, phone, body):
    answer = client.post(f"{API}/reports", headers=phone.headers, json=body).json
    return [one["code"] for one in answer["advice"]] if answer["tier"] == "T1" else []


def test_the_served_document_alone_is_enough_for_every_golden_case(db, client):
    served = fetched(client, phone_of(db, ann(db)))

    for case in golden.read()["emergencies"]:
        fired = offline_client.emergencies(golden.document_for(served, case), golden.in_full(case))
        assert [rule["id"] for rule in fired] == case["rules"], case["name"]
        assert offline_client.advice_codes(fired) == case["advice"], case["name"]
    for case in golden.read()["branching"]:
        assert set(offline_client.hidden(served, case["answers"])) == set(case["hidden"]), case["name"]


def test_the_golden_file_quotes_what_is_served(db, client):
    served = fetched(client, phone_of(db, ann(db)))
    quoted = golden.read()["document"]

    part = golden.part_needed(served, golden.read())

    for name in ("items", "measurements", "conditions"):
        assert part[name] == quoted[name]
    assert [rule["when"] for rule in part["emergency"]] == [rule["when"] for rule in quoted["emergency"]]
    assert part["circumstances"]["danger_words"] == quoted["circumstances"]["danger_words"]


FEVER, RASH_AND_DIARRHEA = {"temperature_c": 38.0}, answers(checklist__new_rash=1, checklist__diarrhea=1)


# The cells were given on 7 and 8 March, if they were.
@pytest.mark.parametrize(
    ("had_cells", "at", "told", "codes"),
    [
        (True, "2027-03-22T23:30:00+08:00", {"measurements": FEVER}, ["fever_after_infusion"]),
        (True, "2027-03-23T00:30:00+08:00", {"measurements": FEVER}, []),
        (True, "2027-03-22T12:00:00+08:00", {"measurements": {"temperature_c": 37.9}}, []),
        (True, "2027-06-16T12:00:00+08:00", {"answers": RASH_AND_DIARRHEA}, ["skin_gut_liver"]),
        (True, "2027-06-17T12:00:00+08:00", {"answers": RASH_AND_DIARRHEA}, []),
        (True, "2027-03-06T12:00:00+08:00", {"answers": answers(checklist__chills=1)}, []),
        (False, "2027-03-22T12:00:00+08:00", {"other_symptoms": [{"text": "今天吐 血了"}]}, ["emergency"]),
    ],
)
def test_a_phone_warns_offline_exactly_as_the_server_does(db, client, clock, had_cells, at, told, codes):
    patient = ann(db)
    if had_cells:
        confirm(db, patient, COLLECTED)
    clock.move_to(at)
    phone = phone_of(db, patient)
    body = report(at, **told)

    said_offline = offline(fetched(client, phone), body)

    assert said_offline == online(client, phone, body) == codes


@pytest.mark.parametrize(("days_between", "codes"), [(7, ["skin_gut_liver"]), (8, [])])
def test_a_sign_of_an_earlier_report_counts_offline_as_it_does_here(db, client, clock, days_between, codes):
    patient = ann(db)
    confirm(db, patient, COLLECTED)
    first, second = f"2027-03-{20 - days_between}T09:00:00+08:00", "2027-03-20T09:00:00+08:00"
    clock.move_to(first)
    phone = phone_of(db, patient)
    online(client, phone, report(first, answers=answers(checklist__new_rash=1)))
    clock.move_to(second)
    phone = phone_of(db, patient)
    body = report(second, answers=answers(checklist__yellow_eyes=1))

    said_offline = offline(fetched(client, phone), body)

    assert said_offline == online(client, phone, body) == codes


def test_a_planned_day_is_not_among_the_dates_a_confirmed_one_is_and_the_actual_one_replaces_it(db, client, clock):
    patient = ann(db)
    phone = phone_of(db, patient)

    def dates():
        return fetched(client, phone)["circumstances"]["infusion_dates"]

    def act(change, *more):
        with db.transaction(TEST) as txn:
            change(txn, txn.session.get_one(Patient, patient.id), 1, *more)

    act(changes.plan_cycle, COLLECTED)
    planned = dates()
    act(changes.confirm_cycle)
    confirmed = dates()
    clock.move_to("2027-03-08T12:00:00+08:00")
    act(changes.start_infusion, 1, datetime.fromisoformat("2027-03-08T10:00:00+08:00"))
    phone = phone_of(db, patient)

    assert (planned, confirmed) == ([], ["2027-03-07", "2027-03-08"])
    assert dates()[0] == "2027-03-08"


def test_circumstances_say_where_days_are_counted_and_what_was_reported_lately(db, client, clock):
    phone = phone_of(db, ben(db))
    at = "2027-03-01T07:55:00+08:00"
    online(client, phone, report(at, answers=answers(checklist__new_rash=1, checklist__chills=1)))

    known = client.get(AD_HOC, headers=phone.headers).json["circumstances"]

    assert known["recent_signs"] == [{"item": "checklist.new_rash", "on": "2027-03-01"}]
    assert known["site_time_zone"] == "Asia/Shanghai"
    assert known["as_of"].startswith("2027-03-01T00:00:00")


def test_a_sign_of_long_ago_is_not_carried(db, client, clock):
    patient = ann(db)
    online(client, phone_of(db, patient), report(NOON.replace("22", "01"), answers=answers(checklist__new_rash=1)))
    clock.move_to(NOON)

    assert fetched(client, phone_of(db, patient))["circumstances"]["recent_signs"] == []
