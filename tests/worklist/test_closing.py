"""Closing a task, keeping a call that reached nobody, and putting back what was closed by mistake, over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.models import Patient
from backend.survival import deaths
from backend.terms import WorkReason
from backend.worklist.items import CALLS, CLOSED_BY_SPEAKING, CLOSED_BY_THE_ACT, open_item, resolve
from backend.worklist.models import WorkItem
from tests import people, sent

API = "/api/v1"
TEST = system("test")


def a_task(db: Database, patient: Patient, reason: WorkReason = WorkReason.CHANGE_REQUESTED, key: str = "one") -> str:
    with db.transaction(TEST) as txn:
        made = open_item(txn, reason=reason, key=key, site_id=patient.site_id, patient_id=patient.id, due_at=txn.now)
        assert made is not None
        return str(made.id)


def close(client: Any, task: str, who: people.Person, outcome: str = "done") -> Any:
    return client.post(f"{API}/worklist/{task}/resolutions", json={"outcome": outcome}, headers=who.headers)


def reopen(client: Any, task: str, who: people.Person) -> Any:
    body = {"reason": "The wrong patient was called."}
    return client.post(f"{API}/worklist/{task}/reopenings", json=body, headers=who.headers)


def listed(client: Any, who: people.Person, query: str = "") -> list[str]:
    return [task["id"] for task in client.get(f"{API}/worklist?{query}", headers=who.headers).json["items"]]


def verbs(db: Database, task: str) -> list[str]:
    with db.reading(TEST) as txn:
        traces = select(AuditEvent.verb).where(AuditEvent.record_id == task).order_by(AuditEvent.at, AuditEvent.id)
        return list(dict.fromkeys(txn.session.scalars(traces)))


@pytest.mark.parametrize("reason", sorted(CALLS - CLOSED_BY_THE_ACT.keys()))
def test_a_call_that_reached_nobody_stays_on_the_list_and_says_so(db, client, reason):
    patient, person = people.ann(db), people.coordinator(db)
    task = a_task(db, patient, reason)

    for outcome in ("no_answer", "left_message", "wrong_number"):
        tried = close(client, task, person, outcome)
        assert (tried.status_code, tried.json["resolved_at"], tried.json["last_try"]) == (201, None, outcome)

    assert listed(client, person) == [task]
    spoken = close(client, task, person, "spoke_to_patient")
    assert (spoken.status_code, spoken.json["resolved_by"], spoken.json["last_try"]) == (201, str(person.id), None)
    assert listed(client, person) == []
    assert set(verbs(db, task)) == {"work_item.opened", "work_item.tried", "work_item.resolved"}


@pytest.mark.parametrize("reason", sorted(CLOSED_BY_SPEAKING))
def test_only_having_spoken_to_the_patient_closes_a_call_about_a_moved_date(db, client, reason):
    patient, person = people.ann(db), people.coordinator(db)
    task = a_task(db, patient, reason)

    refused = close(client, task, person, "sent a text")

    assert refused.status_code == 422
    assert "spoke_to_patient" in refused.json["errors"]["outcome"][0]
    assert listed(client, person) == [task]


def test_a_task_that_is_no_call_closes_with_any_words(db, client):
    person = people.coordinator(db)
    task = a_task(db, people.ann(db))

    assert close(client, task, person, "no_answer").json["resolved_at"] is not None


def test_the_second_to_close_a_task_hears_when_it_was_closed_and_by_whom(db, client):
    patient, first, second = people.ann(db), people.coordinator(db), people.investigator(db)
    task = a_task(db, patient)
    closed = close(client, task, first)

    refused = close(client, task, second)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")
    assert refused.json["by"] == closed.json["resolved_by"] == str(first.id)
    assert refused.json["at"] == closed.json["resolved_at"]


def test_what_was_closed_by_mistake_is_put_back_due_as_it_was(db, client, clock):
    patient, person = people.ann(db), people.coordinator(db)
    task = a_task(db, patient)
    due = close(client, task, person).json["due_at"]
    clock.move_to("2027-03-01T08:20:00+08:00")

    again = reopen(client, task, people.investigator(db))

    assert (again.status_code, again.json["resolved_at"], again.json["resolved_by"]) == (201, None, None)
    assert again.json["due_at"] == due
    assert listed(client, person) == [task]
    assert reopen(client, task, person).status_code == 409
    assert close(client, task, person).status_code == 201
    assert "work_item.reopened" in verbs(db, task)


def test_what_closed_by_itself_is_not_put_back(db, client):
    patient, person = people.ann(db), people.coordinator(db)
    task = a_task(db, patient)
    with db.transaction(TEST) as txn:
        resolve(txn, txn.session.get_one(WorkItem, UUID(task)), "answered")

    refused = reopen(client, task, person)

    assert refused.status_code == 409
    assert listed(client, person, "status=resolved") == [task]


def test_a_decided_report_of_death_is_not_put_back_and_silence_kept_by_mistake_is(db, client):
    patient, reporter, decider = people.ann(db), people.coordinator(db), people.investigator(db)
    of_ann = f"{API}/patients/{patient.id}"
    told = client.post(f"{of_ann}/death-reports", json=sent.death_body(), headers=reporter.headers).json
    denial = {"reason": "It was her neighbour."}
    client.post(f"{API}/death-reports/{told['id']}/denials", json=denial, headers=decider.headers)
    (decided,) = listed(client, reporter, "status=resolved&reason=death_reported")
    (asked,) = listed(client, reporter, "reason=resume_contact")

    assert reopen(client, decided, decider).status_code == 409
    close(client, asked, reporter, deaths.KEEP_SILENT)
    assert reopen(client, asked, reporter).status_code == 201
    close(client, asked, reporter, deaths.RESUME)
    assert reopen(client, asked, reporter).status_code == 409


def test_open_resolved_or_all_can_be_asked_for_page_by_page(db, client):
    patient, person = people.ann(db), people.coordinator(db)
    made = [a_task(db, patient, key=f"task {number}") for number in range(5)]
    for task in made[:3]:
        close(client, task, person)

    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{API}/worklist?status=all&limit=2{cursor}", headers=person.headers).json
        seen += [task["id"] for task in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None

    assert (len(seen), set(seen)) == (5, set(made))
    assert set(listed(client, person, "status=resolved")) == set(made[:3])
    assert set(listed(client, person)) == set(made[3:])
    assert client.get(f"{API}/worklist?status=closed", headers=person.headers).status_code == 422


def test_nobody_puts_back_a_task_of_another_site_and_a_watcher_none(db, client):
    person = people.coordinator(db)
    task = a_task(db, people.ann(db))
    close(client, task, person)
    with db.transaction(TEST) as txn:
        people.site_row(txn, "site-02")
    stranger = people.coordinator(db, "site-02")

    answers = [
        reopen(client, task, stranger),
        reopen(client, str(uuid4()), stranger),
        reopen(client, task, people.monitor(db)),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 403]
    assert listed(client, stranger, "status=all") == []
