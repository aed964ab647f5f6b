"""Sites, staff and the list of tasks over HTTP."""

from uuid import uuid4

from backend.db import system
from backend.terms import WorkReason
from backend.worklist.items import open_item
from tests.people import PASSWORD, administrator, ann, coordinator, monitor, site_row

API = "/api/v1"
NEW_SITE = {
    "code": "site-04",
    "name": "Fourth Hospital",
    "time_zone": "Asia/Shanghai",
    "emergency_phone": "+86 10 1234 5678",
    "working_hours": {"opens": "08:00", "closes": "17:00"},
}


def test_an_administrator_opens_a_site_and_changes_its_numbers(db, client):
    person = administrator(db)

    made = client.post(f"{API}/sites", json=NEW_SITE, headers=person.headers)
    changed = client.patch(f"{API}/sites/site-04", json={"emergency_phone": "120"}, headers=person.headers)
    by_id = client.get(f"{API}/sites/{made.json['id']}", headers=person.headers)
    again = client.post(f"{API}/sites", json=NEW_SITE, headers=person.headers)

    assert (made.status_code, changed.status_code, again.status_code) == (201, 200, 409)
    assert by_id.json["emergency_phone"] == "120"
    assert by_id.json["working_hours"] == NEW_SITE["working_hours"]


def test_who_works_at_a_site_sees_it_and_no_other(db, client):
    person = coordinator(db)
    coordinator(db, "site-02")

    seen = client.get(f"{API}/sites", headers=person.headers)
    foreign = client.get(f"{API}/sites/site-02", headers=person.headers)
    changed = client.patch(f"{API}/sites/site-01", json={"name": "Mine"}, headers=person.headers)

    assert [site["code"] for site in seen.json["items"]] == ["site-01"]
    assert (foreign.status_code, changed.status_code) == (404, 403)


def test_an_administrator_takes_on_a_coordinator_who_then_signs_in(db, client):
    person = administrator(db)
    coordinator(db)
    newcomer = {
        "email": "new@example.org",
        "name": "New Person",
        "password": PASSWORD,
        "phone": "+8613800138003",
        "roles": [{"role": "coordinator", "site": "site-01"}, {"role": "monitor", "site": "*"}],
    }

    made = client.post(f"{API}/staff", json=newcomer, headers=person.headers)
    entered = client.post(f"{API}/auth/staff", json={"email": "new@example.org", "password": PASSWORD})

    assert made.status_code == 201
    assert entered.json["staff"]["roles"] == newcomer["roles"]
    assert made.json["id"] in {one["id"] for one in client.get(f"{API}/staff", headers=person.headers).json["items"]}


def test_the_administrator_of_one_site_hands_out_no_more_than_that(db, client):
    person = administrator(db, "site-01")
    somebody = monitor(db)
    body = {"email": "n@example.org", "name": "N", "password": PASSWORD}

    everywhere = client.post(
        f"{API}/staff", json={**body, "roles": [{"role": "monitor", "site": "*"}]}, headers=person.headers
    )
    takeover = client.patch(f"{API}/staff/{somebody.id}", json={"password": PASSWORD + "!"}, headers=person.headers)
    site = client.post(f"{API}/sites", json=NEW_SITE, headers=person.headers)

    assert (everywhere.status_code, [*everywhere.json["errors"]]) == (422, ["roles.0.site"])
    assert takeover.status_code == 404
    assert site.status_code == 403


def test_nobody_takes_over_who_is_more_than_they_manage(db, client):
    person, chief = administrator(db, "site-01"), administrator(db)
    roles = [{"role": "coordinator", "site": "site-01"}, {"role": "monitor", "site": "*"}]
    newcomer = {"email": "both@example.org", "name": "Both", "password": PASSWORD, "roles": roles}
    made = client.post(f"{API}/staff", json=newcomer, headers=chief.headers).json

    takeover = client.patch(f"{API}/staff/{made['id']}", json={"password": PASSWORD + "!"}, headers=person.headers)

    assert takeover.status_code == 403


def test_letting_somebody_go_signs_them_out(db, client):
    person, leaver = administrator(db), coordinator(db)

    gone = client.patch(f"{API}/staff/{leaver.id}", json={"active": False}, headers=person.headers)

    assert gone.json["active"] is False
    assert client.get(f"{API}/patients", headers=leaver.headers).status_code == 401


def task(db, patient, key="visit.m1:change"):
    with db.transaction(system("test")) as txn:
        return open_item(
            txn,
            reason=WorkReason.CHANGE_REQUESTED,
            key=key,
            site_id=patient.site_id,
            patient_id=patient.id,
            due_at=txn.now,
        ).id


def test_a_task_is_listed_and_closed_once(db, client):
    patient, person = ann(db), coordinator(db)
    task_id = task(db, patient)

    listed = client.get(f"{API}/worklist?site=site-01&reason=change_requested", headers=person.headers)
    closed = [
        client.post(f"{API}/worklist/{task_id}/resolutions", json={"outcome": "called"}, headers=person.headers)
        for _ in range(2)
    ]

    assert listed.json == {
        "items": [
            {
                "id": str(task_id),
                "patient": {"id": str(patient.id), "subject_number": "01-0001"},
                "site": "site-01",
                "reason": "change_requested",
                "for_role": None,
                "key": "visit.m1:change",
                "agenda_key": None,
                "due_at": "2027-03-01T00:00:00+00:00",
                "created_at": "2027-03-01T00:00:00+00:00",
                "resolved_at": None,
                "resolved_by": None,
                "last_try": None,
            }
        ],
        "next_cursor": None,
    }
    assert [answer.status_code for answer in closed] == [201, 409]
    assert client.get(f"{API}/worklist", headers=person.headers).json["items"] == []


def test_tasks_are_paged_without_loss(db, client):
    patient, person = ann(db), coordinator(db)
    wanted = {str(task(db, patient, f"task {number}")) for number in range(5)}

    seen, cursor = [], ""
    for _ in range(3):
        page = client.get(f"{API}/worklist?limit=2{cursor}", headers=person.headers).json
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"

    assert (len(seen), set(seen)) == (5, wanted)


def test_a_task_of_another_site_is_nothing_and_a_watcher_closes_none(db, client):
    task_id = task(db, ann(db))
    with db.transaction(system("test")) as txn:
        site_row(txn, "site-02")

    address, body = f"{API}/worklist/{task_id}/resolutions", {"outcome": "called"}
    foreign = client.post(address, json=body, headers=coordinator(db, "site-02").headers)
    watcher = client.post(address, json=body, headers=monitor(db).headers)
    unknown = client.post(
        f"{API}/worklist/{uuid4()}/resolutions", json=body, headers=coordinator(db, "site-02").headers
    )

    assert (foreign.status_code, watcher.status_code, unknown.status_code) == (404, 403, 404)
    assert {**foreign.json, "request_id": ""} == {**unknown.json, "request_id": ""}
