"""The door for calendar programs: who holds the address reads, everybody else finds nothing, and nothing is written."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.agenda import changes
from backend.api.limits import FIGURES
from backend.audit import AuditEvent
from backend.db import Database, Transaction, system
from backend.patients import contact, feeds
from backend.patients.acts import CalendarFeed
from backend.patients.forgetting import forget
from backend.patients.models import Patient
from backend.terms import ForgettingReason, PatientStatus
from tests import people
from tests.agenda.ics_reading import Component, read
from tests.conftest import Clock
from tests.sent import death_body

TEST = system("test")
ME, NEW_FEED = "/api/v1/me", "/api/v1/me/calendar-feed"
OURS = "http://127.0.0.1:8000"
ADDRESS = re.compile(OURS + r"/calendar/[A-Za-z0-9_-]{43}\.ics")
COLLECTED, MOVED_TO = date(2027, 3, 5), date(2027, 3, 24)


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def phone(db: Database, ann: Patient) -> dict[str, str]:
    return people.phone_of(db, ann).headers


@pytest.fixture
def address(client: Any, phone: dict[str, str]) -> str:
    """What Ann's phone shows, without the server's name."""
    return path_of(client.get(ME, headers=phone))


def path_of(answer: Any) -> str:
    """The address in an answer to a phone."""
    assert ADDRESS.fullmatch(answer.json["calendar_url"])
    return str(answer.json["calendar_url"]).removeprefix(OURS)


def shown(client: Any, address: str) -> Component:
    """The calendar as a program reads it."""
    answer = client.get(address)
    assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
    return read(answer.text)


def days(calendar: Component) -> dict[str, tuple[str, str]]:
    """Day and status of each event, by its name."""
    return {
        event.values["UID"]: (event.values["DTSTART;VALUE=DATE"], event.values["STATUS"])
        for event in calendar.all("VEVENT")
    }


def revisions(calendar: Component) -> set[str]:
    """The sequence numbers in it."""
    return {event.values["SEQUENCE"] for event in calendar.all("VEVENT")}


def row_of(txn: Transaction, ann: Patient) -> Patient:
    return txn.session.get_one(Patient, ann.id)


def confirmed(db: Database, ann: Patient, day_1_on: date | None = None) -> None:
    """Ann's first cycle, confirmed or moved."""
    with db.transaction(TEST) as txn:
        changes.confirm_cycle(txn, row_of(txn, ann), 1, day_1_on)


def planned(db: Database, ann: Patient) -> None:
    with db.transaction(TEST) as txn:
        changes.plan_cycle(txn, row_of(txn, ann), 1, COLLECTED)


def rows_in(db: Database) -> tuple[int, int]:
    """How many feeds and entries of the trail there are."""
    with db.reading(TEST) as txn:
        counted = [txn.session.scalar(select(func.count()).select_from(table)) for table in (CalendarFeed, AuditEvent)]
        return counted[0] or 0, counted[1] or 0


def test_the_first_look_opens_a_feed_and_every_look_shows_the_same_address(
    db: Database, client: Any, phone: dict[str, str]
) -> None:
    seen = {path_of(client.get(ME, headers=phone)) for _ in range(3)}
    seen.add(path_of(client.patch(f"{ME}/preferences", json={"language": "zh-CN"}, headers=phone)))

    assert len(seen) == 1
    assert len(shown(client, seen.pop()).all("VEVENT")) > 50
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(CalendarFeed.generation)).all() == [1]
        opened = select(func.count()).where(AuditEvent.verb == "calendar_feed.opened", AuditEvent.field == "generation")
        assert txn.session.scalar(opened) == 1


def test_only_a_keyed_hash_of_the_address_is_stored(db: Database, address: str) -> None:
    token = address.split("/")[-1].removesuffix(".ics")

    with db.reading(TEST) as txn:
        stored = str(txn.session.execute(select(*CalendarFeed.__table__.columns)).one())
        trail = txn.session.scalars(select(AuditEvent.new).where(AuditEvent.record_type == "calendar_feed")).all()

    assert len(token) == 43
    assert token not in stored
    assert trail
    # Neither the token nor its hash: the trail is for ever.
    assert not [said for said in trail if said and len(said) > 40]


@pytest.mark.parametrize("form", [people.ANN, people.BEN], ids=["nk", "control"])
@pytest.mark.parametrize(("language", "visit"), [("en", "Visit at the hospital"), ("zh-CN", "去医院")])
def test_both_arms_read_it_in_their_language(db: Database, client: Any, form: Any, language: str, visit: str) -> None:
    patient = people.enrolled(db, form)
    headers = people.phone_of(db, patient).headers
    client.patch(f"{ME}/preferences", json={"language": language}, headers=headers)

    events = shown(client, path_of(client.get(ME, headers=headers))).all("VEVENT")

    assert visit in {event.values[f"SUMMARY;LANGUAGE={language}"] for event in events}
    assert patient.subject_number not in str(events)
    assert str(patient.id) not in str(events)


