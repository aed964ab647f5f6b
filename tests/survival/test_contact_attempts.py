"""The call list and what a call brings, in one request: evidence, a task closed, a number stopped, a death reported."""

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.fsck import check
from backend.fsck.survival import INVARIANTS
from backend.patients.models import ContactHold, EvidenceOfLife
from notifications import numbers
from tests.databases import KINDS
from tests.people import BENS_PHONE, ann, ben, coordinator, investigator, monitor
from tests.phone import plan_and_send
from tests.sent import staff_report_body

API = "/api/v1"


class Desk:
    """A coordinator at the telephone, about one patient."""

    def __init__(self, db: Database, client: Any, patient: Any) -> None:
        self.db, self.client, self.patient = db, client, patient
        self.sign_in()
        self.of_patient = f"{API}/patients/{patient.id}"

    def sign_in(self) -> None:
        """Nobody stays signed in for days."""
        self.person, self.physician = coordinator(self.db), investigator(self.db)

    def tried(self, outcome: str, person: str = "patient", status: int = 201, **more: Any) -> Any:
        """Record an attempt by telephone; the answer's body."""
        body = {"channel": "phone", "person": person, "outcome": outcome, **more}
        answer = self.client.post(f"{self.of_patient}/contact-attempts", json=body, headers=self.person.headers)
        assert answer.status_code == status, answer.json
        return answer.json

    def refused(self, field: str, status: int = 422, **said: Any) -> None:
        """Which field is complained about."""
        assert list(self.tried(**said, status=status)["errors"]) == [field]

    def read(self, path: str, who: Any = None) -> Any:
        """What stands there."""
        return self.client.get(f"{API}{path}", headers=(who or self.person).headers).json

    def calls(self, who: Any = None) -> list[Any]:
        """The tasks of the call list."""
        return [one for one in self.read("/survival/worklist", who)["items"] if one["follow_up"]]


