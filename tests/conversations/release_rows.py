"""Every reason for which a message to a patient or a caregiver waits or is not sent, each with a near miss."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from backend import clock
from backend.agenda import changes
from backend.agenda.models import Cycle
from backend.db import Transaction
from backend.patients import contact
from backend.patients.caregivers import CaregiverForm, name_caregiver
from backend.patients.models import Caregiver, Patient
from backend.sealing import seal, shred
from backend.staff.models import Site
from backend.survival.follow_up import confirm_alive
from backend.terms import Attendance, EvidenceSource, PatientStatus, Urgency
from backend.triage import questions
from backend.triage.models import CandidateEvent, CandidateQuestion
from notifications import inbound, opt_outs
from notifications.models import Attempt, Message
from tests import people
from tests.conversations.release_world import (
    Row,
    World,
    a_report_is_due,
    a_routine_text_went,
    a_visit_is_ahead,
    an_infusion_is_ahead,
    life_is_asked_after,
    moment,
    takes_no_texts,
    with_number,
)
from tests.phone import Phone

TEXT, APP = "send by sms", "send by in_app"
SISTERS_NUMBER = "+8613800138009"
AGENDA, NEWS = "_about_the_agenda", "_about_the_news"


def to_nobody(world: World) -> None:
    world.says(patient_id=None)


def another_is_forgotten(world: World) -> None:
    a_report_is_due(world)
    ben = people.ben(world.work.db)
    world.do(lambda txn, _: shred(txn, ben.id))


def held(world: World, reason: str = "death_reported", until: str | None = None) -> None:
    world.do(lambda txn, ann: contact.hold(txn, ann, reason, until=moment(until) if until else None))


def a_hold_has_just_ended(world: World) -> None:
    a_report_is_due(world)
    held(world, "restored", "2027-03-04T10:00:00+08:00")


def a_death_is_only_reported(world: World) -> None:
    a_report_is_due(world)
    held(world)


def a_reply_waits(world: World) -> None:
    a_report_is_due(world)
    world.writes("reply:1", urgency=Urgency.REPLY)


def only_reporting_has_ended(world: World) -> None:
    a_visit_is_ahead(world)
    world.of_ann(status=PatientStatus.WITHDRAWN_FROM_REPORTING, withdrawn_from_reporting_on=date(2027, 3, 10))


def reporting_ends_that_week(world: World) -> None:
    a_report_is_due(world)
    world.of_ann(withdrawn_from_reporting_on=date(2027, 3, 10))


def attends(world: World, status: Attendance) -> None:
    on = clock.local_day(clock.now(), world.patient.time_zone)
    world.do(lambda txn, ann: changes.record_attendance(txn, ann, "visit.m1", status, on))


def says_coming(world: World) -> None:
    a_visit_is_ahead(world)
    world.do(lambda txn, ann: changes.reply_to(txn, ann, "visit.m1", changes.Reply.COMING))


def long_unanswered(world: World) -> None:
    life_is_asked_after(world, "2027-07-01T10:00:00+08:00")


def lives_after_the_window(world: World) -> None:
    today = clock.local_day(clock.now(), world.patient.time_zone)
    source = EvidenceSource.PATIENT
    world.do(lambda txn, ann: confirm_alive(txn, ann, as_of=today, source=source, reference="test"))


def the_news_has_failed(world: World) -> None:
    world.at("2027-03-18T18:30:00+08:00")
    world.confirms_cycle()
    world.takes("cycle-1.day-1@2027-03-20:-2d")
    of_the_news(world, status="failed")


def of_the_news(world: World, **columns: object) -> None:
    news = select(Message.id).where(Message.template == "infusion_confirmed")
    world.change(Message, world.do(lambda txn, _: txn.session.scalars(news).one()), **columns)


def just_before_the_next_prompt(world: World) -> None:
    a_report_is_due(world)
    world.at("2027-03-05T08:59:59+08:00")


def the_longer_form_speaks(world: World) -> None:
    world.at("2028-05-25T09:00:30+08:00")
    world.plans()
    world.takes("quarterly.m15@2028-05-25:0d")


def the_team_asks(world: World, text: str = "How many times did you go today?") -> None:
    Phone(world.work, people.ANNS_PHONE).writes("I am bleeding")

    asking = people.coordinator(world.work.db).actor

    def asked(txn: Transaction, _ann: Patient) -> tuple[UUID, UUID | None]:
        question = questions.ask(txn.acting_as(asking), txn.session.scalars(select(CandidateEvent)).one(), text)
        return question.id, question.message_id

    world.kept["question"], world.message_id = world.do(asked)


def in_the_evening(world: World) -> None:
    a_report_is_due(world)
    world.at("2027-03-04T20:59:59+08:00")


def texted_today(world: World, times: int) -> None:
    for _ in range(times):
        world.do(lambda txn, ann: a_routine_text_went(txn, ann.id))


def two_texts_went_today(world: World) -> None:
    a_report_is_due(world)
    texted_today(world, 2)


def a_sister_is_asked(world: World) -> None:
    form = CaregiverForm(name="Zhang Li", phone=SISTERS_NUMBER, relation="sister", may_confirm_survival=True)

    def named(txn: Transaction, ann: Patient) -> UUID:
        return name_caregiver(txn, ann, txn.session.get_one(Site, ann.site_id), form).id

    world.kept["sister"] = world.do(named)
    life_is_asked_after(world, "2027-05-30T09:00:30+08:00", "5d.caregiver:1")


def stops(world: World, number: str) -> None:
    """Whoever has this number wrote STOP."""

    def act(txn: Transaction, _ann: Patient) -> None:
        kept = inbound.keep(txn, inbound.ReceivedText(f"stop-{number}", number, "", "a test's STOP"))
        assert kept is not None
        opt_outs.stop(txn, contact.phone_index(txn, number), kept.id)

    world.do(act)


def another_number_is_of_no_use(world: World) -> None:
    a_report_is_due(world)
    world.of_ann(channels=["sms"])
    takes_no_texts(world, people.BENS_PHONE)
    world.do(lambda txn, _: txn.session.execute(update(Attempt).values(number=2)))


def another_number_stopped(world: World) -> None:
    a_report_is_due(world)
    world.of_ann(channels=["sms"])
    stops(world, people.BENS_PHONE)


def the_app_is_left(world: World) -> None:
    a_report_is_due(world)
    world.of_ann(phone_sealed=None)


def a_harmless_question_by_text(world: World) -> None:
    the_team_asks(world)
    world.of_ann(channels=["sms"])


def the_question_names_a_drug(world: World) -> None:
    def act(txn: Transaction, _ann: Patient) -> None:
        message = txn.session.get_one(Message, world.message_id)
        message.words_sealed = seal(txn, message, "words_sealed", "Do you still take sorafenib?")

    world.do(act)


ROWS = (
    Row("release", "suppress: nobody_to_write_to", TEXT, a_report_is_due, to_nobody),
    Row(
        "_about_forgetting",
        "suppress: forgotten",
        TEXT,
        another_is_forgotten,
        lambda world: world.do(lambda txn, ann: shred(txn, ann.id)),
    ),
    Row(
        "_about_life",
        "suppress: died",
        "later: death_reported",
        a_death_is_only_reported,
        lambda world: world.of_ann(status=PatientStatus.DIED),
    ),
    Row("_about_life", "suppress: death_reported", TEXT, a_reply_waits, held, "held[0]"),
    Row(
        "_about_life",
        "later: death_reported",
        TEXT,
        a_hold_has_just_ended,
        lambda world: held(world, until="2027-03-04T10:00:01+08:00"),
        "held[0]",
    ),
    Row(
        "_about_consent",
        "suppress: withdrawn",
        TEXT,
        only_reporting_has_ended,
        lambda world: world.of_ann(status=PatientStatus.WITHDRAWN),
    ),
    Row(AGENDA, "suppress: cancelled", TEXT, a_report_is_due, lambda world: world.says(agenda_key="weekly.w0")),
    Row(
        AGENDA,
        "suppress: planned",
        TEXT,
        an_infusion_is_ahead,
        lambda world: world.change(Cycle, world.do(_cycle), status="planned"),
        "item.state.value",
    ),
    Row(
        AGENDA,
        "suppress: completed",
        TEXT,
        says_coming,
        lambda world: attends(world, Attendance.ATTENDED),
        "item.state.value",
    ),
    Row(
        AGENDA,
        "suppress: completed_late",
        TEXT,
        long_unanswered,
        lives_after_the_window,
        "item.state.value",
    ),
    Row(
        AGENDA,
        "suppress: expired",
        TEXT,
        says_coming,
        lambda world: attends(world, Attendance.MISSED),
        "item.state.value",
    ),
    Row(
        AGENDA,
        "suppress: cancelled",
        TEXT,
        reporting_ends_that_week,
        lambda world: world.of_ann(withdrawn_from_reporting_on=date(2027, 3, 9)),
        "item.state.value",
    ),
    Row(
        AGENDA,
        "suppress: moved",
        TEXT,
        a_report_is_due,
        lambda world: world.of_ann(randomised_on=date(2027, 2, 24)),
    ),
    Row(NEWS, "suppress: said_already", TEXT, the_news_has_failed, lambda world: of_the_news(world, channel="sms")),
    Row(NEWS, "later: news_waits", TEXT, the_news_has_failed, lambda world: of_the_news(world, status="queued")),
    Row(
        AGENDA,
        "suppress: newer_prompt_due",
        TEXT,
        just_before_the_next_prompt,
        lambda world: world.at("2027-03-05T09:00:00+08:00"),
    ),
    Row(
        AGENDA,
        "suppress: covered_by",
        TEXT,
        the_longer_form_speaks,
        lambda world: world.takes("survival.m15@2028-05-25:0d"),
    ),
    Row(
        "_about_what_was_asked",
        "suppress: no_longer_asked",
        TEXT,
        the_team_asks,
        lambda world: world.change(CandidateQuestion, world.kept["question"], answered_at=clock.now()),
    ),
    Row(
        "_about_hours",
        "later: quiet_hours",
        TEXT,
        in_the_evening,
        lambda world: world.at("2027-03-04T21:00:00+08:00"),
    ),
    Row("_about_the_cap", "later: daily_cap", TEXT, two_texts_went_today, lambda world: texted_today(world, 1)),
    Row(
        "_about_the_caregiver",
        "suppress: no_caregiver",
        TEXT,
        a_sister_is_asked,
        lambda world: world.change(Caregiver, world.kept["sister"], ended_at=clock.now()),
    ),
    Row(
        "_to_the_caregiver",
        "suppress: no_number",
        TEXT,
        a_sister_is_asked,
        lambda world: world.change(Caregiver, world.kept["sister"], phone_sealed=None),
    ),
    Row(
        "_to_the_patient",
        "suppress: not_for_a_text_message",
        TEXT,
        a_harmless_question_by_text,
        the_question_names_a_drug,
    ),
    Row(
        "_why_no_text",
        "suppress: opted_out",
        TEXT,
        another_number_stopped,
        lambda world: stops(world, people.ANNS_PHONE),
        said="opt_outs.OPTED_OUT",
    ),
    Row(
        "_why_no_text",
        "suppress: number_of_no_use",
        TEXT,
        another_number_is_of_no_use,
        lambda world: takes_no_texts(world, people.ANNS_PHONE),
        said="numbers.OF_NO_USE",
    ),
    Row(
        "_why_no_text",
        "suppress: malformed_number",
        TEXT,
        another_number_stopped,
        lambda world: world.do(with_number("+86 138 0013")),
        said="numbers.MALFORMED",
    ),
    Row(
        "_why_no_text",
        "suppress: no_number",
        APP,
        the_app_is_left,
        lambda world: world.of_ann(channels=["sms"]),
    ),
)


def _cycle(txn: Transaction, _ann: Patient) -> UUID:
    return txn.session.scalars(select(Cycle.id)).one()
