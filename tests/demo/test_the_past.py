"""What the six invented patients have behind them, as a visitor finds it."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from backend import demo_clock
from backend.agenda.history import agenda_of
from backend.audit import AuditEvent
from backend.errors import SignInRefused
from backend.patients.models import Patient
from backend.patients.sign_in import activate
from backend.staff import roster
from backend.staff.members import roles_of
from backend.staff.models import OnCallShift, Site
from backend.staff.sign_in import sign_in
from backend.survival.deaths import reports_of
from backend.terms import (
    AgendaState,
    CandidateStatus,
    DeathReportStatus,
    Direction,
    MessageStatus,
    Originator,
    PatientStatus,
    Role,
    Tier,
)
from backend.triage.models import CandidateEvent
from notifications.channels.simulator import texts_of
from notifications.models import UNSENT, InboundMessage, Message
from tests.demo.conftest import NOW, Visited

pytestmark = pytest.mark.timeout(300)

FEVER, WAITING, LATE, BY_TEXT, SURVIVOR, DIED = "01-0002", "02-0002", "02-0001", "03-0002", "01-0001", "03-0001"


def states(visited: Visited, subject_number: str) -> dict[str, AgendaState]:
    return {item.key: item.state for item in agenda_of(visited.txn, visited.patient(subject_number))}


def messages(visited: Visited, subject_number: str, *which: object) -> list[Message]:
    asked = select(Message).where(Message.patient_id == visited.patient(subject_number).id, *which)
    return list(visited.txn.session.scalars(asked.order_by(Message.send_at)))


def test_the_six_patients_are_in_three_sites_both_arms_and_both_languages(visited: Visited) -> None:
    patients = visited.txn.session.scalars(select(Patient)).all()

    assert len(patients) == 6
    assert len({patient.site_id for patient in patients}) == 3
    assert {patient.arm for patient in patients} == {"nk", "control"}
    assert {patient.language for patient in patients} == {"en", "zh-CN"}


def test_an_emergency_of_minutes_ago_waits_unseen(visited: Visited) -> None:
    fever = visited.txn.session.scalars(
        select(CandidateEvent).where(CandidateEvent.tier == Tier.T1, CandidateEvent.status == CandidateStatus.PROPOSED)
    ).one()

    assert fever.patient_id == visited.patient(FEVER).id
    assert timedelta(0) < NOW - fever.opened_at < timedelta(minutes=15)
    assert fever.due_at > NOW


def test_older_candidates_were_acknowledged_by_a_coordinator(visited: Visited) -> None:
    acknowledged = visited.txn.session.scalars(
        select(CandidateEvent).where(CandidateEvent.status == CandidateStatus.ACKNOWLEDGED)
    ).all()

    coordinators = {one.actor.id for one in visited.demo.staff.members if one.role == "coordinator"}
    assert len(acknowledged) > 5
    assert {one.acknowledged_by for one in acknowledged} <= coordinators


def test_the_pair_three_days_ahead_is_confirmed_and_its_reminders_wait(visited: Visited) -> None:
    agenda = {item.key: item for item in agenda_of(visited.txn, visited.patient(WAITING))}
    days = [agenda[f"cycle-1.day-{day}"] for day in (1, 2)]

    reminders = messages(visited, WAITING, Message.template == "infusion_reminder", Message.status.in_(UNSENT))

    assert [day.state for day in days] == [AgendaState.CONFIRMED, AgendaState.CONFIRMED]
    assert [(day.due_on - NOW.date()).days for day in days] == [3, 4]
    assert len(reminders) >= 2


def test_one_weekly_report_was_missed_and_the_next_but_one_came_late(visited: Visited) -> None:
    weekly = states(visited, LATE)

    assert weekly["weekly.w3"] == AgendaState.EXPIRED
    assert weekly["weekly.w4"] == AgendaState.COMPLETED
    assert weekly["weekly.w5"] == AgendaState.COMPLETED_LATE


def test_the_shared_telephone_holds_invitations_answers_and_thanks(visited: Visited) -> None:
    phone = texts_of(visited.txn, "+8619900000104")

    said = [text.text for text in phone if text.direction == Direction.INBOUND]
    assert said[:2] == ["1", "2"]
    assert sum(text.direction == Direction.OUTBOUND for text in phone) > 10
    assert all(text.at <= NOW for text in phone)


def test_the_sisters_own_words_wait_for_a_person(visited: Visited) -> None:
    unread = visited.txn.session.scalars(select(InboundMessage).where(InboundMessage.handled_at.is_(None))).one()

    assert unread.patient_id == visited.patient(BY_TEXT).id


def test_only_the_question_of_life_is_open_after_two_years(visited: Visited) -> None:
    waiting = {key for key, state in states(visited, SURVIVOR).items() if state == AgendaState.OPEN}
    asked = messages(visited, SURVIVOR, Message.template == "survival_check", Message.channel.is_not(None))

    assert waiting == {"survival.m30"}
    assert asked[-1].answered_at is None
    assert NOW - asked[-1].send_at < timedelta(days=3)


def test_everything_has_stopped_for_the_patient_who_died(visited: Visited) -> None:
    died = visited.patient(DIED)
    told = reports_of(visited.txn, died)[0]

    assert died.status == PatientStatus.DIED
    assert told.status == DeathReportStatus.APPROVED
    assert told.decided_by != told.reported_by
    assert messages(visited, DIED, Message.status.in_(UNSENT)) == []
    assert messages(visited, DIED, Message.settled_at > told.reported_at, Message.channel.is_not(None)) == []


def test_nothing_has_happened_after_now_and_nothing_due_is_unsent(visited: Visited) -> None:
    latest = visited.txn.session.scalar(select(func.max(AuditEvent.at)))
    overdue = select(Message.id).where(Message.status.in_(UNSENT), Message.next_try_at < NOW)
    stuck = select(Message.id).where(Message.status.in_((MessageStatus.SENDING, MessageStatus.IN_DOUBT)))

    assert latest is not None
    assert latest < NOW + timedelta(minutes=1)
    assert visited.txn.session.scalars(overdue).all() == []
    assert visited.txn.session.scalars(stuck).all() == []


def test_the_audit_trail_names_those_who_acted(visited: Visited) -> None:
    entries = visited.txn.session.execute(select(AuditEvent.verb, AuditEvent.originator)).all()
    by = Counter((entry.verb, entry.originator) for entry in entries)

    assert by["report.submitted", Originator.PATIENT] > 50
    assert by["report.submitted", Originator.SITE_ON_BEHALF] > 10
    assert by["candidate_event.acknowledged", Originator.SITE] > 5
    assert not any(verb == "report.submitted" and who == Originator.SYSTEM for verb, who in by)


def test_every_member_of_staff_can_sign_in(visited: Visited) -> None:
    described = visited.demo.described()["staff"]

    for one in described[:4]:
        with visited.db.transaction(demo_clock.DEMO) as txn:
            assert sign_in(txn, one["email"], one["password"]).access_token

    assert {one["role"] for one in described} >= {"coordinator", "principal_investigator", "monitor", "data_manager"}
    assert {one["site"] for one in described} == {"site-01", "site-02", "site-03", "*"}


def test_every_patient_has_a_code_that_signs_one_phone_in(visited: Visited) -> None:
    for one in visited.demo.described()["patients"]:
        with visited.db.transaction(demo_clock.DEMO) as txn:
            patient = activate(txn, one["activation_code"], one["birth_year"]).patient
            assert str(patient.id) == one["id"]
            assert patient.subject_number == one["subject_number"]

        with pytest.raises(SignInRefused), visited.db.transaction(demo_clock.DEMO) as txn:
            activate(txn, one["activation_code"], one["birth_year"])


def test_somebody_with_a_telephone_is_on_call_from_the_first_day_to_two_years_from_now(visited: Visited):
    for site in visited.txn.session.scalars(select(Site).order_by(Site.code)):
        (member,) = roster.on_call_at(visited.txn, site.id, NOW)
        begun = select(func.min(OnCallShift.starts_at)).where(OnCallShift.site_id == site.id)
        first = visited.txn.session.scalar(begun)

        assert NOW - first > timedelta(days=900)
        assert roster.gaps(visited.txn, site.id, first, NOW + timedelta(days=730)) == []
        assert [held.role for held in roles_of(visited.txn, member)] == [Role.COORDINATOR]
        assert member.phone_sealed is not None
