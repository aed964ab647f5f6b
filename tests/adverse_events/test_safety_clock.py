"""A serious event is reported within its hours: the clock, who hears before they are over, and what stops it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.adverse_events.safety import clock_of
from backend.adverse_events.safety_warnings import warn_due, warnings_left, warnings_of
from backend.db import system
from backend.protocol.definition import Protocol, SafetyWarnings
from backend.protocol.models import ProtocolVersion
from backend.terms import PageStep, Role
from notifications.models import Message
from tests.adverse_events.serious import Ward
from tests.triage import called

NOBODY = system("test")
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOURS = SafetyWarnings(investigator_hours_left=12, principal_investigator_hours_left=4)


@pytest.fixture
def ward(db, client):
    return Ward(db, client)


def warned(db):
    """(Status, who) of every warning."""
    with db.reading(NOBODY) as txn:
        rows = select(Message).where(Message.template.like("safety_report_%")).order_by(Message.key)
        return [(one.status, one.key.split(":")[3]) for one in txn.session.scalars(rows)]


def test_the_arithmetic_of_the_clock_and_of_its_warnings():
    due = clock_of(NOON, 24).due_at

    assert due == NOON + timedelta(days=1)
    assert [(one.step, due - one.at) for one in warnings_of(due, HOURS)] == [
        (PageStep.INVESTIGATOR, timedelta(hours=12)),
        (PageStep.PRINCIPAL_INVESTIGATOR, timedelta(hours=4)),
    ]
    assert [one.step for one in warnings_left(due, "investigator", HOURS)] == [PageStep.PRINCIPAL_INVESTIGATOR]
    assert warnings_left(due, "principal_investigator", HOURS) == ()


def test_while_nobody_reports_investigators_and_then_principal_investigators_hear_once_and_at_night(
    db, clock, work, ward
):
    clock.move_to("2027-03-01T12:00:00+08:00")
    ward.sign_in(db)
    physician, principal = called.staff(work, Role.INVESTIGATOR), called.staff(work, Role.PRINCIPAL_INVESTIGATOR)
    work, letters = called.with_email(work)
    ward.enter()
    work.escalate()
    nobody_yet = warned(db)

    clock.move_to("2027-03-02T00:00:00+08:00")
    for _ in range(2):
        work.escalate()
    work.dispatch()
    at_night, (text,) = warned(db), physician.texts
    clock.move_to("2027-03-02T08:00:00+08:00")
    twice = warn_due(db), warn_due(db)
    work.dispatch()

    assert (nobody_yet, {step for _, step in at_night}) == ([], {"investigator"})
    assert len(physician.texts) == 1
    assert text.startswith("Patient 01-0001: a safety report is due by 12:00, Tue 2 March, and none is recorded.")
    assert len(principal.texts) == 1
    assert twice == ({"safety_warnings": 1}, {})
    assert len({one.address for one in letters.letters}) == len(letters.letters)


def test_an_overdue_report_is_shown_and_only_the_report_closes_its_task(db, client, clock, work, ward):
    called.staff(work, Role.PRINCIPAL_INVESTIGATOR)
    event = ward.enter()
    (task,) = ward.tasks()
    resolutions = f"/api/v1/worklist/{task['id']}/resolutions"
    by_hand = client.post(resolutions, json={"outcome": "done"}, headers=ward.coordinator)
    clock.move_to("2027-03-02T10:00:00+08:00")
    ward.sign_in(db)
    work.escalate()

    late = ward.reports(event)["clock"]
    reported = ward.report(event, sent_at="2027-03-02T09:00:00+08:00")
    work.dispatch()

    assert (by_hand.status_code, by_hand.json["code"]) == (409, "no_longer_possible")
    assert (late["warned"], late["seconds_overdue"]) == ("principal_investigator", 2 * 3600)
    assert (reported.status_code, ward.reports(event)["clock"]["seconds_overdue"]) == (201, 3600)
    assert (ward.tasks(), [one["key"] for one in ward.tasks("resolved")]) == ([], [task["key"]])
    assert {status for status, _ in warned(db)} == {"suppressed"}


def test_what_becomes_serious_later_counts_from_then_and_what_is_so_no_longer_has_no_clock(db, clock, work, ward):
    event = ward.enter(serious=[])
    clock.move_to("2027-03-01T20:00:00+08:00")
    ward.sign_in(db)
    none = (ward.tasks(), ward.reports(event)["clock"]["report_due_at"], ward.report(event).json["code"])

    ward.change(event, serious=["hospitalisation"])
    first = ward.reports(event)["clock"]
    ward.change(event, serious=["hospitalisation", "disability"])
    same = ward.reports(event)["clock"]
    ward.change(event, serious=[])
    cleared, closed = ward.reports(event)["clock"], ward.tasks()
    clock.move_to("2027-03-01T21:00:00+08:00")
    ward.sign_in(db)
    ward.change(event, serious=["life_threatening"])
    anew = ward.reports(event)["clock"]

    assert none == ([], None, "not_serious")
    assert (first["serious_known_at"], first["report_due_at"]) == (
        "2027-03-01T12:00:00+00:00",
        "2027-03-02T12:00:00+00:00",
    )
    assert same == first
    assert (cleared["report_due_at"], closed) == (None, [])
    assert anew["report_due_at"] == "2027-03-02T13:00:00+00:00"
    assert [one["due_at"] for one in ward.tasks()] == [anew["report_due_at"]]


def test_reports_come_in_their_order_and_a_death_stops_no_clock(db, client, clock, work, ward):
    event = ward.enter()
    clock.move_to("2027-03-01T12:00:00+08:00")
    ward.sign_in(db)

    too_early = [ward.report(event, kind=kind).json["code"] for kind in ("final", "follow_up")]
    wrong = ({"sent_at": "2027-03-02T10:00:00+08:00"}, {"sent_at": "2027-03-01T07:00:00+08:00"}, {"recipients": []})
    complaints = [list(ward.report(event, **one).json["errors"]) for one in wrong]
    dead = {"died_on": None, "informant": "A sister", "relation": "sister"}
    client.post(f"/api/v1/patients/{ward.ann.id}/death-reports", json=dead, headers=ward.coordinator)
    runs = ward.reports(event)["clock"]
    kept = ward.report(event, recipients=["Ethics committee", "Sponsor"])
    again = ward.report(event).json
    ward.report(event, kind="final", sent_at="2027-03-01T11:00:00+08:00", reference="SAE-1-F")
    after_final = ward.report(event, kind="follow_up", sent_at="2027-03-01T11:30:00+08:00").json["code"]
    ward.change(event, outcome="recovering")
    with_news = ward.report(event, kind="follow_up", sent_at="2027-03-01T11:30:00+08:00")

    assert too_early == ["report_out_of_order"] * 2
    assert complaints == [["sent_at"], ["sent_at"], ["recipients"]]
    assert (runs["report_due_at"], runs["reported_at"]) == ("2027-03-02T00:00:00+00:00", None)
    assert (kept.status_code, kept.json["recipients"]) == (201, ["Ethics committee", "Sponsor"])
    # Who comes too late hears who was first.
    assert (again["code"], again["by"], after_final) == (*too_early[:1], kept.json["recorded_by"], *too_early[:1])
    assert (with_news.status_code, with_news.json["event_version"]) == (201, 2)
    listed = ward.reports(event)
    assert [one["kind"] for one in listed["items"]] == ["initial", "final", "follow_up"]
    assert listed["clock"]["reported_at"] == "2027-03-01T02:00:00+00:00"


def test_a_protocol_from_before_there_were_warnings_has_those_of_the_first_study(db):
    with db.reading(NOBODY) as txn:
        content = dict(txn.session.scalars(select(ProtocolVersion)).first().content)
    del content["safety_report_warnings"]

    assert Protocol.from_content(content).safety_report_warnings == HOURS
