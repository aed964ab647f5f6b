"""A submitted report is corrected: the original stays, emergencies are heard at once, an investigator decides."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from backend.db import system
from backend.fsck import check, triage
from backend.patients.report_correction import ReportCorrection
from backend.triage.models import CandidateEvent, StaffPage
from tests import people
from tests.sent import answers, report_body
from tests.stored import everything_stored

API = "/api/v1"
NAUSEA = {"nausea__frequency": 3, "nausea__severity": 3}
MILD = {"nausea__frequency": 1, "nausea__severity": 1}


class Told:
    """Ann's report of nausea, and those who correct it and decide."""

    def __init__(self, db: Any, client: Any, **said: int) -> None:
        self.db, self.client, self.ann = db, client, people.ann(db)
        self.phone = people.phone_of(db, self.ann).headers
        self.coordinator, self.physician = people.coordinator(db), people.investigator(db)
        body = report_body(answers=answers(**said))
        assert client.post(f"{API}/me/reports", json=body, headers=self.phone).status_code == 201
        self.report = body["id"]
        self.mine = f"{API}/me/reports/{self.report}"
        self.theirs = f"{API}/patients/{self.ann.id}/reports/{self.report}"

    def corrects(self, **changes: Any) -> Any:
        """She sends a correction; gives the whole answer."""
        return self.client.post(f"{self.mine}/corrections", json=correction(**changes), headers=self.phone)

    def decides(self, correction: str, accept: bool, person: people.Person | None = None) -> Any:
        """An investigator decides about it."""
        body = {"accept": accept, "reason": "Spoke to Ann Zhang."}
        path = f"{API}/report-corrections/{correction}/decisions"
        return self.client.post(path, json=body, headers=(person or self.physician).headers)

    def versions(self, *, for_staff: bool = False) -> list[dict[str, Any]]:
        """The report's versions, as she or the coordinator reads them."""
        path, headers = (self.theirs, self.coordinator.headers) if for_staff else (self.mine, self.phone)
        return self.client.get(path, headers=headers).json["versions"]

    def tiers(self) -> list[str]:
        """What stands in the queue about her."""
        with self.db.reading(system("test")) as txn:
            rows = select(CandidateEvent.tier).where(CandidateEvent.patient_id == self.ann.id)
            return sorted(txn.session.scalars(rows))

    def tasks(self, status: str = "open") -> list[dict[str, Any]]:
        """The tasks to decide about a correction."""
        path = f"{API}/worklist?reason=report_corrected&status={status}"
        return self.client.get(path, headers=self.physician.headers).json["items"]


def correction(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "of_version": 1,
        "instrument_version": 1,
        "respondent": "patient",
        "mode": "app",
        "answers": answers(**MILD),
        "reason": "I pressed the wrong button.",
    } | changes


def test_the_original_stays_and_both_are_read_side_by_side(db, client):
    told = Told(db, client, **NAUSEA)
    sent = correction()
    first, again = told.corrects(**sent), told.corrects(**sent)
    waiting = told.versions()

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json, first.json["version"], first.json["tier"]) == (again.json, 2, None)
    assert told.corrects(**sent | {"reason": "Something else."}).json["code"] == "report_id_taken"
    assert standing(waiting) == [("original", True), ("pending", False)]
    assert "A doctor of the study looks at it" in waiting[1]["text"]
    assert waiting[1]["reason"] == "I pressed the wrong button."
    beside = told.versions(for_staff=True)
    assert [finding["tier"] for finding in beside[0]["findings"]] == ["T2"]
    assert ([one["tier"] for one in beside[1]["lowers"]], beside[1]["findings"]) == (["T2"], [])


def test_an_investigator_decides_and_what_is_accepted_is_what_history_reads(db, client):
    told = Told(db, client, **NAUSEA)
    sent = told.corrects().json["id"]
    (task,) = told.tasks()
    closing = f"{API}/worklist/{task['id']}/resolutions"

    resolved = client.post(closing, json={"outcome": "x"}, headers=told.physician.headers)
    refused = told.decides(sent, True, told.coordinator)
    done, late = told.decides(sent, True), told.decides(sent, False)

    assert (task["for_role"], task["due_at"][:10]) == ("investigator", "2027-03-04")
    assert [answer.status_code for answer in (resolved, refused, done, late)] == [409, 403, 201, 409]
    assert (late.json["by"], late.json["role"]) == (str(told.physician.id), "investigator")
    assert standing(told.versions()) == [("original", False), ("accepted", True)]
    assert "decided_because" not in told.versions()[1]
    assert told.versions(for_staff=True)[1]["decided_because"] == "Spoke to Ann Zhang."
    assert (len(told.tasks()), len(told.tasks("resolved"))) == (0, 1)
    # Compared with what she sent first this is better; with what counts now it is worse.
    worse = report_body(answers=answers(nausea__frequency=2, nausea__severity=3))
    assert client.post(f"{API}/me/reports", json=worse, headers=told.phone).json["tier"] == "T3"
    kept = everything_stored(db)
    assert "wrong button" not in kept
    assert "Spoke to" not in kept


