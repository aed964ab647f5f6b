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


def test_a_word_finds_symptoms_to_pick_in_the_language_of_the_reader(db, client):
    phone = phone_of(db, ben(db))

    found = client.get(f"{API}/ad_hoc/symptoms?q=diarrhoea", headers=phone.headers)
    in_english = client.get(f"{API}/ad_hoc/symptoms?q=拉肚子", headers={**phone.headers, "Accept-Language": "en"})

    assert found.json["items"][0] == {"symptom": "diarrhea", "name": "拉肚子", "items": ["diarrhea.frequency"]}
    assert in_english.json["items"][0]["name"] == "Diarrhea"
    assert (found.headers["Content-Language"], found.json["next_cursor"]) == ("zh-CN", None)


def test_without_a_word_all_symptoms_are_shown_and_where_all_is_asked_none(db, client):
    phone = phone_of(db, ann(db))

    assert len(client.get(f"{API}/ad_hoc/symptoms", headers=phone.headers).json["items"]) == 80
    assert client.get(f"{API}/weekly/symptoms", headers=phone.headers).json["items"] == []
    assert client.get(f"{API}/horoscope/symptoms", headers=phone.headers).status_code == 404


def test_a_search_that_is_a_novel_or_names_a_filter_we_lack_is_refused(db, client):
    phone = phone_of(db, ann(db))

    assert client.get(f"{API}/ad_hoc/symptoms?q={'a' * 101}", headers=phone.headers).status_code == 422
    assert client.get(f"{API}/ad_hoc/symptoms?word=a", headers=phone.headers).status_code == 422


def test_the_search_works_offline_too_because_the_words_come_along(db, client):
    phone = phone_of(db, ann(db))

    answer = client.get(f"{API}/ad_hoc", headers=phone.headers)
    diarrhea = {one["symptom"]: one for one in answer.json["symptoms"]}["diarrhea"]

    assert "拉稀" in diarrhea["search"]["zh-CN"]
    assert "diarrhoea" in diarrhea["search"]["en"]
    assert diarrhea["names"] == {"en": "Diarrhea", "zh-CN": "拉肚子"}
    # Over a slow telephone network this is a few seconds, once.
    assert len(answer.data) < 150_000


def test_every_questionnaire_says_that_its_wording_is_not_the_licensed_one(db, client):
    phone = phone_of(db, ann(db))

    for one in client.get(API, headers=phone.headers).json["items"]:
        notice = client.get(f"{API}/{one['name']}", headers={**phone.headers, "Accept-Language": "en"}).json["notice"]
        assert "not the licensed NCI PRO-CTCAE" in notice
