"""Expected at this level until: out of the queue for a while, back by itself, and at once when it is worse."""

import pytest

from backend.triage.snoozes import end_snooze
from tests.people import coordinator, investigator, monitor
from tests.triage.diary import NAUSEA, SEIZURE, Diary
from tests.triage.reports import HYPERTENSION as PRESSURE
from tests.triage.reports import RASH

QUEUE = "/api/v1/candidate-events"


@pytest.fixture
def ann(db, clock) -> Diary:
    """Her nausea was reported at eight on 1 March, as a T2."""
    diary = Diary(db, clock)
    diary.nausea("03-01 08:00", 3)
    return diary


def address(ann: Diary, about: str = NAUSEA) -> str:
    return f"{QUEUE}/{ann.candidate(about).id}/snoozes"


def queue(client, person, query=""):
    return [item["id"] for item in client.get(f"{QUEUE}{query}", headers=person.headers).json["items"]]


def test_what_is_expected_leaves_the_queue_and_the_step_is_kept_with_its_reason(client, db, ann):
    person = coordinator(db)
    sent = client.post(address(ann), json={"until": "2027-03-15", "reason": "As before."}, headers=person.headers)

    assert (sent.status_code, sent.json["status"]) == (201, "acknowledged")
    assert sent.json["snoozed_until"] == "2027-03-14T16:00:00+00:00"
    assert queue(client, person) == []
    assert queue(client, person, "?snoozed=true") == queue(client, person, "?status=acknowledged") == [sent.json["id"]]
    (step,) = client.get(f"{QUEUE}/{sent.json['id']}", headers=person.headers).json["decisions"]
    assert (step["kind"], step["from_status"], step["to_status"]) == ("snoozed", "proposed", "acknowledged")
    assert (step["decided_by"], step["reason"]) == (str(person.id), "As before.")


def test_the_reason_is_in_a_persons_words_and_not_for_a_monitor(client, db, ann):
    client.post(address(ann), json={"until": "2027-03-15", "reason": "As before."}, headers=coordinator(db).headers)

    (step,) = client.get(address(ann).removesuffix("/snoozes"), headers=monitor(db).headers).json["decisions"]

    assert "reason" not in step


def test_it_is_back_by_itself_when_the_day_begins_at_the_site(client, db, clock, ann):
    person = coordinator(db)
    expected = client.post(address(ann), json={"until": "2027-03-15"}, headers=person.headers).json["id"]

    clock.move_trial_time_to("2027-03-14T23:59:00+08:00")
    assert queue(client, person) == []
    clock.move_trial_time_to("2027-03-15T00:00:00+08:00")

    assert queue(client, person) == queue(client, person, "?snoozed=false") == [expected]
    assert queue(client, person, "?snoozed=true") == []
    assert client.get(f"{QUEUE}/{expected}", headers=person.headers).json["snoozed_until"] is None


@pytest.mark.parametrize("until", ["2027-02-28", "2027-03-01", "2027-05-31", "0001-01-01", "9999-12-31", "soon", None])
def test_the_day_lies_ahead_and_at_most_ninety_days(client, db, ann, until):
    refused = client.post(address(ann), json={"until": until}, headers=coordinator(db).headers)

    assert (refused.status_code, list(refused.json["errors"])) == (422, ["until"])
    assert ann.candidate().snoozed_until is None


@pytest.mark.parametrize("until", ["2027-03-02", "2027-05-30"])
def test_tomorrow_and_the_ninetieth_day_are_possible(client, db, ann, until):
    assert client.post(address(ann), json={"until": until}, headers=coordinator(db).headers).status_code == 201


def test_an_emergency_cannot_be_put_off(client, db, ann):
    ann.tells("03-01 08:05", checklist__seizure=1)

    refused = client.post(address(ann, SEIZURE), json={"until": "2027-03-15"}, headers=investigator(db).headers)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")
    assert ann.candidate(SEIZURE).status == "proposed"


def test_what_is_closed_cannot_be_expected(client, db, ann):
    ann.is_closed()

    refused = client.post(address(ann), json={"until": "2027-03-15"}, headers=coordinator(db).headers)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")


