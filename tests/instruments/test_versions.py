"""A new version of a questionnaire stands beside the old one, and a report is held to the version it names."""

from copy import deepcopy

import pytest
from sqlalchemy import select

from backend.db import system
from backend.instruments.definition import instrument
from backend.instruments.load import load_instruments
from backend.patients.symptom_report import SymptomReport
from seeds.load import load_study
from tests.people import ann, coordinator, phone_of
from tests.sent import answers, report_body
from tests.study import contents

SEED = system("seed")
REPORTS = "/api/v1/me/reports"


@pytest.fixture
def ann_phone(db):
    return phone_of(db, ann(db))


@pytest.fixture
def an_older_ad_hoc(db):
    """The database knew the questionnaire with 25 symptoms and no search words, and then loaded what is shipped."""
    old = deepcopy(contents()["ad_hoc"])
    del old["search"]
    old["name"] = "older"
    old["parts"] = [part for part in old["parts"] if part["part"] != "more"]
    old["items"] = [item for item in old["items"] if item["part"] != "more"]
    with db.transaction(SEED) as txn:
        load_instruments(txn, [old])
    with db.transaction(SEED) as txn:
        load_instruments(txn, [{**deepcopy(contents()["ad_hoc"]), "name": "older"}])


def sent(client, phone, **told):
    return client.post(REPORTS, headers=phone.headers, json=report_body(instrument="older", **told))


def test_a_report_that_names_the_first_version_is_held_to_the_first(db, client, an_older_ad_hoc, ann_phone):
    asked_then, asked_now = answers(nausea__frequency=2), answers(cough__severity=2)

    assert sent(client, ann_phone, instrument_version=1, answers=asked_then).status_code == 201
    refused = sent(client, ann_phone, instrument_version=1, answers=asked_now)
    assert sent(client, ann_phone, instrument_version=2, answers=asked_now).status_code == 201

    assert refused.status_code == 422
    assert "answers.0.item" in refused.json["errors"]


def test_a_report_of_a_superseded_version_is_kept_scored_and_shown_to_a_person(
    db, client, clock, an_older_ad_hoc, ann_phone
):
    """Not one that was completed while its version was the newest, however late it comes."""
    clock.move_to("2027-03-01T08:20:00+08:00")
    person = coordinator(db)
    since = {"started_at": "2027-03-01T08:10:00+08:00", "completed_at": "2027-03-01T08:15:00+08:00"}
    fever = {"measurements": {"temperature_c": 39.4}}
    reports = [report_body(instrument="older", instrument_version=1, **fever, **when) for when in ({}, since)]

    answers = [client.post(REPORTS, headers=ann_phone.headers, json=one) for one in reports]
    tasks = client.get("/api/v1/worklist?reason=unscheduled_report", headers=person.headers).json["items"]

    assert [(one.status_code, one.json["tier"]) for one in answers] == [(201, answers[0].json["tier"])] * 2
    assert answers[0].json["tier"] is not None
    assert [task["key"] for task in tasks] == [f"unscheduled:{reports[1]['id']}"]
    with db.reading(SEED) as txn:
        kept = {str(one.id): one.unscheduled_because for one in txn.session.scalars(select(SymptomReport))}
    assert kept == {reports[0]["id"]: "none_open", reports[1]["id"]: "superseded_version"}


def test_a_version_that_never_was_is_refused_and_the_newest_is_named(client, an_older_ad_hoc, ann_phone):
    refused = sent(client, ann_phone, instrument_version=9)

    assert refused.status_code == 422
    assert refused.json["errors"] == {"instrument_version": ["The newest version is 2."]}


def test_a_phone_is_offered_the_newest_version(client, an_older_ad_hoc, ann_phone):
    document = client.get("/api/v1/me/instruments/older", headers=ann_phone.headers).json

    assert (document["version"], len(document["symptoms"])) == (2, 80)


def test_loading_the_study_over_an_older_questionnaire_adds_one_version_of_it_and_no_other(db):
    with db.transaction(SEED) as txn:
        load_instruments(txn, [{**deepcopy(contents()["ad_hoc"]), "notice": {"en": "Old", "zh-CN": "旧"}}])
    with db.transaction(SEED) as txn:
        new = [str(step) for step in load_study(txn) if step.is_new]

    assert new == ["instrument ad_hoc version 3: loaded"]
    with db.reading(SEED) as txn:
        assert instrument(txn, "ad_hoc", 1).content == instrument(txn, "ad_hoc", 3).content


def test_the_state_of_every_item_is_kept_with_the_report(db, client, ann_phone):
    told = answers(headache__frequency=0, checklist__seizure=0, cough__severity=3)
    body = report_body(answers=[*told, {"item": "cough.interference", "value": None}])
    client.post(REPORTS, headers=ann_phone.headers, json=body)

    states = client.get(f"{REPORTS}/{body['id']}", headers=ann_phone.headers).json["answers"]

    assert states["headache.severity"] == states["headache.interference"] == "not_asked_by_branching"
    assert states["cough.interference"] == states["checklist.chills"] == "skipped"
    assert states["hiccups.frequency"] == states["fatigue.severity"] == "not_reached"
    assert (states["cough.severity"], states["headache.frequency"]) == (3, 0)


def test_a_hidden_answer_is_refused_with_the_items_name_and_nothing_is_kept(client, ann_phone):
    body = report_body(answers=answers(hiccups__frequency=0, hiccups__severity=1))

    refused = client.post(REPORTS, headers=ann_phone.headers, json=body)

    assert refused.status_code == 422
    assert "hiccups.severity" in refused.json["errors"]["answers.1.value"][0]
    assert client.get(f"{REPORTS}/{body['id']}", headers=ann_phone.headers).status_code == 404
