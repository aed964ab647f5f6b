"""Once a death is told of nobody telephones the family; what is learnt beside it is neither lost nor guessed."""

from typing import Any

import pytest

from backend.db import Database, system
from backend.fsck import check
from backend.fsck.survival import INVARIANTS
from backend.jobs import Work
from backend.patients.caregivers import CaregiverForm
from notifications import numbers
from tests.conftest import Clock
from tests.people import BENS_PHONE, PASSWORD, ann, ben, investigator, phone_of
from tests.phone import Phone, plan_and_send
from tests.sent import death_body
from tests.survival.test_contact_attempts import Desk

API = "/api/v1"
CONFIRMED = f"{API}/me/survival-confirmations"
UNKNOWN = {"status": "unknown", "as_of": "2027-06-02", "source": "caregiver"}
SONS_PHONES = ("+8613800138061", "+8613800138062")


@pytest.fixture
def patient(db: Database) -> Any:
    return ben(db)


@pytest.fixture
def desk(db: Database, client: Any, clock: Clock, work: Work, patient: Any) -> Desk:
    """Ben has not answered the first survival check, and a sister did not know either: two calls."""
    for day in ("2027-05-25", "2027-06-02"):
        clock.move_to(f"{day}T09:05:00+08:00")
        plan_and_send(work)
    clock.move_to("2027-06-02T10:00:00+08:00")
    work.call()
    made = Desk(db, client, patient)
    post(made, "/survival-statuses", UNKNOWN)
    assert len(made.calls()) == 2
    return made


def post(desk: Desk, path: str, body: Any, who: Any = None, expect: int = 201) -> Any:
    whole = path if path.startswith(API) else f"{desk.of_patient}{path}"
    answer = desk.client.post(whole, json=body, headers=(who or desk.person).headers)
    assert answer.status_code == expect, answer.text
    return answer.json


def on_the_list(desk: Desk) -> list[str]:
    """What still stands on the call list, with nobody to telephone."""
    items = desk.read("/survival/worklist")["items"]
    assert not any(one["follow_up"] for one in items)
    return sorted(one["reason"] for one in items)


def tell_at_the_door(desk: Desk, work: Work) -> None:
    post(desk, "/death-reports", death_body(died_on="2027-06-01"))


def tell_on_the_telephone(desk: Desk, work: Work) -> None:
    task = next(one for one in desk.calls() if one["key"].startswith("survival-unknown@"))
    desk.tried("died", "Wu Mei", as_of="2027-06", work_item=task["id"])


def tell_by_text(desk: Desk, work: Work) -> None:
    Phone(work, BENS_PHONE).writes("他去世了")


@pytest.mark.parametrize("tell", [tell_at_the_door, tell_on_the_telephone, tell_by_text])
def test_the_house_of_a_reported_death_leaves_the_call_list_at_once(desk: Desk, work: Work, tell: Any) -> None:
    tell(desk, work)

    assert on_the_list(desk) == ["death_reported"]
    # Nobody is put back by the next look, nor by whoever was asked before and answers late.
    work.call()
    post(desk, "/survival-statuses", UNKNOWN | {"as_of": "2027-06-01"})
    assert on_the_list(desk) == ["death_reported"]
    (told,) = desk.read(f"/patients/{desk.patient.id}/death-reports")["items"]
    died_on = {} if told["died_on"] else {"died_on": "2027-06"}
    post(desk, f"{API}/death-reports/{told['id']}/approvals", died_on, investigator(desk.db))
    assert on_the_list(desk) == []


def test_what_nobody_knew_is_asked_again_once_the_report_was_mistaken(desk: Desk, work: Work) -> None:
    before = sorted(one["key"] for one in desk.calls())
    told = post(desk, "/death-reports", death_body(died_on="2027-06-01"))["id"]
    post(desk, f"{API}/death-reports/{told}/denials", {"reason": "A neighbour."}, desk.physician)
    assert on_the_list(desk) == ["resume_contact"]
    (task,) = desk.read("/worklist?reason=resume_contact")["items"]
    post(desk, f"{API}/worklist/{task['id']}/resolutions", {"outcome": "resume"})
    work.call()
    assert sorted(one["key"] for one in desk.calls()) == before
    # The same after a signed reversal; and what was learnt meanwhile is not asked again.
    told = post(desk, "/death-reports", death_body(died_on="2027-06-01"))["id"]
    post(desk, f"{API}/death-reports/{told}/approvals", {}, desk.physician)
    assert on_the_list(desk) == []
    mistake = {"of": told, "reason": "A neighbour.", "password": PASSWORD}
    post(desk, "/reversals", mistake, desk.physician)
    work.call()
    assert sorted(one["key"] for one in desk.calls()) == before
    told = post(desk, "/death-reports", death_body(died_on="2027-06-01"))["id"]
    desk.tried("alive", as_of="2027-06-02")
    post(desk, f"{API}/death-reports/{told}/denials", {"reason": "A neighbour."}, desk.physician)
    for task in desk.read("/worklist?reason=resume_contact")["items"]:
        post(desk, f"{API}/worklist/{task['id']}/resolutions", {"outcome": "resume"})
    work.call()
    assert desk.calls() == []


