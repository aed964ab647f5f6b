"""The first fortnight after an infusion, over HTTP and by the contract, with a worker's jobs and a clock that moves.

A fever on the second day · whoever is on call is paged, and then others, until somebody answers · worse at night ·
two days of silence, a call, and a report taken by telephone · the fifteenth day, when the same fever waits a day.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend import clock as the_clock
from backend.db import Database
from backend.jobs import Work
from backend.terms import Role
from tests import people
from tests.phone import Phone
from tests.sent import answers, report_body, staff_report_body
from tests.triage.called import Called, staff

API = "/api/v1"
WELL = {"checklist__seizure": 0}
DAY_0 = datetime.fromisoformat("2027-03-14T00:00:00+08:00")


@dataclass
class Fortnight:
    """Who is in the story, and time going by for them."""

    db: Database
    work: Work
    client: Any
    clock: Any
    lin: Called
    wang: Called
    chen: Called
    patient_id: str = ""
    first_report: str = ""
    fever_at: datetime = field(default=DAY_0)

    def on_day(self, day: int, hour: str) -> datetime:
        """So many days after the second infusion it is this hour in Beijing, and the jobs have run."""
        moment = DAY_0 + timedelta(days=day, hours=int(hour[:2]), minutes=int(hour[3:]))
        self.at(moment)
        return moment

    def at(self, moment: datetime) -> None:
        self.clock.move_to(moment.isoformat())
        for job in (self.work.plan, self.work.call):
            job()
        self.tick()

    def tick(self) -> None:
        for job in (self.work.understand, self.work.escalate, self.work.reconcile, self.work.dispatch):
            job()

    def sends(self, method: str, path: str, body: Any, expected: int, *, headers: dict[str, str] | None = None) -> Any:
        """The coordinator, signed in anew, or whoever's headers these are."""
        headers = headers or people.coordinator(self.db).headers
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=headers)
        assert answer.status_code == expected, answer.text
        return answer.json

    def phone(self) -> dict[str, str]:
        """Ann's phone, signed in with a new code."""
        code = self.sends("POST", f"/patients/{self.patient_id}/activation-codes", None, 201)["code"]
        activation = {"code": code, "birth_year": 1961, "device_id": "a phone of Ann's"}
        tokens = self.client.post(f"{API}/auth/activations", json=activation).json
        return people.bearer(tokens["access_token"])

    def ann_reports(self, instrument: str = "safety", **measured: float) -> dict[str, Any]:
        """Ann answers on her phone: no danger sign, and what she measured. Messages go out within seconds."""
        now = the_clock.now().isoformat()
        body = report_body(
            instrument=instrument, started_at=now, completed_at=now, answers=answers(**WELL), measurements=measured
        )
        told: dict[str, Any] = self.sends("POST", "/me/reports", body, 201, headers=self.phone())
        self.tick()
        return told

    def pages(self) -> tuple[int, int, int]:
        """How many texts have reached who is on call, the investigator and the principal investigator."""
        return len(self.lin.texts), len(self.wang.texts), len(self.chen.texts)

    def calls(self) -> list[tuple[str, str | None, str]]:
        """The open calls about a safety check: which, whose duty, and due when in Beijing."""
        listed = self.sends("GET", "/worklist?reason=patient_silent&limit=200", None, 200)["items"]
        return [
            (
                one["key"],
                one["for_role"],
                the_clock.local(datetime.fromisoformat(one["due_at"]), "Asia/Shanghai").strftime("%d %H:%M"),
            )
            for one in listed
            if ":safety." in one["key"]
        ]


@pytest.fixture
def fortnight(db: Database, work: Work, client: Any, clock: Any) -> Fortnight:
    roles = (Role.COORDINATOR, Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR)
    return Fortnight(db, work, client, clock, *(staff(work, role) for role in roles))


def test_the_first_fortnight(fortnight: Fortnight) -> None:
    chapters: tuple[Callable[[Fortnight], None], ...] = (
        ann_is_enrolled_and_given_her_cells,
        a_fever_on_the_second_day_is_answered_at_once_and_pages_whoever_is_on_call,
        nobody_answers_and_the_page_goes_on_and_on,
        the_coordinator_replies_and_it_is_quiet,
        worse_at_night_pages_again_and_no_worse_in_the_morning_does_not,
        two_days_of_silence_are_one_call,
        a_report_taken_by_telephone_closes_the_call,
        on_the_fifteenth_day_a_fever_waits_a_day,
    )
    for chapter in chapters:
        chapter(fortnight)


def ann_is_enrolled_and_given_her_cells(story: Fortnight) -> None:
    """Planned, confirmed, and the actual starts recorded; somebody is on call all the time."""
    enrolled = story.sends("POST", "/patients", people.enrolment_body(randomised_on="2027-02-25"), 201)
    story.patient_id = enrolled["id"]
    shift = {"staff_id": str(story.lin.id), "from": "2027-03-01T08:00:00+08:00", "to": "2027-04-01T08:00:00+08:00"}
    story.sends("PUT", "/sites/site-01/on-call", {"shifts": [shift]}, 200)
    cycles = f"/patients/{story.patient_id}/cycles"
    story.sends("POST", cycles, {"number": 1, "donor_collection_on": "2027-02-26"}, 201)
    story.sends("PATCH", f"{cycles}/1", {"status": "confirmed"}, 200)
    for day in (1, 2):
        story.on_day(day - 2, "11:00")
        started = (DAY_0 + timedelta(days=day - 2, hours=9, minutes=30)).isoformat()
        story.sends("POST", f"{cycles}/1/infusions", {"day": day, "started_at": started}, 201)
    for day in (0, 1):
        story.on_day(day, "20:00")
        assert story.ann_reports(temperature_c=36.9)["tier"] is None
    assert story.pages() == (0, 0, 0)


