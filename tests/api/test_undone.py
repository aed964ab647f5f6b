"""What people record on the calendar and take back: who came, what began, a collection, a deviation; over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.acts import VoidedEvidence
from backend.patients.models import EvidenceOfLife
from notifications.models import Message
from tests.people import PASSWORD, Person, ann, ben, coordinator, investigator, phone_of
from tests.phone import Phone, plan_and_send

API = "/api/v1"
COLLECTION = {"number": 1, "donor_collection_on": "2027-03-01"}
CONFIRMED = {"status": "confirmed"}
DAY_1 = {"day": 1, "started_at": "2027-03-16T10:00:00+08:00"}


class Bedside:
    """Ann, her physician, and what the physician does with her calendar."""

    def __init__(self, db: Database, client: Any, clock: Any) -> None:
        self.db, self.client, self.clock = db, client, clock
        self.ann = ann(db)
        self.at = f"{API}/patients/{self.ann.id}"
        self.physician: Person = investigator(db)

    def it_is(self, moment: str) -> None:
        """Days later, sessions have ended."""
        self.clock.move_to(f"{moment}+08:00")
        self.physician = investigator(self.db)

    def post(self, path: str, body: dict[str, Any], expect: int = 201) -> Any:
        answer = self.client.post(f"{self.at}/{path}", json=body, headers=self.physician.headers)
        assert answer.status_code == expect, answer.json
        return answer.json

    def confirmed(self) -> Any:
        self.post("cycles", COLLECTION)
        return self.client.patch(f"{self.at}/cycles/1", json=CONFIRMED, headers=self.physician.headers).json["cycle"]

    def get(self, path: str) -> Any:
        answer = self.client.get(f"{API}/{path}", headers=self.physician.headers)
        return answer.json if answer.status_code == 200 else answer.status_code

    def cycles(self) -> list[Any]:
        return list(self.get(f"patients/{self.ann.id}/cycles")["items"])

    def item(self, key: str) -> Any:
        return {one["key"]: one for one in self.get(f"patients/{self.ann.id}/agenda")["items"]}[key]

    def undo(self, act_id: str, expect: int = 201) -> Any:
        said = {"of": act_id, "reason": "It was another patient.", "password": PASSWORD}
        return self.post("reversals", said, expect)

    def deviations(self) -> dict[str, bool]:
        """By kind, whether it stands."""
        return {one["kind"]: one["reversed_at"] is None for one in self.get("deviations")["items"]}

    def alive_as_of(self) -> str:
        return str(self.get(f"patients/{self.ann.id}")["last_known_alive"])


@pytest.fixture
def ward(db, client, clock) -> Bedside:
    return Bedside(db, client, clock)


def evidence(db: Database) -> tuple[int, int]:
    """(all there is, what no longer counts)"""
    with db.reading(system("test")) as txn:
        return tuple(len(txn.session.scalars(select(kind.id)).all()) for kind in (EvidenceOfLife, VoidedEvidence))


@pytest.mark.parametrize(
    ("key", "on"), [("visit.m1", "2027-03-25"), ("imaging.m0", "2027-02-26"), ("outcome.m15", "2028-05-25")]
)
def test_an_attendance_that_never_was_counts_no_more_and_stays_readable(ward, key, on):
    ward.it_is(f"{on}T12:00:00")
    before, alive = ward.item(key), ward.alive_as_of()
    came = ward.post(f"agenda/{key}/attendance", {"status": "attended", "on": on}, 200)
    known, none_void = evidence(ward.db)

    undone = ward.undo(came["attendance_id"])
    again = ward.undo(came["attendance_id"], 409)

    assert (came["state"], came["completed_at"] is not None) == ("completed", True)
    assert ward.item(key) == before
    assert (ward.alive_as_of(), none_void, evidence(ward.db)) == (alive, 0, (known, 1))
    assert (undone["reversal"]["of_type"], again["code"]) == ("attendance", "no_longer_possible")
    [told] = ward.get(f"patients/{ward.ann.id}/reversals")["items"]
    assert (told["content"]["key"], told["content"]["kind"], told["content"]["on"]) == (key, "attended", on)
    assert (told["reason"], told["content_hash"]) == ("It was another patient.", undone["reversal"]["content_hash"])


def test_a_survival_check_that_rested_on_a_visit_that_never_was_is_asked_again(ward):
    ward.it_is("2027-05-25T12:00:00")
    came = ward.post("agenda/visit.m3/attendance", {"status": "attended", "on": "2027-05-25"}, 200)
    closed = ward.item("survival.m3")["state"]

    ward.undo(came["attendance_id"])

    assert (closed, ward.item("survival.m3")["state"]) == ("completed", "open")


def test_a_miss_taken_back_leaves_what_was_said_before_it(ward):
    ward.it_is("2027-03-25T12:00:00")
    ward.post("agenda/visit.m1/attendance", {"status": "attended", "on": "2027-03-24"}, 200)
    missed = ward.post("agenda/visit.m1/attendance", {"status": "missed", "on": "2027-03-25"}, 200)

    ward.undo(missed["attendance_id"])

    assert (missed["state"], ward.item("visit.m1")["state"]) == ("expired", "completed")
    assert ward.item("visit.m1")["attendance_id"] not in (None, missed["attendance_id"])


def test_a_second_day_missed_by_mistake_takes_its_deviation_with_it(ward):
    ward.confirmed()
    ward.it_is("2027-03-17T15:00:00")
    ward.post("cycles/1/infusions", DAY_1)
    missed = ward.post("agenda/cycle-1.day-2/attendance", {"status": "missed", "on": "2027-03-17"}, 200)
    as_missed = (ward.item("cycle-1.day-2")["state"], ward.deviations())

    ward.undo(missed["attendance_id"])
    given = ward.post("cycles/1/infusions", {"day": 2, "started_at": "2027-03-17T10:00:00+08:00"})

    assert as_missed == ("expired", {"day_2_missed": True})
    assert ward.deviations() == {"day_2_missed": False}
    assert (given["cycle"]["day_2_missed_at"], ward.item("cycle-1.day-2")["state"]) == (None, "completed")


def test_of_what_has_begun_the_last_goes_first_and_each_says_what_stands_in_its_way(ward):
    ward.confirmed()
    ward.it_is("2027-03-20T08:00:00")
    first = ward.post("cycles/1/infusions", {"day": 1, "started_at": "2027-03-17T10:00:00+08:00"})["cycle"]
    both = ward.post("cycles/1/infusions", {"day": 2, "started_at": "2027-03-19T10:00:00+08:00"})["cycle"]
    alive = ward.alive_as_of()

    kept = [ward.undo(act, 409)["detail"] for act in (first["id"], first["day_1_start_id"])]
    ward.undo(both["day_2_start_id"])
    second_gone = ward.cycles()[0]
    ward.undo(first["day_1_start_id"])
    none_left = ward.cycles()[0]

    assert all("The start of day 2 is recorded (cycle-1.day-2)" in said for said in kept)
    assert (second_gone["day_2_started_at"], second_gone["day_2_on"]) == (None, "2027-03-18")
    assert (none_left["day_1_on"], none_left["day_2_on"]) == ("2027-03-16", "2027-03-17")
    assert (none_left["day_1_started_at"], none_left["day_1_start_id"], none_left["status"]) == (
        None,
        None,
        "confirmed",
    )
    assert (alive, ward.alive_as_of()) == ("2027-03-19", "2027-02-25")
    assert ward.deviations() == {"day_2_moved": False}
    told = ward.get(f"patients/{ward.ann.id}/reversals")["items"]
    assert {(one["of_type"], one["content"]["day"]) for one in told} == {("infusion_start", 1), ("infusion_start", 2)}


def test_a_start_that_was_taken_back_is_entered_and_taken_back_again(ward):
    ward.confirmed()
    ward.it_is("2027-03-16T15:00:00")

    for _ in range(2):
        start = ward.post("cycles/1/infusions", DAY_1)["cycle"]["day_1_start_id"]
        ward.undo(start)
        assert ward.undo(start, 409)["detail"] == "This was reversed before."

    assert (ward.item("cycle-1.day-1")["state"], evidence(ward.db)[1]) == ("confirmed", 2)


def test_a_day_the_patient_knows_of_is_not_announced_again_when_a_start_is_taken_back(ward, work):
    phone = Phone(work, "+8613800138000")
    ward.confirmed()
    plan_and_send(work)
    ward.it_is("2027-03-14T10:00:00")
    ward.post("cycles/1/infusions", {"day": 1, "started_at": "2027-03-14T09:00:00+08:00"})
    heard = len(phone.received)

    with ward.db.reading(system("test")) as txn:
        said_before = set(txn.session.scalars(select(Message.key).where(Message.agenda_key == "cycle-1.day-1")))
    ward.undo(ward.cycles()[0]["day_1_start_id"])

    assert heard > 0
    with ward.db.reading(system("test")) as txn:
        now = set(txn.session.scalars(select(Message.key).where(Message.agenda_key == "cycle-1.day-1")))
    assert not [key for key in now - said_before if ":confirmed" in key]


@pytest.mark.parametrize("reached", ["planned", "confirmed", "release_failed"])
def test_a_collection_that_never_was_keeps_its_keys_and_the_next_one_has_its_own(ward, reached):
    made = ward.post("cycles", COLLECTION)["cycle"]
    for status in ("confirmed", "release_failed") if reached == "release_failed" else (reached,):
        if status != "planned":
            ward.client.patch(f"{ward.at}/cycles/1", json={"status": status}, headers=ward.physician.headers)

    diff = ward.undo(made["id"])["diff"]
    gone = ward.get(f"patients/{ward.ann.id}/cycles/1")
    following = ward.post("cycles", COLLECTION | {"donor_collection_on": "2027-03-02"})

    assert (gone, ward.item("cycle-1.day-1")["state"]) == (404, "cancelled")
    assert ("cycle-1.day-1" in diff["cancelled"]) == (reached != "release_failed")
    assert (following["cycle"]["attempt"], following["cycle"]["reversed_at"]) == (2, None)
    assert {"cycle-1.2.day-1", "cycle-1.2.day-2"} <= set(following["diff"]["added"])
    first, second = ward.cycles()
    assert (first["id"], first["reversed_by"], first["status"]) == (made["id"], str(ward.physician.id), reached)
    assert second["id"] == following["cycle"]["id"]


def test_a_patient_who_was_told_of_a_mistaken_collection_is_told_that_it_is_off(ward, work):
    phone = Phone(work, "+8613800138000")
    made = ward.confirmed()
    plan_and_send(work)

    ward.undo(made["id"])
    plan_and_send(work)

    assert len(phone.received) == 2
    with ward.db.reading(system("test")) as txn:
        waiting = txn.session.scalars(select(Message.key).where(Message.status == "queued")).all()
    assert not [key for key in waiting if key.startswith("cycle-")]


def test_a_mistaken_collection_goes_though_the_attempt_after_it_stands(ward):
    made = ward.confirmed()
    ward.client.patch(f"{ward.at}/cycles/1", json={"status": "release_failed"}, headers=ward.physician.headers)
    following = ward.post("cycles", COLLECTION | {"donor_collection_on": "2027-03-02"})["cycle"]

    ward.undo(made["id"])

    assert ward.get(f"patients/{ward.ann.id}/cycles/1")["id"] == following["id"]


def test_a_deviation_entered_by_mistake_stays_on_the_list_as_one(ward):
    said = {"patient": str(ward.ann.id), "kind": "dose_changed", "occurred_on": "2027-02-28", "subject": "drug"}
    said |= {"important": True, "reason": "Half the dose for a week."}
    made = ward.client.post(f"{API}/deviations", json=said, headers=ward.physician.headers).json

    ward.undo(made["id"])

    [listed] = ward.get("deviations")["items"]
    assert (listed["id"], listed["reversed_by"]) == (made["id"], str(ward.physician.id))
    assert ward.undo(made["id"], 409)["detail"] == "This was reversed before."


def test_what_an_act_recorded_goes_with_the_act_alone(ward):
    ward.confirmed()
    ward.it_is("2027-03-20T08:00:00")
    ward.post("cycles/1/infusions", DAY_1)
    ward.post("cycles/1/infusions", {"day": 2, "started_at": "2027-03-19T10:00:00+08:00"})
    [moved] = ward.get("deviations")["items"]

    assert "goes when that act is reversed" in ward.undo(moved["id"], 409)["detail"]
    assert ward.deviations() == {"day_2_moved": True}


def test_nothing_of_another_patients_and_no_reply_is_reversed_and_no_reversal_either(ward, client, db):
    made = ward.confirmed()
    phone = phone_of(db, ward.ann)
    client.post(f"{API}/me/agenda/cycle-1.day-1/reply", json={"reply": "coming"}, headers=phone.headers)
    address = f"{API}/patients/{ben(db).id}/reversals"
    said = {"of": made["id"], "reason": "His.", "password": PASSWORD}

    his = client.post(address, json=said, headers=ward.physician.headers)
    nobodys = ward.undo(str(uuid4()), 404)
    signed = ward.undo(made["id"])["reversal"]

    assert (his.status_code, nobodys["code"]) == (404, "not_found")
    assert "A reversal is not reversed" in ward.undo(signed["id"], 409)["detail"]


def test_only_a_physician_signs_and_everything_leaves_its_trace(ward, client, db):
    ward.it_is("2027-03-25T12:00:00")
    nurse = coordinator(db)
    came = ward.post("agenda/visit.m1/attendance", {"status": "attended", "on": "2027-03-25"}, 200)
    said = {"of": came["attendance_id"], "reason": "It was another patient.", "password": PASSWORD}

    refused = client.post(f"{ward.at}/reversals", json=said, headers=nurse.headers)
    ward.undo(came["attendance_id"])

    assert refused.status_code == 403
    with db.reading(system("test")) as txn:
        entries = select(AuditEvent).where(AuditEvent.actor_id == ward.physician.id)
        trail = {entry.verb: entry.record_type for entry in txn.session.scalars(entries)}
        said_anywhere = [entry for entry in txn.session.scalars(entries) if "another patient" in str(vars(entry))]
    assert trail["reversal.signed"] == "reversal"
    assert trail["attendance.reversed"] == "agenda_fact"
    assert trail["evidence_of_life.voided"] == "voided_evidence"
    assert said_anywhere == []
