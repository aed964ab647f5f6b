"""A fatal adverse event is a report of death: contact pauses in its transaction, and a second person decides."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.fsck import check
from backend.fsck.survival import INVARIANTS
from notifications.models import Message
from tests.adverse_events.sent import judged
from tests.people import ann
from tests.sent import death_body
from tests.survival.test_contact_attempts import Desk

API = "/api/v1"
FATAL = {"grade": 5, "outcome": "fatal", "serious": ["death"]}
SEVERE = judged(term_code="10016558", grade=4, onset_on="2027-02-27", source="visit")


class Ward(Desk):
    """A physician beside the coordinator, about Ann."""

    def send(self, method: str, path: str, body: Any, who: Any = None, expect: int = 201, **headers: str) -> Any:
        whole = path if path.startswith(API) else f"{self.of_patient}{path}"
        by = (who or self.person).headers | headers
        answer = self.client.open(whole, method=method, json=body, headers=by)
        assert answer.status_code == expect, answer.text
        return answer

    def event(self, expect: int = 201, **changes: Any) -> Any:
        return self.send("POST", "/adverse-events", SEVERE | changes, expect=expect).json

    def change(self, event: Any, **changes: Any) -> Any:
        at = f"{API}/adverse-events/{event['id']}"
        tag = self.client.get(at, headers=self.person.headers).headers["ETag"]
        return self.send("PATCH", at, changes | {"reason": "As it is."}, expect=200, **{"If-Match": tag}).json

    def reports(self) -> list[tuple[str, str | None]]:
        told = self.read(f"/patients/{self.patient.id}/death-reports")["items"]
        return sorted((one["status"], one["died_on"]) for one in told)

    def held(self) -> list[str]:
        return sorted(self.read(f"/patients/{self.patient.id}")["contact_held"])

    def listed(self) -> set[str]:
        return {one["check"] for one in self.read("/survival/checks")["items"]}


@pytest.fixture
def ward(db: Database, client: Any) -> Ward:
    return Ward(db, client, ann(db))


@pytest.mark.parametrize("ended_on", ["2027-02-28", "2027-02", None])
def test_a_fatal_event_pauses_contact_at_once_and_another_person_decides(ward: Ward, work: Any, ended_on: Any) -> None:
    work.plan()

    event = ward.event(**FATAL, ended_on=ended_on)

    assert (ward.reports(), ward.held()) == ([("pending", ended_on)], ["death_reported"])
    with ward.db.reading(system("test")) as txn:
        assert txn.session.scalars(select(Message.id).where(Message.status.in_(("queued", "claimed")))).all() == []
    (told,) = ward.read(f"/patients/{ward.patient.id}/death-reports")["items"]
    assert event["id"] in told["informant"]
    assert ward.listed() == set()
    decided = {} if ended_on else {"died_on": "2027-02-28"}
    ward.send("POST", f"{API}/death-reports/{told['id']}/approvals", decided, ward.person, expect=403)
    ward.send("POST", f"{API}/death-reports/{told['id']}/approvals", decided, ward.physician)
    assert ward.read(f"/patients/{ward.patient.id}")["status"] == "died"
    assert [one.invariant.name for one in check(ward.db, INVARIANTS) if not one.holds] == []


def test_an_event_that_becomes_fatal_reports_once_and_not_again_after_a_denial(ward: Ward) -> None:
    event = ward.event()
    ward.change(event, note="Nothing new.")
    none_yet = ward.reports()
    ward.change(event, **FATAL, ended_on="2027-02-28")
    once = ward.reports()
    ward.change(event, note="In the night.")
    ward.event(**FATAL, onset_on="2027-02-28")
    still_once = ward.reports()
    (told,) = ward.read(f"/patients/{ward.patient.id}/death-reports")["items"]
    ward.send("POST", f"{API}/death-reports/{told['id']}/denials", {"reason": "She lives."}, ward.physician)
    ward.change(event, note="In the morning.")

    assert (none_yet, once, still_once) == ([], [("pending", "2027-02-28")], [("pending", "2027-02-28")])
    assert ward.reports() == [("denied", "2027-02-28")]
    assert ward.listed() == {"grade_5"}


def test_a_candidate_confirmed_as_fatal_reports_and_one_of_a_reported_death_does_not(ward: Ward) -> None:
    ward.send("POST", "/death-reports", death_body(died_on="2027-02-28"))
    (candidate,) = ward.read("/candidate-events")["items"]
    fatal = {name: value for name, value in SEVERE.items() if name != "source"} | FATAL
    ward.send("POST", f"{API}/candidate-events/{candidate['id']}/confirmations", fatal)
    assert ward.reports() == [("pending", "2027-02-28")]

    other = Ward(ward.db, ward.client, ann(ward.db, phone="+8613800138055"))
    stay = {"admitted_on": "2027-02-28", "planned": False, "reason": "Fever."}
    other.send("POST", "/hospitalisations", stay)
    listed = other.read("/candidate-events")["items"]
    theirs = next(one for one in listed if one["patient"]["id"] == str(other.patient.id))
    other.send("POST", f"{API}/candidate-events/{theirs['id']}/confirmations", fatal | {"ended_on": "2027-03-01"})

    assert (other.reports(), other.held()) == ([("pending", "2027-03-01")], ["death_reported", "hospitalised"])


def test_a_day_that_no_report_of_death_could_name_keeps_no_fatal_event_from_pausing_contact(ward: Ward) -> None:
    # Randomised on 25 February 2027: somebody has mistyped something, and a person will see which.
    ward.event(**FATAL, onset_on="2027-02-22", ended_on="2027-02-23")

    assert (ward.reports(), ward.held()) == ([("pending", None)], ["death_reported"])
