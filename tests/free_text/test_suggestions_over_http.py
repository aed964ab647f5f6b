"""Terms suggested where a person triages: read from the sealed words by those who may read them, and kept nowhere."""

import pytest

from tests.databases import KINDS
from tests.people import ann, bearer, coordinator, monitor, phone_of
from tests.sent import answers, report_body

QUEUE, SUGGESTIONS = "/api/v1/candidate-events", "/api/v1/terminology/suggestions"
ASKED = {"text": "肚子有点疼，没有发烧"}


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_terms_are_suggested_for_a_patients_own_words_to_those_who_may_read_them(db, client):
    phone = phone_of(db, ann(db)).headers
    others = [{"text": "手抖", "severity": 2}, {"text": "no fever"}]
    body = report_body(answers=answers(nausea__frequency=3, nausea__severity=3), other_symptoms=others)
    assert client.post("/api/v1/me/reports", json=body, headers=phone).status_code == 201

    staff = coordinator(db).headers
    listed = client.get(QUEUE, headers=staff).json["items"]
    shown = {
        (one["term"] or {}).get("name"): client.get(f"{QUEUE}/{one['id']}", headers=staff).json["suggestions"]
        for one in listed
    }
    unread = [client.get(f"{QUEUE}/{one['id']}", headers=monitor(db).headers).json["suggestions"] for one in listed]

    assert [(one["name"], one["matched"], one["negated"]) for one in shown[None]] == [
        ("Tremor", "手抖", False),
        ("Fever", "fever", True),
    ]
    assert shown["Nausea"] == []
    assert unread == [[], []]


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_whoever_codes_an_event_may_ask_for_terms_and_nothing_is_kept(db, client):
    staff, phone = coordinator(db).headers, phone_of(db, ann(db)).headers

    found = client.post(SUGGESTIONS, json=ASKED, headers=staff)
    refused = [
        client.post(SUGGESTIONS, json=ASKED, headers=headers).status_code for headers in ({}, bearer("nobody"), phone)
    ]
    wrong = [
        client.post(SUGGESTIONS, json=body, headers=staff).status_code
        for body in ({}, {"text": ""}, {"text": "a" * 4001})
    ]

    assert found.status_code == 200
    assert [(one["name"], one["start"], one["end"], one["negated"]) for one in found.json["items"]] == [
        ("Abdominal pain", 0, 5, False),
        ("Fever", 8, 10, True),
    ]
    assert found.json["items"][0]["term_code"] == "10000081"
    assert refused == [401, 401, 403]
    assert wrong == [422, 422, 422]
    assert client.get(f"{SUGGESTIONS}?text=x", headers=staff).status_code == 405
