"""Reports that cannot be accepted: refused with their reason, kept for a person, and heard when they are urgent."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.symptom_report import SymptomReport
from backend.reports import refused
from backend.reports.lenient import everything_asked, scraps_of, told_in
from backend.reports.refused import emergencies
from backend.sealing import unseal
from backend.triage.models import CandidateEvent, StaffPage
from backend.triage.told import Circumstances
from backend.worklist.models import WorkItem
from notifications.models import InboundMessage
from tests.people import ann, ben, coordinator, phone_of
from tests.sent import answers, report_body, staff_report_body
from tests.study import contents, instrument, rule_set

API = "/api/v1"
MINE = f"{API}/me/reports"
SITES_PHONE = "120"


@pytest.fixture
def phone(db):
    return phone_of(db, ann(db))


@pytest.fixture
def person(db):
    return coordinator(db)


def send(client, phone, **changes):
    return client.post(MINE, json=report_body(**changes), headers=phone.headers)


def send_raw(client, phone, body, content_type="application/json"):
    return client.post(MINE, data=body, content_type=content_type, headers=phone.headers)


def count(db: Database, table) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.count()).select_from(table))


def inbox(client, person):
    return client.get(f"{API}/inbox", headers=person.headers).json["items"]


def is_refused_and_kept(db, client, person, refusal, *, words) -> None:
    """Not accepted, and before a person with its words, a task and the number to call."""
    assert (refusal.json["kept"], refusal.json["phone"]) == (True, SITES_PHONE)
    top = inbox(client, person)[0]
    assert (top["why"], top["channel"]) == ("refused_report", "in_app")
    assert words in top["text"]
    tasks = client.get(f"{API}/worklist?reason=report_refused", headers=person.headers).json["items"]
    assert [task["key"] for task in tasks] == [f"report-refused:{top['id']}"]
    assert count(db, SymptomReport) == 0


def test_an_item_out_of_range_is_refused_with_its_name_and_kept(db, client, phone, person):
    refusal = send(client, phone, instrument="core", answers=answers(fatigue__severity=5))

    assert (refusal.status_code, [*refusal.json["errors"]]) == (422, ["answers.0.value"])
    is_refused_and_kept(db, client, person, refusal, words='"fatigue.severity"')


def test_an_item_that_its_own_branching_hides_is_refused_with_its_name_and_kept(db, client, phone, person):
    hidden = answers(nausea__frequency=0, nausea__severity=2)

    refusal = send(client, phone, instrument="core", answers=hidden)

    assert (refusal.status_code, [*refusal.json["errors"]]) == (422, ["answers.1.value"])
    assert "nausea.severity" in str(refusal.json["errors"])
    is_refused_and_kept(db, client, person, refusal, words='"nausea.severity"')


def test_an_instrument_version_that_does_not_exist_is_refused_and_kept(db, client, phone, person):
    refusal = send(client, phone, instrument_version=99)

    assert (refusal.status_code, [*refusal.json["errors"]]) == (422, ["instrument_version"])
    is_refused_and_kept(db, client, person, refusal, words="99")


def test_another_patients_key_is_kept_as_a_report_that_fits_nowhere_and_shown_to_a_person(db, client, phone, person):
    planned = {"number": 1, "donor_collection_on": "2027-02-26"}
    made = client.post(f"{API}/patients/{phone.id}/cycles", json=planned, headers=person.headers)
    assert made.status_code == 201
    his = phone_of(db, ben(db))
    hers, own = (
        {item["key"] for item in client.get(f"{API}/me/agenda", headers=one.headers).json["items"]}
        for one in (phone, his)
    )
    assert hers - own

    for key in sorted(hers - own):
        sent = send(client, his, agenda_key=key)
        assert (sent.status_code, count(db, InboundMessage)) == (201, 0)
        read = client.get(f"{MINE}/{sent.json['id']}", headers=his.headers).json
        assert (read["agenda_key"], read["standing"]) == (None, "unscheduled")
    tasks = client.get(f"{API}/worklist?reason=unscheduled_report", headers=person.headers).json["items"]
    assert len(tasks) == len(hers - own)


def test_a_key_of_another_questionnaire_is_refused_and_kept(db, client, phone, person):
    refusal = send(client, phone, agenda_key="baseline")

    assert (refusal.status_code, [*refusal.json["errors"]]) == (422, ["agenda_key"])
    is_refused_and_kept(db, client, person, refusal, words="baseline")


def test_forty_four_degrees_are_refused_with_the_bounds_and_kept(db, client, phone, person):
    refusal = send(client, phone, measurements={"temperature_c": 44})

    assert (refusal.status_code, [*refusal.json["errors"]]) == (422, ["measurements.temperature_c"])
    assert "43" in str(refusal.json["errors"])
    is_refused_and_kept(db, client, person, refusal, words="44")


def test_a_report_from_the_future_is_no_refusal_but_flagged(db, client, phone):
    sent = send(client, phone, completed_at="2027-03-02T07:55:00+08:00")

    assert sent.status_code == 201
    with db.reading(system("test")) as txn:
        assert txn.session.scalars(select(SymptomReport)).one().clock_is_off
        assert txn.session.scalars(select(InboundMessage)).all() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"id": "cut off at the edge of the vill', 400),
        (b"\xff\xfe not even letters", 400),
        (b"[" * 20_000, 400),
        (b'{"note": "\\ud800 half a letter"}', 422),
        (b"[]", 422),
    ],
)
def test_a_body_that_nobody_can_read_is_kept_as_it_came(db, client, phone, person, body, status):
    refusal = send_raw(client, phone, body)

    assert refusal.status_code == status
    is_refused_and_kept(db, client, person, refusal, words=body.decode("utf-8", "replace")[:20])


def test_a_report_that_is_not_declared_as_json_is_kept_too(db, client, phone, person):
    refusal = send_raw(client, phone, b'{"note": "dizzy since noon"}', content_type="text/plain")

    assert refusal.status_code == 415
    is_refused_and_kept(db, client, person, refusal, words="dizzy since noon")


def test_other_answers_under_an_id_that_was_used_are_kept_beside_the_first(db, client, phone, person):
    body = report_body()
    client.post(MINE, json=body, headers=phone.headers)

    refusal = client.post(MINE, json=body | {"wants_call": True}, headers=phone.headers)

    assert (refusal.status_code, refusal.json["code"], refusal.json["kept"]) == (409, "report_id_taken", True)
    assert body["id"] in inbox(client, person)[0]["text"]


def test_a_body_that_is_too_large_is_not_kept(db, client, phone):
    refusal = send_raw(client, phone, json.dumps({"note": "x" * 70_000}))

    assert (refusal.status_code, refusal.json["code"], refusal.json["kept"]) == (413, "body_too_large", False)
    assert refusal.json["phone"] == SITES_PHONE
    assert count(db, InboundMessage) == 0


def test_nothing_sent_is_nothing_to_keep(db, client, phone):
    assert send_raw(client, phone, b"").status_code == 422
    assert count(db, InboundMessage) == 0


def test_the_same_refused_report_again_is_kept_once(db, client, phone):
    body = json.dumps(report_body(instrument_version=99))

    first, second = send_raw(client, phone, body), send_raw(client, phone, body)

    assert (first.json["kept"], second.json["kept"]) == (True, True)
    assert (count(db, InboundMessage), count(db, WorkItem)) == (1, 1)


def test_so_many_are_kept_a_day_and_the_sender_hears_when_no_more_are(db, client, clock, phone, monkeypatch):
    monkeypatch.setattr(refused, "MOST_A_DAY", 2)

    said = [send(client, phone, instrument_version=99).json["kept"] for _ in range(3)]
    clock.move_to("2027-03-02T08:10:00+08:00")
    phone = phone_of(db, ann_again(db, phone))
    next_day = send(client, phone, instrument_version=99).json["kept"]

    assert (said, next_day) == ([True, True, False], True)


def ann_again(db, phone):
    from backend.patients.models import Patient

    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, phone.id)
        txn.session.expunge(row)
    return row


@pytest.mark.parametrize(
    "urgent",
    [
        {"answers": answers(checklist__seizure=1)},
        {"other_symptoms": [{"text": "he is bleeding from the mouth"}]},
        {"other_symptoms": [{"text": "一直吐血"}]},
    ],
)
def test_a_refused_report_with_an_emergency_in_it_raises_the_alarm_once(db, client, phone, person, urgent):
    body = report_body(instrument_version=99, **urgent)

    refusal = client.post(MINE, json=body, headers=phone.headers)
    client.post(MINE, json=body, headers=phone.headers)

    assert refusal.json["advice"][0]["phone"] == SITES_PHONE
    queue = client.get(f"{API}/candidate-events?tier=T1", headers=person.headers).json["items"]
    assert [candidate["rule"]["id"] for candidate in queue] == ["T1.danger-words"]


@pytest.mark.parametrize(
    "urgent",
    [
        {"measurements": {"temperature_c": 38.4}},
        {"measurements": {"temperature_c": "38.4"}, "completed_at": "yesterday"},
        {"measurements": {"temperature_c": "38.4"}, "instrument": "unheard_of"},
        {"answers": answers(checklist__new_rash=1, checklist__diarrhea=1)},
    ],
)
def test_a_refused_report_is_judged_by_what_is_known_of_the_patient(db, client, clock, phone, person, urgent):
    sent = {"instrument_version": 99, "started_at": "2027-03-11T07:50:00+08:00"} | urgent
    before = send(client, phone, **sent)
    planned = {"number": 1, "donor_collection_on": "2027-02-20"}
    client.post(f"{API}/patients/{phone.id}/cycles", json=planned, headers=person.headers)
    confirmed = {"status": "confirmed", "day_1_on": "2027-03-10"}
    assert (
        client.patch(f"{API}/patients/{phone.id}/cycles/1", json=confirmed, headers=person.headers).status_code == 200
    )
    clock.move_to("2027-03-11T08:00:00+08:00")
    phone = phone_of(db, ann_again(db, phone))

    after = send(client, phone, **{"completed_at": "2027-03-11T07:55:00+08:00"} | sent)

    assert ("advice" in before.json, after.json["kept"]) == (False, True)
    assert after.json["advice"][0]["code"] in ("fever_after_infusion", "skin_gut_liver")
    assert (count(db, CandidateEvent), count(db, StaffPage)) == (1, 1)


def test_a_report_that_the_rules_cannot_be_asked_of_is_searched_for_words_all_the_same(db, client, phone, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise OverflowError

    monkeypatch.setattr(refused, "circumstances_of", broken)

    calm = send(client, phone, instrument_version=99)
    urgent = send(client, phone, instrument_version=99, other_symptoms=[{"text": "吐血"}])

    assert (calm.json["kept"], urgent.json["kept"]) == (True, True)
    assert ("advice" in calm.json, "advice" in urgent.json) == (False, True)
    assert count(db, CandidateEvent) == 1


def test_an_emergency_is_kept_and_heard_however_many_reports_were_refused_today(db, client, phone, monkeypatch):
    monkeypatch.setattr(refused, "MOST_A_DAY", 2)
    for _ in range(2):
        send(client, phone, instrument_version=99)

    calm = send(client, phone, instrument_version=99)
    urgent = send(client, phone, instrument_version=99, measurements={"systolic_mmhg": 190})

    assert (calm.json["kept"], urgent.json["kept"]) == (False, True)
    assert (count(db, InboundMessage), count(db, CandidateEvent), count(db, StaffPage)) == (3, 1, 1)


def test_a_refused_report_without_an_emergency_raises_none(db, client, phone):
    refusal = send(client, phone, instrument_version=99, answers=answers(checklist__seizure=0, checklist__fainted=0))

    assert refusal.json["kept"]
    assert "advice" not in refusal.json
    assert count(db, CandidateEvent) == 0


@pytest.mark.parametrize(
    ("said", "urgent"),
    [
        ('{"answers": [{"item": "checklist.fainted", "value": 1}], "cut', True),
        ('{"answers": [{"item": "checklist.fainted", "value": 0}], "cut', False),
        ('{"answers": [{"item": "checklist.seizure"', False),
        (r'{"text": "\u5410\u8840", ', True),
        ('{"answers": [{"value": true, "item": "checklist.fainted"}]}', True),
        ('{"answers": [{"item": "checklist.chills", "value": 1}]}', False),
        ('{"answers": [{"item": "checklist.seizure", "value": "1"}]}', True),
        ('{"answers": [{"item": "checklist.seizure", "value": 7}]}', True),
        ('{"answers": {"checklist.seizure": 1}}', True),
        ('{"answers": {"checklist.seizure": 0}}', False),
        ('{"item": "checklist.seizure", "value": -1}', False),
        ('{"measurements": {"systolic_mmhg": 180}}', True),
        ('{"measurements": {"systolic_mmhg": " 180,0 "}}', True),
        ('{"measurements": {"systolic_mmhg": 179}}', False),
        ('{"measurements": {"systolic_mmhg": NaN, "diastolic_mmhg": 1e999, "weight_kg": "heavy"}}', False),
        ('{"measurements": {"systolic_mmhg": 1' + "0" * 400 + "}}", False),
        ('{"systolic_mmhg": 160, "answers": [{"item": "checklist.severe_headache", "value": "1"}]}', True),
        ('{"measurements": {"systolic_mmhg": 190, "cut', True),
        ('{"measurements": {"systolic_mmhg": 190', False),
        ("[" * 5_000, False),
        ('{"a": ' * 900 + "1" + "}" * 900, False),
        ("1" * 6_000, False),
    ],
)
def test_an_emergency_is_found_in_whatever_was_sent_and_nothing_else_is_one(said, urgent):
    told = told_in(scraps_of(said), everything_asked(map(instrument, contents()), "ad_hoc"))

    assert bool(emergencies(rule_set(), told, Circumstances())) is urgent


def test_a_refused_report_is_no_line_of_the_conversation_also_when_it_was_dealt_with(db, client, phone, person):
    send(client, phone, instrument_version=99)
    read = inbox(client, person)[0]["id"]
    before = client.get(f"{API}/me/messages", headers=phone.headers).json["items"]
    done = {"outcome": "called her", "note": None}
    assert client.post(f"{API}/inbox/{read}/resolutions", json=done, headers=person.headers).status_code == 201

    assert before == client.get(f"{API}/me/messages", headers=phone.headers).json["items"] == []


def test_what_was_refused_is_sealed_and_stays_with_its_own_site(db, client, phone, person):
    send(client, phone, instrument_version=99, other_symptoms=[{"text": "my neighbour Lao Wang gave me tea"}])

    assert inbox(client, coordinator(db, "site-02")) == []
    with db.reading(system("test")) as txn:
        kept = txn.session.scalars(select(InboundMessage)).one()
        trail = " ".join(str(one.new) for one in txn.session.scalars(select(AuditEvent)))
        assert "Lao Wang" in unseal(txn, kept, "text_sealed")
        assert kept.key_owner_id == phone.id
        assert "Lao Wang" not in kept.text_sealed + trail


def test_what_staff_enter_wrongly_they_see_themselves(db, client, phone, person):
    address = f"{API}/patients/{phone.id}/reports"

    refusal = client.post(address, json=staff_report_body(instrument_version=99), headers=person.headers)

    assert (refusal.status_code, "kept" in refusal.json) == (422, False)
    assert count(db, InboundMessage) == 0


def test_a_stranger_leaves_nothing(db, client, person):
    nobody = client.post(MINE, json=report_body(instrument_version=99))
    staff = client.post(MINE, json=report_body(id=str(uuid4()), instrument_version=99), headers=person.headers)

    assert (nobody.status_code, staff.status_code) == (401, 403)
    assert count(db, InboundMessage) == 0


@pytest.mark.parametrize("key", ["visit.never", "weekly.w1"])
def test_a_note_beside_a_reply_about_nothing_is_kept_and_heard(db, client, phone, person, key):
    address, note = f"{API}/me/agenda/{key}/reply", "I vomit blood, 吐血"

    refusal = client.post(address, json={"reply": "coming", "note": note}, headers=phone.headers)

    assert (refusal.status_code, refusal.json["code"]) == (404, "not_found")
    assert refusal.json["advice"]
    is_refused_and_kept(db, client, person, refusal, words=note)
    assert count(db, StaffPage) == 1


def test_a_reply_without_words_is_refused_and_leaves_nothing(db, client, phone, person):
    for body in ({"reply": "coming"}, {"reply": "coming", "note": None}, {"reply": "coming", "note": ""}):
        refusal = client.post(f"{API}/me/agenda/visit.never/reply", json=body, headers=phone.headers)
        assert "kept" not in refusal.json

    assert inbox(client, person) == []


def test_a_message_that_is_too_long_is_kept_and_says_whom_to_call(db, client, phone, person):
    text = "My legs are swollen. " * 120

    refusal = client.post(f"{API}/me/messages", json={"text": text}, headers=phone.headers)

    assert refusal.status_code == 422
    is_refused_and_kept(db, client, person, refusal, words=text)