@pytest.fixture
def desk(db: Database, client, clock, work) -> Desk:
    """Ben has not answered the first survival check, and somebody is to telephone."""
    patient = ben(db)
    for day in ("2027-05-25", "2027-05-28", "2027-05-30", "2027-06-02"):
        clock.move_to(f"{day}T09:05:00+08:00")
        plan_and_send(work)
    clock.move_to("2027-06-02T10:00:00+08:00")
    work.call()
    return Desk(db, client, patient)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_the_call_list_says_who_to_phone_and_one_request_settles_it(desk: Desk, clock) -> None:
    task = desk.calls()[0]
    call = task["follow_up"]
    assert (call["next_step"], call["attempts"], call["last_outcome"]) == ("call_patient", 0, None)
    assert "survival.m3" in call["why"]
    assert [(one["person"], one["phone"]) for one in call["numbers"]] == [
        ("patient", BENS_PHONE),
        ("caregiver", BENS_PHONE),
    ]
    assert call["messages"] >= 2
    assert "numbers" not in desk.calls(monitor(desk.db))[0]["follow_up"]
    for day in ("2027-06-03", "2027-06-04", "2027-06-05"):
        clock.move_to(f"{day}T10:00:00+08:00")
        desk.sign_in()
        desk.tried("no_answer", key="survival.m3", work_item=task["id"])
    after = desk.calls()[0]
    assert (after["last_try"], after["follow_up"]["attempts"]) == ("no_answer", 3)
    assert after["follow_up"]["next_step"] == "call_caregiver"

    made = desk.tried("alive", "caregiver", relation="sister", as_of="2027-06-01", work_item=task["id"])

    assert (made["level"], made["last_known_alive"]) == ("proxy", "2027-06-01")
    assert desk.calls() == []
    items = desk.read(f"/patients/{desk.patient.id}/agenda")["items"]
    assert {one["key"]: one["state"] for one in items}["survival.m3"] == "completed"
    with desk.db.reading(system("test")) as txn:
        evidence = txn.session.scalars(select(EvidenceOfLife).where(EvidenceOfLife.source == "caregiver")).one()
        assert evidence.reference == f"contact-attempt:{made['id']}"
        assert [found.holds for found in check(desk.db, INVARIANTS)] == [True] * len(INVARIANTS)


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_all_that_was_tried_stands_in_one_list_and_words_are_for_who_may_read_them(desk: Desk, clock) -> None:
    tried = f"/patients/{desk.patient.id}/contact-attempts"
    desk.tried("no_answer", note="rang out", tried_at="2027-06-01T10:00:00+08:00")
    unknown = {"status": "unknown", "as_of": "2027-06-02", "source": "physician", "note": "has moved"}
    statuses = f"{desk.of_patient}/survival-statuses"
    assert desk.client.post(statuses, json=unknown, headers=desk.person.headers).status_code == 201
    assert len(desk.calls()) == 2
    listed = desk.read(tried)["items"]

    assert [(one["person"], one["note"]) for one in listed if one["kind"] == "contact"] == [
        ("physician", "has moved"),
        ("patient", "rang out"),
    ]
    assert {one["outcome"] for one in listed if one["kind"] == "message"} <= {"sent", "delivered"}
    assert not any("note" in one or "name" in one for one in desk.read(tried, monitor(desk.db))["items"])
    desk.tried("alive", as_of="2027-06-02")
    assert desk.calls() == []
    with desk.db.reading(system("test")) as txn:
        read = select(func.count(AuditEvent.id)).where(AuditEvent.verb == "patient.identifiers_read")
        assert (txn.session.scalar(read) or 0) >= 2
    with pytest.raises(IntegrityError, match="append-only"), desk.db.transaction(system("vandal")) as txn:
        txn.session.execute(text("DELETE FROM contact_attempt"))


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_bad_input_names_its_field_and_keeps_nothing(desk: Desk) -> None:
    desk.refused("as_of", outcome="alive", as_of="2027-06-03")
    desk.refused("as_of", outcome="alive", as_of="2027-02-19")
    desk.refused("as_of", outcome="alive", as_of="2027-05")
    desk.refused("as_of", outcome="alive", person="caregiver")
    desk.refused("as_of", outcome="died", as_of="2027-07")
    desk.refused("person", outcome="alive", person="A neighbour", as_of="2027-06-01")
    desk.refused("tried_at", outcome="no_answer", tried_at="2027-06-03T10:00:00+08:00")
    desk.refused("key", outcome="no_answer", key="visit.m3")
    desk.refused("work_item", outcome="no_answer", work_item=str(desk.patient.id))
    desk.refused("caregiver_id", outcome="no_answer", person="caregiver", caregiver_id=str(desk.patient.id))
    others = Desk(desk.db, desk.client, ann(desk.db, phone="+8613800138055"))
    others.refused("person", outcome="alive", person="caregiver", as_of="2027-06-01")

    assert desk.read(f"/patients/{desk.patient.id}/contact-attempts")["items"][0]["kind"] == "message"


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_a_wrong_number_is_written_to_no_more_and_a_refusal_is_for_an_investigator(desk: Desk) -> None:
    desk.tried("wrong_number")
    desk.tried("refused", "caregiver")

    open_now = {one["reason"]: one for one in desk.read("/worklist")["items"]}
    assert open_now["contact_refused"]["for_role"] == "investigator"
    assert open_now["survival_check_unanswered"]["resolved_at"] is None
    assert [one["is_right"] for one in desk.calls()[0]["follow_up"]["numbers"]] == [False, False]
    with desk.db.reading(system("test")) as txn:
        stop = numbers.standing(txn, BENS_PHONE)
        assert stop is not None
        assert open_now["check_the_phone"]["key"] == f"check-phone:{stop.id}"


