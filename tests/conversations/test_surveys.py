"""Questionnaires by text message: what is asked, what an answer does, and what becomes of what nobody finishes."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select

import notifications
from backend import clock as clocks
from backend.agenda import changes
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.script import highest_of, is_yes_or_no, next_question
from backend.db import Database, system
from backend.jobs import Work
from backend.patients import contact
from backend.patients.caregivers import CaregiverForm
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports.submit import Submission, submit_report
from backend.staff.models import Site
from backend.terms import Recipient
from backend.triage.models import CandidateEvent
from backend.worklist.models import WorkItem
from notifications.channels.simulator import Simulator
from notifications.models import InboundMessage
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send
from tests.study import instrument as shipped

TEST = system("test")
# What rests on the database stands in test_survey_races.py and test_drafts.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIRST_WEEKLY = "2027-03-04T09:00:30+08:00"
YES, NO = "1", "2"


@pytest.fixture
def ben(db: Database) -> Patient:
    return people.ben(db, caregivers=())


@pytest.fixture
def phone(work: Work) -> Phone:
    return Phone(work, people.BENS_PHONE)


def asked_weekly(clock: Clock, work: Work, at: str = FIRST_WEEKLY) -> None:
    work.plan()
    clock.move_to(at)
    plan_and_send(work)


def reports(db: Database) -> list[SymptomReport]:
    with db.reading(TEST) as txn:
        found = txn.session.scalars(select(SymptomReport).order_by(SymptomReport.completed_at, SymptomReport.id)).all()
        txn.session.expunge_all()
        return list(found)


def states(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(Conversation.status).order_by(Conversation.opened_at)))


def tiers(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(CandidateEvent.tier)))


def tasks(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(WorkItem.reason)))


def unread(db: Database) -> int:
    with db.reading(TEST) as txn:
        return len(txn.session.scalars(select(InboundMessage).where(InboundMessage.handled_at.is_(None))).all())


def of_the_site(db: Database, text_surveys: str) -> None:
    with db.transaction(TEST) as txn:
        txn.session.scalars(select(Site).where(Site.code == "site-01")).one().text_surveys = text_surveys


def test_a_weekly_report_by_text_in_chinese_is_the_report_that_the_app_would_have_sent(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    weekly, said = shipped("weekly"), {"temperature_c": 36.8, "card.any_sign": 0.0}
    [prompt] = phone.received
    texts = [phone.writes("三十六度八"), phone.writes("２")]
    while (asked := next_question(weekly, "full", said)) is not None:
        place = len(said)
        value = 0 if place % 3 == 0 else min(place % 4, highest_of(weekly, asked))
        said[asked] = float(value)
        texts.append(phone.writes({0: NO, 1: YES}[value] if is_yes_or_no(weekly, asked) else str(value)))

    [report] = reports(db)
    [_, [card], [fatigue], *_, [goodbye]] = [[prompt], *texts]
    assert "体温" in prompt
    assert "危险信号卡" in card
    assert "没力气" in fatigue
    assert "答完了" in goodbye
    assert states(db) == ["completed"]
    assert (report.mode, report.agenda_key, report.standing) == ("sms", "weekly.w1", "on_time")
    assert report.caveats == ["mode_not_validated", "signs_asked_as_one"]
    by_app = of_the_app(db, ben, report, {item: value for item, value in said.items() if item in weekly.items})
    assert (by_app.answers, by_app.composites, by_app.measurements) == (
        report.answers, report.composites, report.measurements,
    )  # fmt: skip
    assert by_app.provenance is None
    assert by_app.caveats is None
    assert unread(db) == 0


def of_the_app(db: Database, ben: Patient, like: SymptomReport, answers: dict[str, float]) -> SymptomReport:
    """The same said in the app, where "none of these" is an explicit no to each sign."""
    signs = {code: 0 for code, item in shipped("weekly").items.items() if item.is_sign}
    with db.transaction(TEST) as txn:
        sent = Submission(
            id=uuid4(),
            instrument="weekly",
            instrument_version=1,
            language="zh-CN",
            respondent="patient",
            mode="app",
            started_at=like.started_at,
            completed_at=like.completed_at,
            answers=[{"item": item, "value": int(value)} for item, value in {**signs, **answers}.items()],
            measurements={"temperature_c": 36.8},
        )
        kept = submit_report(txn, txn.session.get_one(Patient, ben.id), sent).report
        txn.session.expunge(kept)
        return kept


def test_a_fever_after_an_infusion_is_an_emergency_at_the_first_of_the_two_safety_questions(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, patient, 1)
    clock.move_to("2027-03-16T09:00:30+08:00")
    plan_and_send(work)
    [prompt] = [text for text in phone.received if "temperature" in text]

    answers = phone.writes("38.4")

    assert "Two short questions" in prompt
    assert answers[0].startswith("This may be an emergency. Call 120 now")
    [report] = reports(db)
    assert (report.instrument, report.tier, report.measurements) == ("safety", "T1", {"temperature_c": 38.4})
    assert report.caveats == ["mode_not_validated", "not_finished"]
    assert set(report.answers.values()) == {"not_reached"}, "Nobody was asked about the signs."
    assert tiers(db) == ["T1"]
    assert states(db)[-1] == "partial"


def test_yes_to_the_card_calls_somebody_at_once_and_a_short_survey_asks_one_thing_more(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    of_the_site(db, "short")
    asked_weekly(clock, work)

    not_measured, no_signs, goodbye = phone.writes("0"), phone.writes("2"), phone.writes("2")
    clock.move_to("2027-03-11T09:00:30+08:00")
    plan_and_send(work)
    phone.writes("SKIP")
    emergency = phone.writes("1")

    assert "危险信号卡" in not_measured[0]
    assert "总的来说" in no_signs[0]
    assert "答完了" in goodbye[0]
    first, second = reports(db)
    assert (first.measurements, first.tier) == ({}, "T3"), "A person looks at what is bad, whatever it is."
    assert first.provenance is not None
    assert first.provenance["overall.severity"]["value"] == "2"
    assert "紧急" in emergency[0]
    assert (second.tier, second.caveats) == ("T1", ["mode_not_validated", "signs_asked_as_one", "not_finished"])
    assert "T1" in tiers(db)


def test_a_survey_that_stalls_goes_on_three_days_later_and_a_scheduled_text_waits_while_it_runs(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    phone.writes("36.8")
    clock.move_to("2027-03-04T09:29:00+08:00")
    running = counted(work)
    clock.move_to("2027-03-04T09:31:00+08:00")
    stalled = counted(work)
    clock.move_to("2027-03-07T20:00:00+08:00")
    plan_and_send(work)

    [resumed] = phone.writes("2")
    back, [again] = phone.writes("返回"), phone.writes("2")

    assert (running, stalled) == ({}, {"surveys_stalled": 1})
    assert "没力气" in resumed
    assert "危险信号卡" in back[0]
    assert again == resumed
    assert states(db) == ["answering"]
    assert reports(db) == []
    assert "以后" not in resumed
    assert "问卷" in phone.writes("以后")[0]
    assert states(db) == ["stalled"]
    assert phone.writes("问卷") == [resumed]


def counted(work: Work) -> dict[str, int]:
    return dict(work.see_to_surveys())


def test_what_nobody_can_read_is_asked_again_twice_and_then_somebody_calls(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)

    again = [phone.writes(text) for text in ("98.6", "?", "36,8,1")]
    words = phone.writes("有点热，不知道多少度")
    readable = phone.writes("38度5")

    assert ["没看懂" in text for [text] in again] == [True, True, False]
    assert tasks(db) == ["survey_unclear"]
    assert "会有人" in words[0]
    assert unread(db) == 2, "Words are kept whole for a person."
    assert "危险信号卡" in readable[0]


def test_what_was_answered_is_filed_when_its_time_ends_when_texts_are_stopped_and_when_the_patient_has_had_enough(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    phone.writes("36.8")
    clock.move_to("2027-03-10T00:00:30+08:00")
    at_its_end = counted(work), counted(work)
    asked_weekly(clock, work, "2027-03-11T09:00:30+08:00")
    phone.writes("2"), phone.writes("2")
    declined = phone.writes("不答")
    asked_weekly(clock, work, "2027-03-18T09:00:30+08:00")
    phone.writes("37"), phone.writes("2"), phone.writes("4")
    phone.writes("退订")

    assert at_its_end == ({"surveys_ended": 1}, {})
    assert "不再问您" in declined[0]
    first, *others = reports(db)
    assert (first.measurements, first.agenda_key) == ({"temperature_c": 36.8}, "weekly.w1")
    assert first.caveats == ["mode_not_validated", "not_finished"]
    assert clocks.local_day(first.completed_at, ben.time_zone) == date(2027, 3, 4)
    assert [one.answers.get("fatigue.severity") for one in others][-1] == 4
    assert states(db) == ["partial", "refused", "partial"]


def test_a_report_that_came_another_way_ends_the_survey_without_asking_on(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    phone.writes("36.8")
    with db.transaction(TEST) as txn:
        now = clocks.now()
        sent = Submission(
            id=uuid4(), instrument="weekly", instrument_version=1, language="zh-CN", respondent="patient", mode="phone",
            started_at=now, completed_at=now, agenda_key="weekly.w1", measurements={"temperature_c": 37.0},
        )  # fmt: skip
        submit_report(txn, txn.session.get_one(Patient, ben.id), sent)
    counted(work)

    assert states(db) == ["broken_off"]
    assert sorted((one.mode, one.agenda_key) for one in reports(db)) == [("phone", "weekly.w1"), ("sms", None)]
    assert [one.measurements for one in reports(db) if one.mode == "sms"] == [{"temperature_c": 36.8}]


def test_the_same_text_twice_is_one_answer_and_what_was_written_before_a_question_left_answers_nothing(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    clock.move_to("2027-03-04T09:01:00+08:00")
    for second, text in enumerate(("36.8", "36.8", "2")):
        clock.move_to(f"2027-03-04T09:01:0{second}+08:00")
        notifications.receive(work.db, simulator(work).write_from(people.BENS_PHONE, text))
    work.understand()

    clock.move_to("2027-03-04T09:01:10+08:00")
    work.dispatch()

    with db.reading(TEST) as txn:
        answers = txn.session.scalars(select(ConversationAnswer)).all()
        assert [(one.item, one.value) for one in answers] == [("temperature_c", 36.8)]
    assert (unread(db), len(phone.received)) == (1, 2)
    clock.move_to("2027-03-04T09:02:00+08:00")
    assert "没力气" in phone.writes("2")[0]


def simulator(work: Work) -> Simulator:
    found = work.channels["sms"]
    assert isinstance(found, Simulator)
    return found


def test_a_caregiver_who_may_report_answers_what_they_have_asked_for_and_the_patient_is_asked_nothing_of_it(
    db: Database, clock: Clock, work: Work
) -> None:
    sister = CaregiverForm(name="Wu Mei", phone="+8613800138009", relation="sister", may_report=True)
    people.ben(db, caregivers=(sister,))
    his, hers = Phone(work, people.BENS_PHONE), Phone(work, "+8613800138009")
    of_the_site(db, "short")
    asked_weekly(clock, work)

    unasked, [temperature] = hers.writes("2"), hers.writes("问卷")
    [card], [overall] = hers.writes("36.8"), hers.writes("2")
    from_him = his.writes("2")
    [goodbye] = hers.writes("0")

    assert "会有人" in unasked[0]
    assert ["体温" in temperature, "危险信号卡" in card, "总的来说" in overall] == [True] * 3
    assert "会有人" in from_him[0], "It is hers now, and his digit is no answer to it."
    assert "答完了" in goodbye
    [report] = reports(db)
    assert (report.respondent, report.mode, report.agenda_key) == ("caregiver", "sms", "weekly.w1")


def test_while_contact_is_held_nothing_more_is_asked_and_what_was_answered_is_filed_at_the_end(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    phone.writes("36.8")
    with db.transaction(TEST) as txn:
        contact.hold(txn, txn.session.get_one(Patient, ben.id), "paused")

    silence = phone.writes("2")
    clock.move_to("2027-03-10T00:00:30+08:00")
    counted(work)

    assert silence == []
    [report] = reports(db)
    assert report.answers["checklist.chills"] == 0
    assert states(db) == ["partial"]


def test_a_scheduled_text_waits_while_somebody_answers(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    reminded = [a_scheduled_text(db, work, ben, phone, "before an answer")]
    phone.writes("36.8")
    reminded.append(a_scheduled_text(db, work, ben, phone, "after one"))
    clock.move_to("2027-03-04T09:31:00+08:00")
    before = len(phone.received)
    work.dispatch()

    assert (reminded, len(phone.received) - before) == ([1, 0], 1)


def a_scheduled_text(db: Database, work: Work, ben: Patient, phone: Phone, key: str) -> int:
    before = len(phone.received)
    with db.transaction(TEST) as txn:
        notifications.queue(txn, notifications.Letter(
            key=key, template="contact_due", recipient=Recipient.PATIENT, send_at=txn.now, patient_id=ben.id,
            site_id=ben.site_id, values={"date": "2027-03-09"},
        ))  # fmt: skip
    work.dispatch()
    return len(phone.received) - before


def test_what_needs_a_call_the_same_day_is_filed_after_two_hours_of_silence(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    asked_weekly(clock, work)
    for text in ("36.8", "2", "4"):
        phone.writes(text)
    clock.move_to("2027-03-04T11:00:29+08:00")
    before, waiting = counted(work), reports(db)
    clock.move_to("2027-03-04T11:00:30+08:00")
    after = counted(work)

    assert (before, waiting, after) == ({"surveys_stalled": 1}, [], {"surveys_ended": 1})
    [report] = reports(db)
    assert (report.tier, report.answers["fatigue.severity"], states(db)) == ("T2", 4, ["partial"])


def test_where_a_site_wants_links_the_prompt_holds_one_but_never_to_a_number_that_would_not_get_it(
    db: Database, clock: Clock, work: Work, ben: Patient, phone: Phone
) -> None:
    of_the_site(db, "link_only")
    people.ann(db, phone="+447911123456", language="en", channels=("sms",), time_zone="Asia/Shanghai")
    asked_weekly(clock, work)

    [to_ben], [to_ann] = phone.received, Phone(work, "+447911123456").received
    clock.move_to("2027-03-10T00:00:30+08:00")
    counted(work)

    assert "体温" in to_ben
    assert "/f/" not in to_ben
    assert "Please answer your short questions here: " in to_ann
    assert "/f/" in to_ann
    assert (states(db), reports(db)) == (["broken_off"] * 2, []), "Both were reached, and nobody answered."
