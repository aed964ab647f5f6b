"""What the corpus and the fuzzer found, each mended and each under its own name."""

import pytest

from tests.hostile.doors import API
from tests.hostile.values import forged
from tests.people import administrator, ann, coordinator, enrolment_body, monitor, phone_of
from tests.sent import death_body, report_body

SPOOFED = ["Ann\u202egnahZ", "Ann\nZhang", "Ann\u2028Zhang", "Ann\x07Zhang", "\u2067Ann"]


def test_a_cursor_at_the_end_of_time_is_refused(db, client):
    """It could not be told in UTC, which was found out only while writing the query: 500."""
    staff = coordinator(db)
    cursor = forged(["9999-12-31T23:59:59-23:59", "00000000-0000-0000-0000-000000000000"])

    refused = client.get(f"{API}/me/messages", query_string={"cursor": cursor}, headers=phone_of(db, ann(db)).headers)
    also_refused = client.get(f"{API}/auth/sessions", query_string={"cursor": cursor}, headers=staff.headers)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_cursor")
    assert also_refused.status_code == 422


def test_a_host_that_is_none_is_not_called_a_body_that_is_no_json(client):
    refused = client.get(f"{API}/sites", headers={"Host": "x" * 5_000})

    assert (refused.status_code, refused.json["code"]) == (400, "unreadable_request")


def test_an_arm_that_the_protocol_does_not_have_is_not_an_empty_list(db, client):
    staff = coordinator(db)

    refused = client.get(f"{API}/patients?arm=kn", headers=staff.headers)
    taken = client.get(f"{API}/patients?arm=nk", headers=staff.headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["arm"])
    assert taken.status_code == 200


@pytest.mark.parametrize(("name", "word"), [("record_type", "patients"), ("verb", "enrolled")])
def test_a_misspelt_filter_of_the_trail_is_not_an_empty_trail(db, client, name, word):
    refused = client.get(f"{API}/audit-events", query_string={name: word}, headers=monitor(db).headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, [name])


def test_digits_of_another_script_are_no_digits_of_a_code_or_a_date(db, client):
    """They were stored as they came, and neither sorted nor compared with what the others wrote."""
    site = {"code": "site-٠٤", "name": "A hospital", "time_zone": "Asia/Shanghai", "emergency_phone": "120"}
    patient = ann(db)

    code = client.post(f"{API}/sites", json=site, headers=administrator(db).headers)
    died = client.post(
        f"{API}/patients/{patient.id}/death-reports",
        json=death_body(died_on="٢٠٢٧-٠٢"),
        headers=coordinator(db).headers,
    )

    assert (code.status_code, [*code.json["errors"]]) == (422, ["code"])
    assert (died.status_code, [*died.json["errors"]]) == (422, ["died_on"])


@pytest.mark.parametrize("name", SPOOFED)
def test_a_name_that_turns_or_breaks_the_line_it_stands_in_is_refused(db, client, name):
    refused = client.post(f"{API}/patients", json=enrolment_body(name=name), headers=coordinator(db).headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["name"])


def test_no_letter_of_a_patients_own_words_is_a_reason_to_lose_the_rest(db, client):
    phone = phone_of(db, ann(db))
    words = "it hurts\x07 \u202ehere\u202c\tand\nthere \ufeff\uffff 💥"
    report = report_body(other_symptoms=[{"text": words, "severity": 1}])

    written = client.post(f"{API}/me/messages", json={"text": words}, headers=phone.headers)
    reported = client.post(f"{API}/me/reports", json=report, headers=phone.headers)

    assert (written.status_code, written.json["text"]) == (201, words)
    assert reported.status_code == 201
    kept = client.get(f"{API}/me/reports/{report['id']}", headers=phone.headers).json
    assert kept["other_symptoms"][0]["text"] == words