def test_a_planned_infusion_is_not_shown_and_a_confirmed_one_is(
    db: Database, client: Any, ann: Patient, address: str
) -> None:
    before = days(shown(client, address))
    planned(db, ann)
    while_planned = days(shown(client, address))
    confirmed(db, ann)
    after = days(shown(client, address))

    assert while_planned.keys() == before.keys()
    new = {after[uid] for uid in after.keys() - before.keys()}
    assert {("20270320", "CONFIRMED"), ("20270321", "CONFIRMED")} <= new


def test_moving_an_infusion_keeps_its_name_and_raises_the_sequence_of_everything(
    db: Database, client: Any, clock: Clock, ann: Patient, address: str
) -> None:
    planned(db, ann)
    confirmed(db, ann)
    before = shown(client, address)
    clock.move_to("2027-03-02T09:00:00+08:00")
    confirmed(db, ann, MOVED_TO)
    after = shown(client, address)

    moved = {uid: (day, days(after)[uid][0]) for uid, (day, _) in days(before).items() if days(after)[uid][0] != day}
    assert {("20270320", "20270324"), ("20270321", "20270325")} <= set(moved.values())
    assert (revisions(before), revisions(after)) == ({"2"}, {"3"})
    assert {event.values["LAST-MODIFIED"] for event in after.all("VEVENT")} == {"20270302T010000Z"}


def test_a_failed_release_stays_as_cancelled_under_the_same_name(
    db: Database, client: Any, ann: Patient, address: str
) -> None:
    planned(db, ann)
    confirmed(db, ann)
    before = days(shown(client, address))
    with db.transaction(TEST) as txn:
        changes.fail_release(txn, row_of(txn, ann), 1)

    after = days(shown(client, address))

    cancelled = {uid: day for uid, (day, status) in after.items() if status == "CANCELLED"}
    assert sorted(cancelled.values()) == ["20270320", "20270321"]
    assert {uid: before[uid] for uid in cancelled} == {uid: (day, "CONFIRMED") for uid, day in cancelled.items()}


def test_looking_writes_nothing(db: Database, client: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows_in(db)
    opened: list[str] = []
    writing = Database.transaction

    def noted(self: Database, actor: Any, *given: Any, **named: Any) -> Any:
        opened.append(actor.name)
        return writing(self, actor, *given, **named)

    monkeypatch.setattr(Database, "transaction", noted)
    for method in ("GET", "HEAD"):
        assert client.open(address, method=method).status_code == 200

    assert rows_in(db) == before
    # What counts the requests of an address has a transaction of its own.
    assert "calendar feed" not in opened


def test_a_program_that_has_it_is_told_so_until_something_changes(
    db: Database, client: Any, clock: Clock, ann: Patient, address: str
) -> None:
    first = client.get(address)
    tag = {"If-None-Match": first.headers["ETag"]}
    clock.move_to("2027-03-01T08:00:09+08:00")
    again, head = client.get(address, headers=tag), client.head(address)
    planned(db, ann)
    confirmed(db, ann)
    after = client.get(address, headers=tag)

    assert (again.status_code, again.data) == (304, b"")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    assert after.status_code == 200
    assert after.headers["ETag"] != first.headers["ETag"]


def test_nobody_between_us_and_the_program_may_keep_it(client: Any, address: str) -> None:
    answer = client.get(address)

    assert {part.strip() for part in answer.headers["Cache-Control"].split(",")} == {"private", "no-cache"}
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


def test_a_new_address_ends_the_old_one(client: Any, phone: dict[str, str], address: str) -> None:
    asked = client.post(NEW_FEED, headers=phone)

    assert asked.status_code == 201
    assert path_of(asked) != address
    assert path_of(client.get(ME, headers=phone)) == path_of(asked)
    assert client.get(address).status_code == 404
    assert shown(client, path_of(asked)).all("VEVENT")


def test_an_event_keeps_its_name_when_the_address_changes(client: Any, phone: dict[str, str], address: str) -> None:
    before = days(shown(client, address))

    assert days(shown(client, path_of(client.post(NEW_FEED, headers=phone)))) == before


def test_two_patients_with_the_same_calendar_share_no_name(
    db: Database, client: Any, ann: Patient, address: str
) -> None:
    other = people.phone_of(db, people.ann(db, phone="+8613800138066")).headers

    mine, theirs = days(shown(client, address)), days(shown(client, path_of(client.get(ME, headers=other))))

    assert sorted(mine.values()) == sorted(theirs.values())
    assert mine.keys().isdisjoint(theirs)


def test_of_two_first_looks_at_once_the_second_finds_the_feed_open(db: Database, ann: Patient) -> None:
    def look() -> int:
        with db.transaction(TEST) as txn:
            return feeds.open_feed(txn, row_of(txn, ann)).generation

    with ThreadPoolExecutor(1) as elsewhere:
        with db.transaction(TEST) as txn:
            feeds.open_feed(txn, row_of(txn, ann))
            second = elsewhere.submit(look)
            # It must have come to where it waits for us.
            wait([second], timeout=0.5)
        assert second.result() == 1

    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(CalendarFeed.generation)).all() == [1]


