"""Of whoever has left the study nobody is telephoned: records are searched where that was allowed, not elsewhere."""

from typing import Any
from uuid import UUID

import pytest

from backend.db import Database, system
from backend.fsck import check
from backend.fsck.survival import INVARIANTS
from backend.jobs import Work
from backend.sealing import unseal
from backend.worklist.models import WorkItem
from tests.conftest import Clock
from tests.databases import KINDS
from tests.people import PASSWORD, ben
from tests.survival.test_contact_attempts import Desk


@pytest.fixture
def desk(db: Database, client: Any) -> Desk:
    """Ben, randomised on 25 February 2027; his first survival check is due on 25 May."""
    return Desk(db, client, ben(db))


def leave(desk: Desk, *, allowed: bool | None) -> str:
    """Ben leaves the study; the withdrawal's id."""
    body = {"from": "study", "reason": "Tired.", "on": "2027-03-01", "records_search_allowed": allowed}
    answer = desk.client.post(f"{desk.of_patient}/withdrawals", json=body, headers=desk.person.headers)
    assert answer.status_code == 201, answer.json
    return str(answer.json["withdrawal"]["id"])


def day_of_the_call(desk: Desk, clock: Clock, work: Work, day: str = "2027-06-02") -> list[Any]:
    clock.move_to(f"{day}T10:00:00+08:00")
    desk.sign_in()
    work.call()
    return desk.calls()


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_who_allowed_it_is_looked_for_in_records_at_each_check_and_nobody_is_telephoned(desk, clock, work) -> None:
    leave(desk, allowed=True)
    assert work.call().get("calls_opened", 0) == 0
    (task,) = day_of_the_call(desk, clock, work)

    assert (task["reason"], task["key"]) == ("search_records", "search-records:survival.m3@2027-05-25")
    call = task["follow_up"]
    assert (call["next_step"], call["numbers"], call["messages"]) == ("search_records", [], 0)
    assert "survival.m3" in call["why"]
    assert "left the study" in call["why"]
    assert desk.tried("no_answer", work_item=task["id"], status=409)["code"] == "no_longer_possible"
    for source in ("patient", "phone", "visit", "caregiver", "physician"):
        # One rule for both doors.
        body = {"status": "alive", "as_of": "2027-05-30", "source": source}
        refused = desk.client.post(f"{desk.of_patient}/survival-statuses", json=body, headers=desk.person.headers)
        assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible"), source
    found = {"channel": "registry", "key": "survival.m3", "work_item": task["id"]}
    desk.tried("reached_no_information", "registry", **found)
    assert desk.calls() == []
    # Three months on the next check asks again, and what a registry knows answers both.
    (following,) = day_of_the_call(desk, clock, work, "2027-09-02")
    assert following["key"] == "search-records:survival.m6@2027-08-25"
    record = f"/patients/{desk.patient.id}"
    assert (desk.read(record)["survival_status"], desk.read(record)["disposition"]) == ("unknown", "withdrawn")
    desk.tried("alive", "registry", channel="registry", as_of="2027-08-30", work_item=following["id"])
    assert desk.read(record)["survival_status"] == "alive"
    assert desk.calls() == day_of_the_call(desk, clock, work, "2027-09-03") == []
    assert all(one.holds for one in check(desk.db, INVARIANTS))


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
@pytest.mark.parametrize("allowed", [False, None])
def test_who_did_not_allow_it_is_looked_for_nowhere(desk, clock, work, allowed) -> None:
    # Somebody is to find out how he is, until he leaves.
    unknown = {"status": "unknown", "as_of": "2027-03-01", "source": "phone"}
    statuses = f"{desk.of_patient}/survival-statuses"
    assert desk.client.post(statuses, json=unknown, headers=desk.person.headers).status_code == 201
    assert len(desk.calls()) == 1
    leave(desk, allowed=allowed)

    assert day_of_the_call(desk, clock, work) == []
    for person in ("registry", "record"):
        known = {"channel": person, "as_of": "2027-05-30"}
        assert desk.tried("alive", person, status=409, **known)["code"] == "no_longer_possible"
    for status, source in (("alive", "registry"), ("alive", "phone"), ("unknown", "record"), ("unknown", "phone")):
        body = {"status": status, "as_of": "2027-05-30", "source": source}
        refused = desk.client.post(statuses, json=body, headers=desk.person.headers)
        assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")
    assert desk.read(f"/patients/{desk.patient.id}")["last_known_alive"] == "2027-02-25"


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_a_withdrawal_that_never_was_turns_the_search_into_a_call_again(desk, clock, work) -> None:
    mistake = leave(desk, allowed=True)
    assert len(day_of_the_call(desk, clock, work)) == 1
    body = {"of": mistake, "reason": "Another patient's.", "password": PASSWORD}
    undone = desk.client.post(f"{desk.of_patient}/reversals", json=body, headers=desk.physician.headers)
    assert undone.status_code == 201, undone.json
    work.call()

    assert [one["reason"] for one in desk.calls()] == ["survival_check_unanswered"]
    (closed,) = desk.read("/worklist?status=resolved&reason=search_records")["items"]
    assert closed["resolved_by"] is None
    with desk.db.reading(system("test")) as txn:
        task = txn.session.get_one(WorkItem, UUID(closed["id"]))
        assert unseal(txn, task, "outcome_sealed") == "no longer needed"