def test_a_death_is_kept_though_a_colleague_has_closed_the_task(desk: Desk) -> None:
    task = next(one["id"] for one in desk.calls() if "survival.m3" in one["key"])
    desk.tried("alive", as_of="2027-06-02", work_item=task)

    for outcome in ("no_answer", "alive", "refused", "wrong_number"):
        late = desk.tried(outcome, work_item=task, status=409)
        assert (late["code"], late["by"]) == ("no_longer_possible", str(desk.person.id))
        assert late["at"].startswith("2027-06-02T02:00:00")
    made = desk.tried("died", as_of="2027-06", work_item=task)

    assert (made["outcome"], made["work_item"]) == ("died", task)
    (told,) = desk.read(f"/patients/{desk.patient.id}/death-reports")["items"]
    assert (told["status"], told["died_on"], told["last_known_alive"]) == ("pending", "2027-06", "2027-06-02")
    assert all(one.holds for one in check(desk.db, INVARIANTS))


def test_alive_in_the_app_while_a_death_is_reported_is_a_task_and_stands_beside_the_report(desk: Desk) -> None:
    phone = phone_of(desk.db, desk.patient)
    well = {"status": "alive", "respondent": "patient", "as_of": "2027-06-02"}
    post(desk, CONFIRMED, well, phone)
    assert desk.read("/worklist?reason=wrote_while_death_reported")["items"] == []
    told = post(desk, "/death-reports", death_body(died_on="2027-05-31"))

    kept = post(desk, CONFIRMED, well | {"respondent": "caregiver"}, phone)

    (task,) = desk.read("/worklist?reason=wrote_while_death_reported")["items"]
    assert task["key"] == f"wrote-while-death-reported:{kept['id']}"
    approved = post(desk, f"{API}/death-reports/{told['id']}/approvals", {}, desk.physician)
    assert (told["last_known_alive"], approved["last_known_alive"]) == ("2027-06-02", "2027-06-02")


@pytest.fixture
def sons(db: Database, client: Any) -> Desk:
    """Ann has two sons; the first may say that she lives."""
    named = [
        CaregiverForm(name=name, phone=phone, relation="son", may_report=False, may_confirm_survival=may)
        for name, phone, may in zip(("Li", "Bo"), SONS_PHONES, (True, False), strict=True)
    ]
    return Desk(db, client, ann(db, caregivers=tuple(named)))


def stopped(desk: Desk) -> list[bool]:
    with desk.db.reading(system("test")) as txn:
        return [numbers.standing(txn, phone) is not None for phone in SONS_PHONES]


def test_of_two_sons_neither_is_taken_for_the_other(sons: Desk) -> None:
    for outcome in ("wrong_number", "alive", "no_answer", "refused"):
        sons.refused("person", outcome=outcome, person="caregiver", relation="son", as_of="2027-03-01")
    sons.refused("person", outcome="alive", person="caregiver", as_of="2027-03-01")
    assert stopped(sons) == [False, False]

    sons.tried("wrong_number", "Bo", relation="son")
    assert stopped(sons) == [False, True]
    sons.refused("person", outcome="alive", person="bo", as_of="2027-03-01")
    sons.tried("alive", "Li", relation="son", as_of="2027-03-01")
    # A death is heard whichever of them told it.
    sons.tried("died", "caregiver", relation="son", as_of="2027-03")
    (told,) = sons.read(f"/patients/{sons.patient.id}/death-reports")["items"]
    assert (told["status"], told["informant"], told["relation"]) == ("pending", "caregiver", "son")