def test_a_lost_phone_takes_its_calendar_along(db: Database, client: Any, ann: Patient, address: str) -> None:
    staff = people.coordinator(db).headers

    assert client.delete(f"/api/v1/patients/{ann.id}/devices", headers=staff).status_code == 204

    assert client.get(address).status_code == 404
    assert path_of(client.get(ME, headers=people.phone_of(db, ann).headers)) != address


def test_what_is_not_there_says_nothing(client: Any, phone: dict[str, str], address: str) -> None:
    client.post(NEW_FEED, headers=phone)
    token = address.split("/")[-1]
    wrong = [address, f"/calendar/{token[1:]}", "/calendar/x.ics", f"/calendar/{'a' * 5000}.ics", "/calendar/%00.ics"]

    for one in (*wrong, "/calendar/%E8%82%9D.ics"):
        answer = client.get(one)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), one
        assert token not in answer.text


def test_guesses_are_limited(client: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FIGURES["calendar.feed"] == "600 per minute"
    monkeypatch.setitem(FIGURES, "calendar.feed", "6 per minute")  # type: ignore[misc]
    wrong = f"{address[:-6]}AA.ics"

    answers = [client.open(wrong, method=method).status_code for method in ("GET", "HEAD", "GET") * 2]

    assert set(answers) == {404}
    assert [client.open(wrong, method=method).status_code for method in ("GET", "HEAD")] == [429, 429]


def test_no_log_line_holds_the_token(client: Any, address: str, caplog: pytest.LogCaptureFixture) -> None:
    token = address.split("/")[-1].removesuffix(".ics")

    with caplog.at_level(logging.DEBUG):
        client.get(address)
        client.get(address.replace(".ics", "x.ics"))

    said = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert [line for line in said if "calendar.feed" in line]
    assert not [line for line in said if token in line]


def test_after_a_death_the_calendar_is_empty_and_no_new_one_opens(
    db: Database, client: Any, ann: Patient, phone: dict[str, str], address: str
) -> None:
    staff, physician = people.coordinator(db).headers, people.investigator(db).headers
    told = client.post(f"/api/v1/patients/{ann.id}/death-reports", json=death_body(), headers=staff).json["id"]
    reported = shown(client, address).all("VEVENT")
    client.post(f"/api/v1/death-reports/{told}/approvals", json={}, headers=physician)

    assert shown(client, address).within == []
    # While it is only reported, the days are there and nothing rings.
    assert reported
    assert not any(event.all("VALARM") for event in reported)
    assert client.post(NEW_FEED, headers=phone).status_code == 409


def test_after_a_withdrawal_from_the_study_it_is_empty_and_after_forgetting_it_is_gone(
    db: Database, client: Any, ann: Patient, address: str
) -> None:
    with db.transaction(TEST) as txn:
        row_of(txn, ann).status = PatientStatus.WITHDRAWN
    withdrawn = shown(client, address)
    with db.transaction(TEST) as txn:
        forget(txn, row_of(txn, ann), ForgettingReason.RETENTION_ENDED)

    assert withdrawn.within == []
    assert client.get(address).status_code == 404


def test_while_contact_is_held_nothing_rings(db: Database, client: Any, ann: Patient, address: str) -> None:
    before = [event for event in shown(client, address).all("VEVENT") if event.all("VALARM")]
    with db.transaction(TEST) as txn:
        contact.hold(txn, row_of(txn, ann), "paused")

    held = shown(client, address).all("VEVENT")

    assert before
    assert held
    assert not any(event.all("VALARM") for event in held)


def test_a_feed_of_another_secret_key_is_replaced_at_the_next_look(
    db: Database, client: Any, phone: dict[str, str], address: str
) -> None:
    with db.transaction(TEST) as txn:
        txn.session.scalars(select(CalendarFeed)).one().fingerprint = "of a key that is no more"

    seen = path_of(client.get(ME, headers=phone))

    assert seen != address
    assert shown(client, seen).all("VEVENT")
    with db.reading(TEST) as txn:
        standing = select(CalendarFeed.generation).where(CalendarFeed.voided_at.is_(None))
        assert txn.session.scalars(standing).all() == [2]
