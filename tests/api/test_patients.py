"""Patients over HTTP: enrolled, listed, read, changed; and who is refused how."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.terms import Role
from tests.people import (
    administrator,
    ann,
    ben,
    coordinator,
    eligible,
    enrolment_body,
    investigator,
    member,
    monitor,
    phone_of,
    principal_investigator,
)

PATIENTS = "/api/v1/patients"


def readings(db: Database) -> list[tuple[str, str]]:
    with db.reading(system("test")) as txn:
        wanted = select(AuditEvent).where(AuditEvent.verb == "patient.identifiers_read")
        return [(str(event.patient_id), str(event.actor_id)) for event in txn.session.scalars(wanted)]


def test_a_coordinator_enrols_a_patient(db, client):
    person = coordinator(db)

    made = client.post(PATIENTS, json=enrolment_body(), headers=person.headers)

    assert made.status_code == 201
    assert made.json["subject_number"] == "01-0001"
    assert made.headers["ETag"] == '"1"'
    assert not {"name", "phone", "birth_year"} & made.json.keys()


def test_every_complaint_about_an_enrolment_names_its_field(db, client):
    person = coordinator(db)
    body = enrolment_body(phone="12", eligibility=eligible(alt_u_l=300, platelets_e9_l="many"))

    refused = client.post(PATIENTS, json=body, headers=person.headers)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
    assert refused.json["errors"].keys() == {"phone", "eligibility.alt_u_l", "eligibility.platelets_e9_l"}


def test_unknown_fields_and_wrong_types_are_refused_by_name(db, client):
    person = coordinator(db)
    caregiver = {"name": "Wu Mei", "phone": "+8613800138001", "relation": "sister", "may_fly": True}
    body = enrolment_body(shoe_size=43, birth_year="1961", caregivers=[caregiver], time_zone="Mars/Base")

    refused = client.post(PATIENTS, json=body, headers=person.headers)

    assert refused.status_code == 422
    assert refused.json["errors"].keys() == {"shoe_size", "birth_year", "caregivers.0.may_fly", "time_zone"}


def test_a_principal_investigator_overrides_with_a_reason(db, client):
    body = enrolment_body(eligibility=eligible(alt_u_l=210, override_reason="Falling fast."))
    person, chief = investigator(db), principal_investigator(db)

    refused = client.post(PATIENTS, json=body, headers=person.headers)
    made = client.post(PATIENTS, json=body, headers=chief.headers)

    assert (refused.status_code, made.status_code) == (422, 201)


def test_an_unknown_and_a_foreign_site_in_a_body_are_refused_alike(db, client):
    person = coordinator(db)
    coordinator(db, "site-02")

    unknown = client.post(PATIENTS, json=enrolment_body(site="site-77"), headers=person.headers)
    foreign = client.post(PATIENTS, json=enrolment_body(site="site-02"), headers=person.headers)

    assert unknown.status_code == foreign.status_code == 422
    assert unknown.json["errors"] == foreign.json["errors"] == {"site": ["There is no such site."]}


def test_another_sites_patient_and_an_unknown_one_are_the_same_nothing(db, client):
    stranger, patient = coordinator(db, "site-02"), ann(db)

    answers = [client.get(f"{PATIENTS}/{one}", headers=stranger.headers) for one in (patient.id, uuid4())]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({str({**answer.json, "request_id": ""}) for answer in answers}) == 1


def test_a_list_holds_the_sites_one_works_at_and_no_identifiers(db, client):
    ann(db), ben(db), ann(db, site="site-02")

    here = client.get(PATIENTS, headers=coordinator(db).headers)
    everywhere = client.get(PATIENTS, headers=monitor(db).headers)

    assert [one["subject_number"] for one in here.json["items"]] == ["01-0001", "01-0002"]
    assert len(everywhere.json["items"]) == 3
    assert not any(word in here.text for word in ("Ann", "Ben", "13800138", "1961"))


def test_a_list_is_filtered_and_paged(db, client):
    for _ in range(3):
        ann(db)
    ben(db)
    person = coordinator(db)

    first = client.get(f"{PATIENTS}?arm=nk&status=on_study&site=site-01&limit=2", headers=person.headers).json
    rest = client.get(f"{PATIENTS}?arm=nk&limit=2&cursor={first['next_cursor']}", headers=person.headers).json

    assert [one["subject_number"] for one in first["items"]] == ["01-0001", "01-0002"]
    assert [one["subject_number"] for one in rest["items"]] == ["01-0003"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzFd", "WyJhIiwgImIiXQ", "%00", "WyJcdWQ4MDAiXQ", "é"])
def test_a_cursor_we_never_gave_out_is_refused(db, client, cursor):
    refused = client.get(f"{PATIENTS}?cursor={cursor}", headers=coordinator(db).headers)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "status=gone", "arm=NK;", "unknown=1"])
def test_a_filter_that_cannot_be_is_refused_by_name(db, client, query):
    refused = client.get(f"{PATIENTS}?{query}", headers=coordinator(db).headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, [query.partition("=")[0]])


def test_who_cares_for_the_patient_reads_the_name_and_the_reading_is_noted(db, client):
    patient, person = ann(db), coordinator(db)

    answer = client.get(f"{PATIENTS}/{patient.id}", headers=person.headers)

    assert (answer.json["name"], answer.json["phone"]) == ("Ann Zhang", "+8613800138000")
    assert answer.json["last_known_alive"] == "2027-02-25"
    assert answer.headers["ETag"] == '"1"'
    assert readings(db) == [(str(patient.id), str(person.id))]


@pytest.mark.parametrize("role", [Role.MONITOR, Role.DATA_MANAGER])
def test_who_only_watches_reads_the_record_without_the_person(db, client, role):
    patient = ann(db)

    answer = client.get(f"{PATIENTS}/{patient.id}", headers=member(db, role, "site-01").headers)

    assert answer.status_code == 200
    assert not {"name", "phone", "email", "birth_year"} & answer.json.keys()
    assert readings(db) == []


def test_the_right_person_with_the_wrong_role_is_told_so(db, client):
    patient, watcher = ann(db), monitor(db, "site-01")

    enrolling = client.post(PATIENTS, json=enrolment_body(), headers=watcher.headers)
    code = client.post(f"{PATIENTS}/{patient.id}/activation-codes", headers=watcher.headers)
    manager = client.get(f"{PATIENTS}/{patient.id}", headers=administrator(db).headers)

    assert [enrolling.status_code, code.status_code, manager.status_code] == [403, 403, 403]


def test_a_role_counts_only_where_it_is_held(db, client):
    patient, person = ann(db), coordinator(db, "site-02")

    answer = client.post(f"{PATIENTS}/{patient.id}/activation-codes", headers=person.headers)

    assert answer.status_code == 404


def test_a_change_needs_the_version_that_was_read(db, client):
    patient, person = ann(db), coordinator(db)
    address, change = f"{PATIENTS}/{patient.id}", {"phone": "13800138009"}

    without = client.patch(address, json=change, headers=person.headers)
    tag = client.get(address, headers=person.headers).headers["ETag"]
    changed = client.patch(address, json=change, headers={**person.headers, "If-Match": tag})
    stale = client.patch(address, json={"phone": None}, headers={**person.headers, "If-Match": tag})
    nonsense = client.patch(address, json=change, headers={**person.headers, "If-Match": "yesterday's"})

    assert [without.status_code, changed.status_code, stale.status_code, nonsense.status_code] == [428, 200, 412, 412]
    assert (changed.json["phone"], changed.headers["ETag"]) == ("+8613800138009", '"2"')


def test_a_correction_of_what_the_calendar_hangs_on_says_why(db, client):
    patient, person = ann(db), coordinator(db)
    headers = {**person.headers, "If-Match": '"1"'}
    change = {"randomised_on": "2027-02-24"}

    refused = client.patch(f"{PATIENTS}/{patient.id}", json=change, headers=headers)
    corrected = client.patch(
        f"{PATIENTS}/{patient.id}", json={**change, "reason": "Read off the wrong page."}, headers=headers
    )

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["reason"])
    assert corrected.json["randomised_on"] == "2027-02-24"


@pytest.mark.parametrize("field", ["arm", "site", "subject_number", "status", "version", "died_on"])
def test_what_nobody_may_change_is_an_unknown_field(db, client, field):
    patient = ann(db)
    headers = {**coordinator(db).headers, "If-Match": '"1"'}

    refused = client.patch(f"{PATIENTS}/{patient.id}", json={field: "control"}, headers=headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, [field])


def test_a_code_comes_with_a_link_and_a_picture_that_fetch_nothing(db, client):
    patient, person = ann(db), coordinator(db)

    made = client.post(f"{PATIENTS}/{patient.id}/activation-codes", headers=person.headers)

    assert made.status_code == 201
    assert made.json.keys() == {"code", "expires_at", "link", "qr_svg"}
    assert made.json["link"].endswith(f"#activate={made.json['code']}")
    assert made.json["qr_svg"].startswith("<svg")
    assert "href" not in made.json["qr_svg"]
    assert made.json["expires_at"].startswith("2027-03-08T00:00:00+00:00")


def test_caregivers_are_named_and_listed_and_the_reading_is_noted(db, client):
    patient, person = ann(db), coordinator(db)
    son = {"name": "Zhang Wei", "phone": "138 0013 8002", "relation": "son", "may_confirm_survival": True}

    named = client.post(f"{PATIENTS}/{patient.id}/caregivers", json=son, headers=person.headers)
    listed = client.get(f"{PATIENTS}/{patient.id}/caregivers", headers=person.headers)

    assert named.status_code == 201
    assert listed.json == {"items": [named.json], "next_cursor": None}
    assert named.json["phone"] == "+8613800138002"
    assert readings(db) == [(str(patient.id), str(person.id))]


def test_a_patient_reads_and_changes_only_their_own_preferences(db, client):
    phone = phone_of(db, ann(db))

    wishes = {"language": "zh-CN", "preferred_time": "10:30", "quiet_from": None}
    changed = client.patch("/api/v1/me/preferences", json=wishes, headers=phone.headers)
    read = client.get("/api/v1/me", headers=phone.headers)
    refused = client.patch("/api/v1/me/preferences", json={"arm": "control"}, headers=phone.headers)

    assert changed.json == read.json
    assert (read.json["language"], read.json["preferred_time"]) == ("zh-CN", "10:30")
    assert read.json["calendar_url"].endswith(".ics")
    assert read.json["emergency_phone"]
    assert "arm" not in read.json
    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["arm"])


def test_nothing_of_a_refused_request_stays(db, client):
    person = coordinator(db)
    body = enrolment_body(caregivers=[{"name": "Wu Mei", "phone": "12", "relation": "sister"}])

    client.post(PATIENTS, json=body, headers=person.headers)

    assert client.get(PATIENTS, headers=person.headers).json["items"] == []


def test_of_two_changes_at_the_same_moment_one_is_kept_and_one_is_told(db, app):
    patient, person = ann(db), coordinator(db)
    headers = {**person.headers, "If-Match": '"1"'}

    def change(name: str) -> int:
        address = f"{PATIENTS}/{patient.id}"
        return app.test_client().patch(address, json={"name": name}, headers=headers).status_code

    with ThreadPoolExecutor(4) as coordinators:
        answers = sorted(coordinators.map(change, ["Ann A", "Ann B", "Ann C", "Ann D"]))

    assert answers == [200, 412, 412, 412]


def test_nobody_is_enrolled_to_be_reached_by_text_alone_without_a_number(db, client):
    body = enrolment_body(channels=["sms"], phone=None)

    refused = client.post(PATIENTS, json=body, headers=coordinator(db).headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["phone"])


def test_a_patient_without_a_number_cannot_choose_texts_alone(db, client):
    phone = phone_of(db, ann(db, phone=None, channels=("in_app",)))

    refused = client.patch("/api/v1/me/preferences", json={"channels": ["sms"]}, headers=phone.headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["channels"])


def test_several_wishes_at_once_are_all_kept_one_after_the_other(db, app):
    phone = phone_of(db, ann(db))

    def wish(language: str) -> int:
        body = {"language": language}
        return app.test_client().patch("/api/v1/me/preferences", json=body, headers=phone.headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wish, ["en", "zh-CN", "en", "zh-CN"])) == [200] * 4
