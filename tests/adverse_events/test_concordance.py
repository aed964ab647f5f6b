"""Patients' composites beside clinicians' grades, the days between the steps, and what is severe and left lying."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from backend.adverse_events.concordance import Judged, Quartiles, Waiting, by_term, is_severe, quartiles, undecided
from tests import people
from tests.adverse_events.sent import judged
from tests.databases import KINDS
from tests.sent import answers, report_body

API = "/api/v1"
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
FATIGUE = "10016256"
HAND = {"password": people.PASSWORD, "meaning": "Reviewed"}


def hours(number):
    return NOON + timedelta(hours=number)


def test_the_figures_of_concordance():
    signed = Judged("1", 3, 2, True, True, NOON, hours(6), hours(12), hours(36))
    draft = Judged("1", 3, 2, False, False, NOON, hours(12), hours(12))
    absent = Judged("1", None, 0, True, True, NOON, hours(6))
    first, without_term = by_term([Judged(None, 1, 1, True, True, NOON), signed, draft, absent])

    assert (first.term, first.pairs, first.coded_otherwise, without_term.term) == ("1", 3, 1, None)
    assert {row.composite: row.grades for row in first.settled} == {
        0: (0,) * 6,
        1: (0,) * 6,
        2: (0,) * 6,
        3: (0, 0, 1, 0, 0, 0),
        None: (1, 0, 0, 0, 0, 0),
    }
    assert [row.grades for row in first.drafts if any(row.grades)] == [(0, 0, 1, 0, 0, 0)]
    assert first.lags["received_to_known"] == Quartiles(3, 0.25, 0.25, 0.38)
    assert first.lags["confirmed_to_signed"] == Quartiles(1, 1.0, 1.0, 1.0)
    assert quartiles([]) == Quartiles(0, None, None, None)


@pytest.mark.parametrize(
    ("tier", "composite", "said", "severe"),
    [
        ("T3", 2, {"nausea.severity": 3}, False),
        ("T3", 3, {}, True),
        ("T3", None, {"nausea.interference": 4}, True),
        ("T3", 1, {"nausea.frequency": 4}, False),
        ("T2", None, {}, True),
    ],
)
def test_what_is_severe(tier, composite, said, severe):
    assert is_severe(tier, composite, said) is severe


def test_what_is_left_lying_is_severe_and_has_waited_so_many_days():
    waits = [Waiting(uuid4(), "T2", None, {}, hours(-24 * days)) for days in (2, 7, 9)]

    late = undecided([*waits, Waiting(uuid4(), "T3", 1, {}, hours(-900))], NOON, 7)

    assert late == [waits[2], waits[1]]


def reported(client, phone, doctor):
    """Ann says how bad her fatigue, nausea and vomiting are; the candidates by their terms."""
    sent = answers(fatigue__severity=3, fatigue__interference=3, nausea__frequency=4, nausea__severity=4)
    sent += answers(vomiting__frequency=4, vomiting__severity=4)
    client.post(f"{API}/me/reports", json=report_body(answers=sent), headers=phone)
    listed = client.get(f"{API}/candidate-events", headers=doctor).json["items"]
    return {one["term"]["name"]: f"{API}/candidate-events/{one['id']}" for one in listed}


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_investigators_compare_and_coordinators_do_not(db, client, clock):
    ann = people.ann(db)
    phone, doctor = people.phone_of(db, ann).headers, people.investigator(db).headers
    found = reported(client, phone, doctor)
    fatigue = judged(term_code=FATIGUE, grade=3, relation_cells="not_related")
    event = client.post(f"{found['Fatigue']}/confirmations", json=fatigue, headers=doctor).json
    client.post(f"{found['Nausea']}/dismissals", json={"reason": "not_present"}, headers=doctor)
    clock.move_to("2027-03-05T08:00:00+08:00")
    doctor, coordinator = people.investigator(db).headers, people.coordinator(db).headers
    before = client.get(f"{API}/concordance?days=3&from=2027-03-01&to=2027-03-01", headers=doctor)
    client.post(f"{API}/adverse-events/{event['id']}/signatures", json=HAND, headers=doctor)

    after = client.get(f"{API}/concordance?term={FATIGUE}&days=4", headers=doctor).json
    as_csv = client.get(f"{API}/concordance?days=3", headers=doctor | {"Accept": "text/csv"})
    later = client.get(f"{API}/concordance?from=2027-03-02", headers=doctor).json
    refused = client.get(f"{API}/concordance", headers=coordinator).status_code
    backwards = client.get(f"{API}/concordance?from=2027-03-02&to=2027-03-01", headers=doctor)

    terms = {one["term"]["name"]: one for one in before.json["terms"]}
    assert terms["Fatigue"]["drafts"][3] == {"composite": 3, "grades": [0, 0, 0, 1, 0, 0]}
    assert terms["Nausea"]["settled"][3] == {"composite": 3, "grades": [1, 0, 0, 0, 0, 0]}
    (left,) = before.json["undecided"]
    assert (left["term"]["name"], left["days"]) == ("Vomiting", 4.0)
    assert found["Vomiting"].endswith(left["candidate_event_id"])
    assert after["terms"][0]["settled"][3]["grades"][3] == 1
    assert after["lags"]["confirmed_to_signed"] == {"n": 1, "q1": 4.0, "median": 4.0, "q3": 4.0}
    assert (later["terms"], later["undecided"], refused) == ([], [], 403)
    assert (backwards.status_code, list(backwards.json["errors"])) == (422, ["to"])
    lines = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert {line["part"] for line in lines} == {"settled", "lag", "lag_of_all", "undecided"}
    assert [line["subject_number"] for line in lines if line["part"] == "undecided"] == ["01-0001"]
