"""A date that is confirmed, moved or off is told at once; a near one also at night, and somebody telephones too."""

import pytest
from sqlalchemy import select

from backend.db import system
from notifications.models import Message
from tests.people import ANNS_PHONE, ann, coordinator, phone_of
from tests.phone import Phone, plan_and_send

API = "/api/v1"
NIGHT = "2027-03-14T23:00:00+08:00"
CALLS = f"{API}/worklist?reason=call_about_moved_date"


class Ward:
    """Ann's cells of 15 March, collected on 28 February, and what a coordinator does with them."""

    def __init__(self, db, client, clock, work) -> None:
        self.db, self.client, self.clock, self.work = db, client, clock, work
        self.ann, self.phone = ann(db), Phone(work, ANNS_PHONE)
        self.cycles = f"{API}/patients/{self.ann.id}/cycles"
        self.headers = coordinator(db).headers
        client.post(self.cycles, json={"number": 1, "donor_collection_on": "2027-02-28"}, headers=self.headers)

    def it_is(self, moment: str) -> None:
        self.clock.move_to(moment)
        self.headers = coordinator(self.db).headers

    def decides(self, status: str, **more: str) -> dict:
        answer = self.client.patch(f"{self.cycles}/1", json={"status": status} | more, headers=self.headers)
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def told_of(self, day: str) -> None:
        """By day, two days before that night."""
        self.it_is("2027-03-12T12:00:00+08:00")
        self.decides("confirmed", day_1_on=day)
        plan_and_send(self.work)

    def calls(self) -> list[dict]:
        return list(self.client.get(CALLS, headers=self.headers).json["items"])

    def waiting(self) -> list[str]:
        """Of what is still to go out about the infusions."""
        with self.db.reading(system("test")) as txn:
            waiting = select(Message.key).where(Message.status == "queued", Message.agenda_key.startswith("cycle-"))
            return sorted(txn.session.scalars(waiting))


@pytest.fixture
def ward(db, client, clock, work) -> Ward:
    return Ward(db, client, clock, work)


CONFIRMED, MOVED, CANCELLED = "confirmed", "moved", "cancelled"


# The rule is the same on both databases, and the other tests of this page are on both.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("act", "was", "becomes", "is_told_at_once", "is_called"),
    [
        (CONFIRMED, None, "2027-03-15", True, True),
        (CONFIRMED, None, "2027-03-16", False, True),
        (CONFIRMED, None, "2027-03-17", False, False),
        (MOVED, "2027-03-20", "2027-03-15", True, True),
        (MOVED, "2027-03-20", "2027-03-17", False, False),
        # Whoever would set out tomorrow must hear tonight that it is next week.
        (MOVED, "2027-03-15", "2027-03-20", True, True),
        (MOVED, "2027-03-16", "2027-03-20", False, True),
        (CANCELLED, "2027-03-15", None, True, True),
        (CANCELLED, "2027-03-16", None, False, True),
        (CANCELLED, "2027-03-17", None, False, False),
    ],
)
def test_news_of_tomorrow_does_not_wait_for_the_morning(ward, act, was, becomes, is_told_at_once, is_called):
    if was:
        ward.told_of(was)
    ward.it_is(NIGHT)
    heard, called = len(ward.phone.received), len(ward.calls())

    ward.decides(**({"status": "release_failed"} if becomes is None else {"status": "confirmed", "day_1_on": becomes}))
    plan_and_send(ward.work)
    at_night = len(ward.phone.received) - heard
    ward.it_is("2027-03-15T08:01:00+08:00")
    plan_and_send(ward.work)

    assert (at_night == 1, len(ward.calls()) - called == 1) == (is_told_at_once, is_called)
    with ward.db.reading(system("test")) as txn:
        news = txn.session.scalars(select(Message.key).where(Message.template == f"infusion_{act}")).all()
    assert f"cycle-1.day-1@{becomes or was}:{act}" in news


def test_a_move_speaks_of_the_new_day_alone_and_voids_what_was_answered_of_the_old_one(ward, db, client):
    ward.told_of("2027-03-20")
    phone = phone_of(db, ward.ann)
    client.post(f"{API}/me/agenda/cycle-1.day-1/reply", json={"reply": "coming"}, headers=phone.headers)
    about_the_20th = ward.waiting()

    ward.decides("confirmed", day_1_on="2027-03-24")
    agenda = client.get(f"{API}/me/agenda", headers=phone.headers).json["items"]

    item = {one["key"]: one for one in agenda}["cycle-1.day-1"]
    assert about_the_20th
    assert all("@2027-03-20:" in key or "@2027-03-21:" in key for key in about_the_20th)
    assert "cycle-1.day-1@2027-03-24:moved" in ward.waiting()
    assert all("@2027-03-24:" in key or "@2027-03-25:" in key for key in ward.waiting())
    assert (item["due_on"], item["reply"]) == ("2027-03-24", None)


def test_the_call_closes_only_when_a_person_has_spoken_to_the_patient(ward, client):
    ward.it_is(NIGHT)
    ward.decides("confirmed", day_1_on="2027-03-15")
    [task] = ward.calls()
    address = f"{API}/worklist/{task['id']}/resolutions"

    for outcome in ("no_answer", "left_message", "wrong_number", "texted her"):
        client.post(address, json={"outcome": outcome}, headers=ward.headers)
        assert [one["id"] for one in ward.calls()] == [task["id"]], outcome
    spoken = client.post(address, json={"outcome": "spoke_to_patient"}, headers=ward.headers)

    assert (spoken.status_code, ward.calls()) == (201, [])


def test_a_second_move_leaves_one_call_to_make_about_the_days_that_hold(ward):
    ward.it_is(NIGHT)
    ward.decides("confirmed", day_1_on="2027-03-15")
    [first] = ward.calls()

    ward.decides("confirmed", day_1_on="2027-03-16")

    [second] = ward.calls()
    assert second["key"] != first["key"]
    assert "@2027-03-16:" in second["key"]
