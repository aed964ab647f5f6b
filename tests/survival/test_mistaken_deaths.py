"""A death that was approved by mistake is undone by a signature alone, and the plan is as it was before."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.jobs import Work
from tests.conftest import Clock
from tests.people import ANNS_PHONE, PASSWORD, Person, ann, coordinator, investigator
from tests.phone import Phone, plan_and_send
from tests.sent import death_body

API = "/api/v1"


class Ward:
    """Ann, whoever hears of her death, and whoever decides."""

    def __init__(self, db: Database, client: Any) -> None:
        self.client = client
        self.at = f"{API}/patients/{ann(db).id}"
        self.coordinator, self.physician = coordinator(db), investigator(db)

    def ask(self, method: str, path: str, body: Any = None, who: Person | None = None, expect: int = 201) -> Any:
        whole = path if path.startswith(API) else f"{self.at}{path}"
        answer = self.client.open(whole, method=method, json=body, headers=(who or self.physician).headers)
        assert answer.status_code == expect, answer.text
        return answer.json

    def told(self, **changes: Any) -> str:
        return str(self.ask("POST", "/death-reports", death_body(**changes), self.coordinator)["id"])

    def approved(self, **changes: Any) -> str:
        report_id = self.told(**changes)
        self.ask("POST", f"{API}/death-reports/{report_id}/approvals")
        return report_id

    def undo(self, report_id: str, *, expect: int = 201, password: str = PASSWORD, who: Person | None = None) -> Any:
        body = {"of": report_id, "reason": "It was another patient.", "password": password}
        return self.ask("POST", "/reversals", body, who, expect)

    def state(self) -> tuple[str, str | None]:
        shown = self.ask("GET", "", expect=200)
        return shown["status"], shown["died_on"]

    def open_items(self) -> set[str]:
        items = self.ask("GET", "/agenda", expect=200)["items"]
        return {one["key"] for one in items if one["state"] not in ("cancelled", "completed", "expired")}

    def candidates(self) -> list[str]:
        """Of those that nobody need judge any more."""
        listed = self.ask("GET", f"{API}/candidate-events?status=dismissed", expect=200)
        return [one["status"] for one in listed["items"]]


@pytest.fixture
def ward(db: Database, client: Any) -> Ward:
    return Ward(db, client)


def test_a_reversed_death_brings_the_plan_the_messages_and_the_contact_back(
    ward: Ward, work: Work, clock: Clock
) -> None:
    phone, planned = Phone(work, ANNS_PHONE), ward.open_items()
    report_id = ward.approved()
    assert (ward.state()[0], ward.open_items()) == ("died", set())

    preview = ward.ask("POST", "/reversals?preview=true", {"of": report_id, "reason": "Another patient."}, expect=200)
    assert ward.state()[0] == "died"
    ward.undo(report_id, expect=403, who=ward.coordinator)
    ward.undo(report_id, expect=401, password="a guess")
    undone = ward.undo(report_id)

    assert ward.state() == ("on_study", None)
    assert ward.open_items() == planned
    assert undone["diff"] == preview["diff"]
    assert undone["reversal"]["of_type"] == "death_report"
    (shown,) = ward.ask("GET", "/death-reports", expect=200)["items"]
    assert shown["status"] == "reversed"
    assert ward.candidates() == ["dismissed"]
    assert ward.ask("GET", f"{API}/survival/checks", expect=200)["items"] == []
    ward.undo(report_id, expect=409)
    clock.move_to("2027-03-18T10:00:30+08:00")
    plan_and_send(work)
    assert phone.received


def test_a_report_that_did_not_date_the_death_is_reversed_and_changes_nothing_else(ward: Ward) -> None:
    ward.approved(died_on="2027-02-28")
    second = ward.approved(died_on="2027-02-28")
    mistake = {"of": second, "reason": "Told twice."}

    previewed = ward.ask("POST", "/reversals?preview=true", mistake, expect=200)
    undone = ward.undo(second)

    assert (previewed["diff"], ward.state()) == (undone["diff"], ("died", "2027-02-28"))
    told = ward.ask("GET", "/death-reports", expect=200)["items"]
    assert sorted(one["status"] for one in told) == ["approved", "reversed"]


def test_a_day_within_the_month_that_was_recorded_dates_the_death_and_its_reversal_takes_only_the_day(
    ward: Ward, clock: Clock, db: Database
) -> None:
    clock.move_to("2027-03-20T08:00:00+08:00")
    ward.coordinator, ward.physician = coordinator(db), investigator(db)
    told, states = [], []
    for minute, died_on in enumerate(("2027", "2027-03", "2027-03-10", "2027-03-11", "2027-02", "2027-03")):
        clock.move_to(f"2027-03-20T08:0{minute}:00+08:00")
        told.append(ward.approved(died_on=died_on))
        states.append(ward.state())
    day = told[2]
    ward.undo(day)
    (entry,) = ward.ask("GET", f"{API}/outcomes/overall-survival", expect=200)["patients"]

    assert [died_on for _, died_on in states] == ["2027", "2027-03", *["2027-03-10"] * 4]
    # The next who knew the day within that month, in the order of approval.
    assert ward.state() == ("died", "2027-03-11")
    assert entry["reported_died_on"] == "2027-03-11"
    with db.reading(system("test")) as txn:
        dated = select(AuditEvent.old, AuditEvent.new).where(
            AuditEvent.verb == "patient.died", AuditEvent.field == "died_on"
        )
        steps = txn.session.execute(dated.order_by(AuditEvent.id)).all()
    assert [new for _, new in steps] == ["2027", "2027-03", "2027-03-10", "2027-03-11"]


def test_only_what_put_a_death_on_the_record_is_reversed_and_what_else_was_told_still_holds(ward: Ward) -> None:
    pending = ward.told()
    ward.undo(pending, expect=409)
    ward.ask("POST", f"{API}/death-reports/{pending}/denials", {"reason": "Another patient."})
    ward.undo(pending, expect=409)
    first, second = ward.approved(died_on="2027-02-28"), ward.approved(died_on="2027-02")

    ward.undo(first)
    still_dead = ward.state()
    third = ward.told(died_on="2027-02-27")
    ward.undo(second)

    assert still_dead == ("died", "2027-02")
    assert ward.state() == ("on_study", None)
    holds = ward.ask("POST", "/messages", {"text": "How are you?"}, ward.coordinator, expect=409)
    assert "held" in holds["detail"]
    ward.ask("POST", f"{API}/death-reports/{third}/denials", {"reason": "Another patient."})
