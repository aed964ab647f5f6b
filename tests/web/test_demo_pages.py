"""The demo over HTTP: phones, the clock, and that none of it exists outside a demo."""

import json
from xml.etree import ElementTree

import pytest

from seeds.demo import recorded, script
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben

AWAY = "+15555550100"
SCRIPTED_PHONE = "+8619900000104"
PICTURES = ("overall-survival", "disease-control", "adverse-events", "adherence")


@pytest.mark.parametrize("path", ["/demo", "/demo/phones", f"/demo/phones/{ANNS_PHONE}", "/demo/clock"])
def test_there_is_no_demo_outside_demo_mode(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path, json={}).status_code == 404


def test_a_phone_nobody_has_is_empty(demo):
    assert demo.get(f"/demo/phones/{AWAY}").json == {"messages": [], "not_sent": []}


@pytest.mark.parametrize("number", [ANNS_PHONE, "%2B8613800138000", "+86 138 0013 8000", "13800138000"])
def test_a_number_may_be_written_in_any_usual_way(db, demo, number):
    ann(db)
    demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "hello"})

    assert {"inbound", "outbound"} == {one["direction"] for one in demo.get(f"/demo/phones/{number}").json["messages"]}


def test_what_is_no_number_is_named(demo):
    answer = demo.get("/demo/phones/nobody")

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["number"]


def test_an_answer_is_on_the_phone_when_the_text_has_been_sent(db, demo):
    ann(db)

    answer = demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "help"})

    assert answer.status_code == 201
    said = {one["direction"]: one["text"] for one in answer.json["messages"]}
    assert said["inbound"] == "help"
    assert "This is your study team" in said["outbound"]


def test_a_text_from_nobody_is_kept_and_not_answered(demo):
    answer = demo.post(f"/demo/phones/{AWAY}", json={"text": "who are you?"})

    assert [one["direction"] for one in answer.json["messages"]] == ["inbound"]


def test_the_list_shows_a_shared_phone_once(db, demo):
    ann(db)
    ben(db)

    listed = {phone["number"]: phone for phone in demo.get("/demo/phones").json["phones"]}

    assert set(listed) == {ANNS_PHONE, BENS_PHONE}
    assert [owner["is_caregiver"] for owner in listed[BENS_PHONE]["owners"]] == [False, True]
    assert (listed[ANNS_PHONE]["last"], listed[ANNS_PHONE]["received"]) == (None, 0)


def test_the_phones_of_the_script_lead_the_list(db, demo):
    ann(db)
    ben(db, phone=SCRIPTED_PHONE, caregivers=())

    listed = [phone["number"] for phone in demo.get("/demo/phones").json["phones"]]

    assert listed == [SCRIPTED_PHONE, ANNS_PHONE]


@pytest.fixture
def nothing_read_yet():
    script.scripted_numbers.cache_clear()
    recorded.recordings.cache_clear()


def test_a_file_that_is_edited_under_a_running_demo_changes_nothing_of_it(
    db, nothing_read_yet, demo_app, monkeypatch, tmp_path
):
    ben(db, phone=SCRIPTED_PHONE, caregivers=())
    for files in (script, recorded):
        monkeypatch.setattr(files, "FOLDER", tmp_path)

    visitor = demo_app.test_client()

    assert [phone["number"] for phone in visitor.get("/demo/phones").json["phones"]] == [SCRIPTED_PHONE]
    assert visitor.get("/demo").status_code == 200


def test_what_the_trial_found_is_seen_without_signing_in_and_in_the_readers_language(db, demo, client):
    ann(db)
    ben(db)

    page = demo.get("/demo/outcomes?lang=en")
    told = {name: demo.get(f"/demo/outcomes/{name}.svg?lang=zh-CN") for name in PICTURES}

    assert page.text.count("1 patients, 0 deaths") == 4
    for name, picture in told.items():
        assert f"/demo/outcomes/{name}.svg?lang=en" in page.text
        assert picture.mimetype == "image/svg+xml"
        assert ElementTree.fromstring(picture.text).tag.endswith("svg")
    assert "总生存期" in told["overall-survival"].text
    assert demo.get("/demo/outcomes/secrets.svg").status_code == 404
    assert client.get("/demo/outcomes").status_code == 404


