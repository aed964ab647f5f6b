"""One month of one patient: a fever after an infusion, from the report to the signature under what it was."""

from typing import Any

import pytest

from backend.audit_seals import Sealer
from backend.db import Database, system
from backend.fsck import check, invariants
from backend.jobs import Work
from backend.staff.models import StaffMember
from backend.staff.sessions import start_session
from backend.terms import Role
from tests import people
from tests.sent import report_body
from tests.triage import called

API = "/api/v1"
CRS = "10052015"
CYTOKINES: dict[str, Any] = {
    "term_code": CRS,
    "grade": 1,
    "onset_on": "2027-03-17",
    "outcome": "not_recovered",
    "serious": [],
    "relation_cells": "probable",
    "relation_drug": "unlikely",
    "action_cells": "none",
    "action_drug": "none",
    "expected": None,
    "note": "Warm and shivering four hours after the second infusion.",
}
TO_THE_COMMITTEE = {"recipients": ["Ethics committee", "Sponsor"], "reference": "SAE-2027-001"}
IN_MY_HAND = {"password": people.PASSWORD, "meaning": "Reviewed and approved"}


class Hospital:
    """Who looks after Ann, at whatever hour the story has come to."""

    def __init__(self, db: Database, client: Any, clock: Any, work: Work) -> None:
        """Everybody is at work; the doctor on call has a telephone."""
        self.db, self.client, self.clock, self.work = db, client, clock, work
        self.ann = people.ann(db)
        self.doctor = called.staff(work, Role.INVESTIGATOR)
        self.staff = people.coordinator(db), people.investigator(db)
        self.at("2027-03-01T08:00:00+08:00")

    def at(self, moment: str) -> None:
        """It is this moment, and everybody has signed in anew."""
        self.clock.move_to(moment)
        with self.db.transaction(system("test")) as txn:
            rows = [txn.session.get_one(StaffMember, one.id) for one in self.staff]
            tokens = [start_session(txn, row).access_token for row in rows]
        self.coordinator, self.physician = (people.bearer(token) for token in tokens)

    def post(self, path: str, body: Any, who: dict[str, str] | None = None) -> Any:
        """Through a door, as the coordinator unless somebody else is named."""
        answer = self.client.post(f"{API}/{path}", json=body, headers=who or self.coordinator)
        assert answer.status_code == 201, (path, answer.status_code, answer.json)
        return answer.json

    def read(self, path: str) -> Any:
        """What stands there."""
        return self.client.get(f"{API}/{path}", headers=self.physician)

    def correct(self, event: str, **changes: Any) -> Any:
        """As the physician, having read it."""
        headers = self.physician | {"If-Match": self.read(event).headers["ETag"]}
        answer = self.client.patch(f"{API}/{event}", json=changes | {"reason": "On the ward round."}, headers=headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    def give_cells(self) -> None:
        """The donor on 1 March, the two infusions on the 16th and 17th."""
        cycles = f"patients/{self.ann.id}/cycles"
        self.post(cycles, {"number": 1, "donor_collection_on": "2027-03-01"})
        self.at("2027-03-13T09:00:00+08:00")
        self.client.patch(f"{API}/{cycles}/1", json={"status": "confirmed"}, headers=self.coordinator)
        for day, on in ((1, "2027-03-16"), (2, "2027-03-17")):
            self.at(f"{on}T10:00:00+08:00")
            self.post(f"{cycles}/1/infusions", {"day": day, "started_at": f"{on}T09:30:00+08:00"})


@pytest.fixture
def hospital(db, client, clock, work):
    return Hospital(db, client, clock, work)


def test_a_fever_becomes_a_cytokine_release_syndrome_reported_in_time_and_signed_for(hospital):
    hospital.give_cells()
    candidate = a_fever_is_reported_and_taken_note_of(hospital)

    event = it_is_confirmed_and_gets_worse(hospital, candidate)
    it_becomes_serious_and_the_doctor_is_told_at_night(hospital, event)
    it_is_reported_in_time(hospital, event)
    it_is_signed_corrected_and_signed_again(hospital, event)
    it_is_over(hospital, event)

    Sealer(hospital.db).seal_waiting()
    assert [(one.invariant.name, one.first) for one in check(hospital.db, invariants()) if not one.holds] == []


def a_fever_is_reported_and_taken_note_of(hospital: Hospital) -> str:
    """An emergency within fourteen days of an infusion: Ann reads at once what to do, and somebody takes note."""
    hospital.at("2027-03-17T19:00:00+08:00")
    phone = people.phone_of(hospital.db, hospital.ann).headers
    said = report_body(
        answers=[{"item": "checklist.chills", "value": 1}],
        measurements={"temperature_c": 38.6},
        other_symptoms=[{"text": "浑身发抖", "severity": 3}],
        started_at="2027-03-17T18:58:00+08:00",
        completed_at="2027-03-17T18:59:00+08:00",
    )

    told = hospital.post("me/reports", said, phone)
    listed = hospital.read("candidate-events?tier=T1").json["items"]
    fever = next(one for one in listed if one["term"] and one["term"]["name"] == "Fever")
    hospital.at("2027-03-17T19:10:00+08:00")
    hospital.post(f"candidate-events/{fever['id']}/acknowledgements", {})

    assert (told["tier"], fever["provisional_grade"], len(told["advice"]) > 0) == ("T1", 1, True)
    return str(fever["id"])


def it_is_confirmed_and_gets_worse(hospital: Hospital, candidate: str) -> str:
    """Grade 1 in the evening, grade 2 the next morning; a draft until it is signed."""
    event = hospital.post(f"candidate-events/{candidate}/confirmations", CYTOKINES, hospital.physician)
    path = f"adverse-events/{event['id']}"
    hospital.at("2027-03-18T08:00:00+08:00")
    worse = hospital.post(f"{path}/grades", {"grade": 2, "from_on": "2027-03-18", "reason": "Hypotension."})

    assert (event["status"], event["cells_emergent"], event["report_due_at"]) == ("draft", True, None)
    assert event["first_known_at"] == "2027-03-17T11:10:00+00:00"
    assert (worse["grade"], [one["grade"] for one in worse["grade_history"]]) == (2, [1, 2])
    return path


def it_becomes_serious_and_the_doctor_is_told_at_night(hospital: Hospital, event: str) -> None:
    """A stay in hospital that nobody planned is before the physicians by itself; the event's clock begins with it."""
    hospital.at("2027-03-18T14:00:00+08:00")
    stay = {"admitted_on": "2027-03-18", "planned": False, "reason": "Hypotension."}
    hospital.post(f"patients/{hospital.ann.id}/hospitalisations", stay)
    (suspected,) = (one for one in hospital.read("candidate-events").json["items"] if one["suspected_serious"])
    serious = hospital.correct(event, serious=["hospitalisation"])
    note = {"reason": "other", "note": "Part of the cytokine release syndrome."}
    hospital.post(f"candidate-events/{suspected['id']}/dismissals", note, hospital.physician)
    hospital.at("2027-03-19T02:00:00+08:00")
    hospital.work.escalate()
    hospital.work.dispatch()

    assert (serious["serious_known_at"], serious["report_due_at"]) == (
        "2027-03-18T06:00:00+00:00",
        "2027-03-19T06:00:00+00:00",
    )
    assert sum("safety report is due by 14:00" in text for text in hospital.doctor.texts) == 1
    assert hospital.read("worklist?reason=unplanned_hospitalisation").json["items"] == []


def it_is_reported_in_time(hospital: Hospital, event: str) -> None:
    """The initial report stops the clock and closes its task."""
    hospital.at("2027-03-19T09:00:00+08:00")
    sent = {"kind": "initial", "sent_at": "2027-03-19T08:45:00+08:00"} | TO_THE_COMMITTEE
    hospital.post(f"{event}/safety-reports", sent)

    clock = hospital.read(f"{event}/safety-reports").json["clock"]
    draft = hospital.read(f"{event}/safety-form?language=en").text
    assert (clock["reported_at"], clock["seconds_overdue"]) == ("2027-03-19T00:45:00+00:00", 0)
    assert hospital.read("worklist?reason=safety_report_due").json["items"] == []
    assert "DRAFT - not signed" in draft


def it_is_signed_corrected_and_signed_again(hospital: Hospital, event: str) -> None:
    """A correction voids the signature, which stays on record; it is signed anew."""
    first = hospital.post(f"{event}/signatures", IN_MY_HAND, hospital.physician)
    signed = hospital.read(event).json["status"]
    corrected = hospital.correct(event, relation_cells="definite")
    hospital.post(f"{event}/signatures", IN_MY_HAND, hospital.physician)

    now = hospital.read(event).json
    assert (signed, corrected["status"], now["status"]) == ("signed", "draft", "signed")
    given = hospital.read(f"{event}/signatures").json["items"]
    assert [one["voided"]["because"] if one["voided"] else None for one in given] == [["relation_cells"], None]
    assert given[0]["content_hash"] == first["content_hash"] != given[1]["content_hash"]


def it_is_over(hospital: Hospital, event: str) -> None:
    """Recovered after nine days, told of for the last time, and signed for."""
    hospital.at("2027-03-27T10:00:00+08:00")
    over = hospital.correct(event, outcome="recovered", ended_on="2027-03-26")
    final = {"kind": "final", "sent_at": "2027-03-27T09:30:00+08:00"} | TO_THE_COMMITTEE
    hospital.post(f"{event}/safety-reports", final)
    hospital.post(f"{event}/signatures", IN_MY_HAND, hospital.physician)

    form = hospital.read(f"{event}/safety-form?language=en").text
    assert (over["status"], hospital.read(event).json["status"]) == ("draft", "signed")
    assert "DRAFT" not in form
    assert all(words in form for words in ("Cytokine release syndrome", CRS, "01-0001", "浑身发抖", "Ethics committee"))
    assert "Ann Zhang" not in form
    assert people.ANNS_PHONE not in form