def a_fever_on_the_second_day_is_answered_at_once_and_pages_whoever_is_on_call(story: Fortnight) -> None:
    story.fever_at = story.on_day(2, "10:00")

    told = story.ann_reports(temperature_c=38.4)

    story.first_report = told["id"]
    number = story.sends("GET", "/me", None, 200, headers=story.phone())["emergency_phone"]
    assert told["tier"] == "T1"
    assert told["advice"][0]["phone"] == number
    assert number in told["advice"][0]["text"]
    assert story.pages() == (1, 0, 0)
    assert not [text for text in story.lin.texts if "Ann" in text or "38" in text]


def nobody_answers_and_the_page_goes_on_and_on(story: Fortnight) -> None:
    """Every ten minutes, after thirty the investigator hears it too, after sixty the principal investigator."""
    heard = []
    for minutes in range(10, 61, 10):
        story.at(story.fever_at + timedelta(minutes=minutes - 1))
        before = story.pages()
        story.at(story.fever_at + timedelta(minutes=minutes))
        heard.append(tuple(now - then for now, then in zip(story.pages(), before, strict=True)))

    assert heard == [(1, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 1)]
    assert story.pages() == (7, 4, 1)


def the_coordinator_replies_and_it_is_quiet(story: Fortnight) -> None:
    story.at(story.fever_at + timedelta(minutes=65))
    (thanks,) = story.lin.phone.writes("1")
    after = story.pages()

    for minutes in (70, 80, 90, 120):
        story.at(story.fever_at + timedelta(minutes=minutes))

    assert "01-0001" in thanks
    assert story.pages() == after
    mine = story.sends("GET", f"/me/reports/{story.first_report}", None, 200, headers=story.phone())
    assert mine["progress"]["state"] == "seen"


def worse_at_night_pages_again_and_no_worse_in_the_morning_does_not(story: Fortnight) -> None:
    """39.6 comes ten and a half hours after somebody took note of 38.4; the same again, seven hours after that."""
    story.on_day(2, "21:30")
    before = len(story.lin.texts)
    assert story.ann_reports("ad_hoc", temperature_c=39.6)["tier"] == "T1"
    assert len(story.lin.texts) == before + 1
    story.lin.phone.writes("1")

    story.on_day(3, "04:30")
    quiet = story.pages()
    assert story.ann_reports("ad_hoc", temperature_c=39.6)["tier"] == "T1"
    story.on_day(3, "04:50")
    assert story.pages() == quiet


def two_days_of_silence_are_one_call(story: Fortnight) -> None:
    """Friday and Saturday nobody answers; Sunday is for whoever is on call, and from noon for the investigator."""
    story.on_day(4, "09:30")
    story.ann_reports(temperature_c=36.8)
    story.on_day(5, "23:00")
    assert story.calls() == []
    story.on_day(6, "21:59")
    assert story.calls() == []

    story.on_day(6, "22:00")
    story.on_day(6, "23:30")
    assert story.calls() == [("silent-twice:safety.c1.d6@2027-03-20", "on_call", "21 09:00")]
    story.on_day(7, "11:59")
    assert [whose for _, whose, _ in story.calls()] == ["on_call"]
    story.on_day(7, "12:00")
    assert story.calls() == [("silent-twice:safety.c1.d6@2027-03-20", "investigator", "21 09:00")]


def a_report_taken_by_telephone_closes_the_call(story: Fortnight) -> None:
    spoke = story.on_day(7, "12:30").isoformat()
    body = staff_report_body(
        instrument="safety",
        started_at=spoke,
        completed_at=spoke,
        answers=answers(**WELL),
        measurements={"temperature_c": 36.7},
    )
    story.sends("POST", f"/patients/{story.patient_id}/reports", body, 201)

    story.at(datetime.fromisoformat(spoke) + timedelta(minutes=1))

    assert story.calls() == []


def on_the_fifteenth_day_a_fever_waits_a_day(story: Fortnight) -> None:
    """38.0 would have been an emergency a day before. It is for the same day now, and wakes nobody."""
    story.on_day(15, "10:00")
    before = story.pages()

    told = story.ann_reports("ad_hoc", temperature_c=38.0)

    story.at(DAY_0 + timedelta(days=15, hours=10, minutes=45))
    assert told["tier"] == "T2"
    assert story.pages() == before


def test_anns_own_phone_never_hears_of_a_page(fortnight: Fortnight) -> None:
    ann_is_enrolled_and_given_her_cells(fortnight)
    a_fever_on_the_second_day_is_answered_at_once_and_pages_whoever_is_on_call(fortnight)

    hers = Phone(fortnight.work, people.ANNS_PHONE).received

    assert hers
    assert not [text for text in hers if "EMERGENCY" in text or "01-0001" in text]