def test_a_death_told_on_the_telephone_pauses_contact_and_nobody_lives_after_its_approval(desk: Desk) -> None:
    desk.tried("died", "Wu Mei", relation="sister", as_of="2027-05")
    desk.client.post(
        f"{desk.of_patient}/death-reports",
        json={"died_on": "2027-04", "informant": "The village doctor"},
        headers=desk.person.headers,
    )

    with desk.db.reading(system("test")) as txn:
        assert txn.session.scalars(select(ContactHold.reason)).all() == ["death_reported"]
    reports = desk.read(f"/patients/{desk.patient.id}/death-reports")["items"]
    told = next(one for one in reports if one["died_on"] == "2027-05")
    assert told["informant"] == "Wu Mei"
    assert [len(one["disagrees_with"]) for one in reports] == [1, 1]
    approvals = f"{API}/death-reports/{told['id']}/approvals"
    assert desk.client.post(approvals, json={}, headers=desk.physician.headers).status_code == 201
    desk.refused("as_of", 409, outcome="alive", as_of="2027-06-01")


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_lost_to_follow_up_needs_every_step_and_later_evidence_ends_it(desk: Desk, clock) -> None:
    finding = {"disposition": "lost_to_follow_up", "reason": "Nobody can be found."}
    dispositions = f"{desk.of_patient}/dispositions"
    by = desk.physician.headers
    too_early = desk.client.post(dispositions, json=finding, headers=by)
    assert (too_early.status_code, too_early.json["code"]) == (409, "not_lost_to_follow_up")
    assert too_early.json["missing"]
    clock.move_to("2029-08-01T10:00:00+08:00")
    desk.sign_in()
    by = desk.physician.headers
    for month in ("2027-07", "2029-07"):
        for day, person in enumerate(["patient"] * 3 + ["Wu Mei", "Old Li", "physician"], 1):
            desk.tried("no_answer", person, tried_at=f"{month}-{day:02}T10:00:00+08:00")
    assert desk.client.post(dispositions, json=finding, headers=desk.person.headers).status_code == 403

    made = desk.client.post(dispositions, json=finding, headers=by)

    assert (made.status_code, made.json["stands"]) == (201, True)
    record = f"/patients/{desk.patient.id}"
    assert (desk.read(record)["disposition"], desk.read(record)["status"]) == ("lost_to_follow_up", "on_study")
    assert desk.client.post(dispositions, json=finding, headers=by).status_code == 409
    ended = desk.client.post(f"{desk.of_patient}/disposition-endings", json={"reason": "Too soon."}, headers=by)
    assert (ended.status_code, desk.read(record)["disposition"]) == (201, None)
    assert desk.client.post(dispositions, json=finding, headers=by).status_code == 201
    desk.tried("alive", "registry", channel="registry", as_of="2028-01-31")
    assert desk.read(record)["disposition"] is None


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_after_a_withdrawal_only_records_are_asked_and_only_where_that_was_allowed(desk: Desk) -> None:
    left = {"from": "study", "reason": "Tired.", "on": "2027-06-02", "records_search_allowed": True}
    answer = desk.client.post(f"{desk.of_patient}/withdrawals", json=left, headers=desk.person.headers)
    assert answer.status_code == 201, answer.json

    assert desk.tried("no_answer", status=409)["code"] == "no_longer_possible"
    desk.tried("alive", "registry", channel="registry", as_of="2027-06-01")
    assert desk.read(f"/patients/{desk.patient.id}")["disposition"] == "withdrawn"


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
@pytest.mark.parametrize("day", ["2027-06-01", "2027-06-02"])
def test_whatever_shows_a_life_closes_the_task_to_find_out_and_nothing_earlier_does(
    desk: Desk, clock, work, day: str
) -> None:
    unknown = {"status": "unknown", "as_of": "2027-06-02", "source": "caregiver"}
    asked = desk.client.post(f"{desk.of_patient}/survival-statuses", json=unknown, headers=desk.person.headers)
    work.call()
    assert asked.status_code == 201
    assert "survival-unknown@2027-06-02" in [one["key"] for one in desk.calls()]

    spoken = f"{day}T09:50:00+08:00"
    report = staff_report_body(started_at=spoken, completed_at=spoken)
    desk.client.post(f"{desk.of_patient}/reports", json=report, headers=desk.person.headers)
    work.call()

    asks = [one["key"] for one in desk.calls()]
    assert ("survival-unknown@2027-06-02" in asks) is (day == "2027-06-01")


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_imaging_closes_the_task_to_find_out(desk: Desk, clock, work) -> None:
    unknown = {"status": "unknown", "as_of": "2027-05-20", "source": "physician"}
    desk.client.post(f"{desk.of_patient}/survival-statuses", json=unknown, headers=desk.person.headers)
    seen = {"assessed_on": "2027-06-01", "response": "SD"}

    desk.client.post(f"{desk.of_patient}/tumour-assessments", json=seen, headers=desk.person.headers)
    work.call()

    assert desk.calls() == []