def standing(versions: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(one["state"], one["counts"]) for one in versions]


def test_an_emergency_in_a_correction_is_called_out_before_anybody_decides(db, client):
    told = Told(db, client, **MILD)

    sent = told.corrects(answers=answers(checklist__seizure=1, **NAUSEA))

    assert (sent.status_code, sent.json["tier"]) == (201, "T1")
    assert any("120" in advice["text"] for advice in sent.json["advice"])
    # Nausea waits for the investigator; a seizure for nobody.
    assert told.tiers() == ["T1"]
    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(StaffPage)) == 1
    assert [one["tier"] for one in told.versions(for_staff=True)[1]["raises"]] == ["T2"]
    candidate = client.get(f"{API}/candidate-events", headers=told.coordinator.headers).json["items"][0]["id"]
    # Her report raised nothing, its correction did: she reads that somebody has it, and not that nothing is to be done.
    read = client.get(told.mine, headers=told.phone).json["progress"]
    assert (read["state"], "with the study team" in read["text"]) == ("received", True)
    found = client.get(f"{API}/candidate-events/{candidate}", headers=told.coordinator.headers).json["findings"]
    assert [(one["report"]["version"], one["report"]["answers"]["checklist.seizure"]) for one in found] == [(2, 1)]

    # Corrected again and no worse: nobody is called twice, and the first correction is asked about no more.
    again = told.corrects(of_version=2, answers=answers(checklist__seizure=1, nausea__frequency=4, nausea__severity=3))
    stale = told.decides(sent.json["id"], True)
    assert (again.status_code, stale.status_code, stale.json["version"]) == (201, 409, 3)
    assert (len(told.tasks()), len(told.tasks("resolved"))) == (1, 1)
    assert told.decides(again.json["id"], True).status_code == 201
    assert told.tiers() == ["T1", "T2"]
    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(StaffPage.rounds)) == 1
    assert [one.invariant.name for one in check(db, triage.INVARIANTS) if not one.holds] == []


def test_a_declined_correction_leaves_the_report_as_it_was(db, client):
    told = Told(db, client, **MILD)
    sent = client.post(
        f"{told.theirs}/corrections",
        json=correction(answers=answers(**NAUSEA), mode="phone", on_behalf_reason="She called."),
        headers=told.coordinator.headers,
    )

    assert told.decides(sent.json["id"], False).status_code == 201

    assert told.tiers() == []
    assert [(one["state"], one["counts"], one["originator"]) for one in told.versions()] == [
        ("original", True, "patient"),
        ("declined", False, "site_on_behalf"),
    ]
    assert "left your report as it was" in told.versions()[1]["text"]


def test_what_cannot_be_a_correction_is_refused_and_leaves_nothing(db, client):
    told = Told(db, client, **MILD)
    other = people.phone_of(db, people.ben(db)).headers
    stranger = people.coordinator(db, "site-02")
    wrong = (
        ({"answers": answers(**MILD)}, 422, "answers"),
        ({"answers": []}, 422, "answers"),
        ({"instrument_version": 2, "answers": answers(**NAUSEA)}, 422, "instrument_version"),
        ({"respondent": "caregiver", "answers": answers(**NAUSEA)}, 422, "respondent"),
        ({"of_version": 2, "answers": answers(**NAUSEA)}, 422, "of_version"),
        ({"answers": [{"item": "nausea.mood", "value": 1}]}, 422, "answers.0.item"),
        ({"answers": answers(**NAUSEA), "measurements": {"temperature_c": 99}}, 422, "measurements.temperature_c"),
        ({"answers": answers(**NAUSEA), "reason": " "}, 422, "reason"),
        ({"answers": answers(**NAUSEA), "tier": "T1"}, 422, "tier"),
    )

    for changes, status, where in wrong:
        refused = told.corrects(**changes)
        assert (refused.status_code, list(refused.json["errors"])) == (status, [where]), changes
    body = correction(answers=answers(**NAUSEA))
    staff_body = body | {"mode": "phone", "on_behalf_reason": "x"}
    assert client.post(f"{told.mine}/corrections", json=body, headers=other).status_code == 404
    assert client.post(f"{API}/me/reports/{uuid4()}/corrections", json=body, headers=told.phone).status_code == 404
    assert client.post(f"{told.theirs}/corrections", json=staff_body, headers=stranger.headers).status_code == 404
    assert told.decides(str(uuid4()), True).status_code == 404
    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(ReportCorrection)) == 0


def test_of_two_corrections_at_once_one_is_first_and_the_other_hears_of_it(db, client, app):
    told = Told(db, client, **MILD)
    bodies = [correction(answers=answers(nausea__frequency=3, nausea__severity=level)) for level in (1, 2)]

    def send(body):
        return app.test_client().post(f"{told.mine}/corrections", json=body, headers=told.phone)

    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(send, bodies))

    assert sorted(answer.status_code for answer in sent) == [201, 409]
    refused = next(answer for answer in sent if answer.status_code == 409)
    assert (refused.json["code"], refused.json["version"], refused.json["by"]) == ("no_longer_possible", 2, "patient")
    assert len(told.versions()) == 2