def test_a_list_that_has_not_changed_is_not_sent_again(db, demo):
    ann(db)
    etag = demo.get("/demo/phones").headers["ETag"]

    assert demo.get("/demo/phones", headers={"If-None-Match": etag}).status_code == 304
    demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "hello"})
    assert demo.get("/demo/phones", headers={"If-None-Match": etag}).status_code == 200


def test_the_clock_says_where_it_hangs(demo):
    assert demo.get("/demo/clock").json == {
        "now": "2027-03-01T00:00:00+00:00",
        "time_zone": "Asia/Shanghai",
        "tomorrow_morning": "2027-03-02T01:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("body", "then"),
    [
        ({"by": "1d"}, "2027-03-02T00:00:00+00:00"),
        ({"by": "1d12h"}, "2027-03-02T12:00:00+00:00"),
        ({"by": "30m"}, "2027-03-01T00:30:00+00:00"),
        ({"to": "2027-03-02T09:00:00+08:00"}, "2027-03-02T01:00:00+00:00"),
    ],
)
def test_the_clock_moves_to_a_moment_or_by_an_interval(demo, body, then):
    answer = demo.post("/demo/clock", json=body)

    assert answer.status_code == 200
    assert answer.json["now"] == then
    assert demo.get("/demo/clock").json["now"] == then


def test_the_clock_says_what_happened(db, demo):
    ann(db)

    ran = demo.post("/demo/clock", json={"by": "1w"}).json["ran"]

    assert ran["sent"] == len(demo.get(f"/demo/phones/{ANNS_PHONE}").json["messages"]) > 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": "2027-02-28T08:00:00+08:00"}, "to"),
        ({"to": "0001-01-01T00:00:00+23:59"}, "to"),
        ({"to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"to": "2027-03-02T08:00:00"}, "to"),
        ({"to": 5}, "to"),
        ({"by": "401d"}, "by"),
        ({"by": "99999w99999w99999w99999w"}, "by"),
        ({"by": "-1d"}, "by"),
        ({"by": "a day"}, "by"),
        ({"by": "1d", "to": "2027-03-02T08:00:00+08:00"}, "body"),
        ({}, "body"),
        ({"by": "1d", "and": 1}, "and"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_with_its_field(demo, body, field):
    answer = demo.post("/demo/clock", json=body)

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


BAD_BODIES = (
    (b"{", "application/json", 400),
    (b"[" * 60_000, "application/json", 400),
    (b'{"text": ' + b"1" * 5000 + b"}", "application/json", 400),
    (b'{"text": "a\\u0000b"}', "application/json", 422),
    (b'{"text": "\\ud800"}', "application/json", 422),
    (b"[]", "application/json", 422),
    (b"", "application/json", 422),
    (b'{"text": "1"}', "text/plain", 415),
    (b'"' + b"x" * 70_000 + b'"', "application/json", 413),
)


@pytest.mark.parametrize("path", ["/demo/clock", f"/demo/phones/{ANNS_PHONE}"])
def test_a_bad_body_is_refused_like_everywhere(demo, path):
    for raw, kind, status in BAD_BODIES:
        answer = demo.post(path, data=raw, content_type=kind)

        assert answer.status_code == status, raw[:40]
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("text", ["", "x" * 1601, 1, None])
def test_a_text_has_words_and_not_too_many(demo, text):
    answer = demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": text})

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["text"]


def test_the_page_shows_the_sign_ins_of_the_demo(demo, settings):
    people = {"staff": [{"email": "lin@example.org", "password": "<b>", "role": "coordinator", "site": "site-01"}]}
    assert "lin@example.org" not in demo.get("/demo?lang=en").text
    (settings.home / "demo.json").write_text(json.dumps(people))

    page = demo.get("/demo?lang=en").text

    assert "lin@example.org" in page
    assert "&lt;b&gt;" in page
