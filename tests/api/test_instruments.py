"""Questionnaires over HTTP: in the language asked for, with the emergency rules and the site's own number."""

from tests.people import ann, ben, coordinator, phone_of

API = "/api/v1/me/instruments"


def test_the_questionnaires_are_listed_by_name(db, client):
    phone = phone_of(db, ann(db))

    listed = client.get(API, headers=phone.headers)

    assert {"checklist", "core", "weekly", "ad_hoc"} <= {one["name"] for one in listed.json["items"]}
    assert listed.json["items"][0].keys() == {"name", "version", "title"}


def test_a_questionnaire_speaks_the_language_asked_for_or_else_the_patients(db, client):
    phone = phone_of(db, ben(db))

    own = client.get(f"{API}/core", headers=phone.headers)
    asked = client.get(f"{API}/core", headers={**phone.headers, "Accept-Language": "en-GB"})
    unknown = client.get(f"{API}/core", headers={**phone.headers, "Accept-Language": "fr"})

    assert [answer.json["language"] for answer in (own, asked, unknown)] == ["zh-CN", "en", "zh-CN"]
    assert (own.headers["Content-Language"], own.headers["Vary"]) == ("zh-CN", "Accept-Language")
    assert asked.json["items"][0]["question"].isascii()


def test_a_questionnaire_holds_all_a_phone_needs_offline(db, client):
    phone = phone_of(db, ann(db))

    number = client.get("/api/v1/me", headers=phone.headers).json["emergency_phone"]
    document = client.get(f"{API}/weekly", headers=phone.headers).json

    assert document["version"] == 1
    severity = {item["item"]: item for item in document["items"]}["nausea.severity"]
    assert severity["enable_when"]
    assert {one["name"]: (one["minimum"], one["maximum"]) for one in document["measurements"]}["temperature_c"] == (
        34,
        43,
    )
    seizure = {rule["id"]: rule for rule in document["emergency"]}["T1.seizure"]
    assert (seizure["advice"]["phone"], number in seizure["advice"]["text"]) == (number, True)


def test_what_is_no_questionnaire_is_not_found_and_staff_have_none(db, client):
    phone, person = phone_of(db, ann(db)), coordinator(db)

    assert client.get(f"{API}/horoscope", headers=phone.headers).status_code == 404
    assert client.get(f"{API}/core", headers=person.headers).status_code == 403