def test_it_can_be_ended_by_hand_once(client, db, ann):
    person = coordinator(db)
    expected = client.post(address(ann), json={"until": "2027-03-15"}, headers=person.headers).json["id"]

    statuses = [client.delete(address(ann), headers=person.headers).status_code for _ in range(2)]

    assert statuses == [204, 409]
    assert queue(client, person) == [expected]
    steps = client.get(f"{QUEUE}/{expected}", headers=person.headers).json["decisions"]
    assert {(step["kind"], step["decided_by"]) for step in steps} == {
        ("snoozed", str(person.id)),
        ("snooze_ended", str(person.id)),
    }


def test_a_second_one_replaces_the_first(client, db, ann):
    person = coordinator(db)
    for until in ("2027-03-15", "2027-03-15", "2027-04-15"):
        answer = client.post(address(ann), json={"until": until}, headers=person.headers)
        assert answer.status_code == 201

    assert answer.json["snoozed_until"] == "2027-04-14T16:00:00+00:00"


def test_the_same_or_less_joins_in_silence_even_weeks_after_somebody_looked(ann):
    ann.is_expected("03-01 09:00", until="04-15")

    ann.nausea("04-10 09:00", 3)
    ann.nausea("04-11 09:00", 1)

    joined = ann.candidate()
    assert (joined.status, joined.report_count) == ("acknowledged", 3)
    assert joined.snoozed_until == ann.at("04-15 00:00")


def test_after_its_end_the_usual_rules_are_back(ann):
    ann.is_expected("03-01 09:00", until="04-15")

    ann.nausea("04-15 00:00", 3)

    back = ann.candidate()
    assert (back.status, back.snoozed_until, back.snoozed_level) == ("proposed", None, None)


def test_a_higher_composite_ends_it_and_it_is_back_at_once(client, db, ann):
    ann.nausea("03-08 09:00", 2)
    ann.is_expected("03-08 10:00", until="04-15")
    expected = ann.candidate().snoozed_level
    assert (expected["tier"], expected["composite"], expected["answers"]) == ("T2", 2, {"nausea.severity": 2})

    ann.nausea("03-09 09:00", 3)

    back = ann.candidate()
    assert (back.status, back.snoozed_until, back.trend) == ("proposed", None, "worse")
    assert back.due_at == ann.at("03-10 09:00")
    assert queue(client, coordinator(db)) == [str(back.id)]


def test_a_more_urgent_tier_ends_it(ann):
    ann.tells("03-02 08:00", rash__presence=1)
    ann.is_expected("03-02 09:00", until="04-15", about=RASH)
    before = ann.candidate(RASH)

    ann.tells("03-03 08:00", checklist__new_rash=1, checklist__chills=1)

    assert (before.tier, before.status) == ("T3", "acknowledged")
    assert (ann.candidate(RASH).tier, ann.candidate(RASH).status) == ("T2", "proposed")


def test_a_higher_grade_ends_it(ann):
    ann.tells("03-02 08:00", measured={"systolic_mmhg": 165, "diastolic_mmhg": 85})
    ann.is_expected("03-02 09:00", until="04-15", about=PRESSURE)
    ann.tells("03-03 08:00", measured={"systolic_mmhg": 150, "diastolic_mmhg": 85})
    assert ann.candidate(PRESSURE).status == "acknowledged"
    ann.does("03-03 09:00", end_snooze, about=PRESSURE)
    ann.is_expected("03-03 10:00", until="04-15", about=PRESSURE)

    ann.tells("03-04 08:00", measured={"systolic_mmhg": 165, "diastolic_mmhg": 85})

    assert ann.candidate(PRESSURE).status == "proposed"


def test_an_emergency_ends_it_and_pages(ann):
    ann.tells("03-02 08:00", checklist__vision_change=1)
    ann.tells("03-02 08:30", measured={"systolic_mmhg": 165, "diastolic_mmhg": 85})
    ann.is_expected("03-02 09:00", until="04-15", about=PRESSURE)

    ann.tells("03-03 08:00", measured={"systolic_mmhg": 185, "diastolic_mmhg": 85})

    assert (ann.candidate(PRESSURE).tier, ann.candidate(PRESSURE).status) == ("T1", "proposed")
    assert ann.candidate(PRESSURE).due_at == ann.at("03-03 08:30")


def test_another_sites_is_nothing_and_a_watcher_expects_nothing(client, db, ann):
    stranger, watcher = coordinator(db, "site-02"), monitor(db)

    for method in ("POST", "DELETE"):
        asked = [
            client.open(address(ann), method=method, json={"until": "2027-03-15"}, headers=who.headers)
            for who in (stranger, watcher)
        ]
        assert [answer.status_code for answer in asked] == [404, 403]
