"""One word from a telephone: how the last report stands, a call, our number. Anything else stays for a person."""

from datetime import date

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.jobs import Work
from backend.patients.caregivers import CaregiverForm
from backend.terms import CandidateStatus
from backend.triage.decisions import acknowledge, close
from backend.triage.models import CandidateEvent, CandidateQuestion
from backend.triage.questions import ask
from backend.triage.snoozes import snooze
from backend.worklist.models import WorkItem
from notifications.models import InboundMessage
from tests import people
from tests.conftest import Clock
from tests.conversations.test_answers_by_text import replies, with_a_confirmed_cycle
from tests.phone import Phone, plan_and_send
from tests.reports.test_submit import submitted, weekly

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEST = system("test")
DARK_URINE = ({"item": "checklist.dark_urine", "value": 1},)
TOLD = ("no answers", "will look at", "has seen", "an eye on", "asked you", "finished with")
SISTERS_PHONE, SONS_PHONE = "+8613800138444", "+8613800138555"


def waiting(db: Database) -> list[str]:
    """What became of the texts that wait for a person."""
    with db.reading(TEST) as txn:
        left = select(InboundMessage.handled_how).where(InboundMessage.handled_at.is_(None))
        return sorted(how or "" for how in txn.session.scalars(left))


def tasks(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(WorkItem.reason)))


def test_status_tells_from_received_to_decided_what_became_of_the_last_report(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone, person = people.ann(db), Phone(work, people.ANNS_PHONE), people.coordinator(db)
    said = phone.writes("STATUS")
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=DARK_URINE))
    said += phone.writes("status")

    for hour, step in enumerate((acknowledge, _snoozed, _asked, _closed)):
        clock.move_to(f"2027-03-01T{9 + hour:02}:00:00+08:00")
        with db.transaction(person.actor) as txn:
            step(txn, txn.session.scalars(select(CandidateEvent)).one())
        # The question itself leaves by the same telephone.
        said += [text for text in phone.writes("进度") if "Since when" not in text]

    assert [text for text in said if "Mon 1 March" not in text] == [said[0]]
    assert [words for words, text in zip(TOLD, said, strict=True) if words not in text] == []
    assert (waiting(db), _questions_answered(db)) == ([], 0)


def test_nobody_reads_that_nothing_needs_to_be_done_after_words_of_danger_by_text(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers={}))
    [before] = phone.writes("STATUS")
    clock.move_to("2027-03-01T12:00:00+08:00")
    phone.writes("He is coughing up blood")

    [after] = phone.writes("STATUS")

    assert "Nothing in them needs anything" in before
    assert TOLD[1] in after


def test_a_report_that_calls_for_nothing_is_said_to_call_for_nothing_and_the_newest_one_counts(
    db: Database, clock: Clock, work: Work
) -> None:
    ben = people.ben(db)
    submitted(db, ben, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=DARK_URINE))
    clock.move_to("2027-03-02T09:00:00+08:00")
    submitted(db, ben, weekly("2027-03-02T08:55:00+08:00"))

    said = Phone(work, people.BENS_PHONE).writes("進度。")

    assert said == ["【随访小组】已收到您3月2日(周二)的回答，目前不需要做什么。如有变化，请拨打120"]


def test_a_caregiver_hears_of_a_report_only_where_the_patient_lets_them_report(db: Database, work: Work) -> None:
    sister = CaregiverForm(name="Wu Mei", phone=SISTERS_PHONE, relation="sister", may_report=True)
    son = CaregiverForm(name="Wu Li", phone=SONS_PHONE, relation="son")
    ann = people.ann(db, caregivers=(sister, son))
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00"))

    told, untold = Phone(work, SISTERS_PHONE).writes("status"), Phone(work, SONS_PHONE).writes("status")

    assert "We have your answers of Mon 1 March" in told[0]
    assert "will read it" in untold[0]
    assert len(waiting(db)) == 1


def test_call_makes_a_task_for_a_call_and_what_was_asked_is_asked_no_more(db: Database, work: Work) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    before = phone.writes("电话")
    with_a_confirmed_cycle(db, ann, date(2027, 2, 26))
    plan_and_send(work)

    after, late = phone.writes("CALL"), phone.writes("1")

    assert "will call you" in before[0]
    assert "will call you" in after[0]
    assert tasks(db) == ["call_requested", "call_requested"]
    # As after a 3: nothing is open any more that a digit could answer.
    assert (replies(db, ann), "will read it" in late[0]) == ({}, True)


def test_the_word_beside_a_digit_is_that_answer_and_no_which_may_be_a_refusal_is_asked_again(
    db: Database, clock: Clock, work: Work
) -> None:
    people.ben(db, caregivers=())
    phone = Phone(work, people.BENS_PHONE)
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)

    weight, card = phone.writes("40公斤"), phone.writes("36.8")
    again, emergency = phone.writes("No"), phone.writes("有")

    assert "没看懂" in weight[0], "It is no fever of 40."
    assert "危险信号卡" in card[0]
    assert "没看懂" in again[0]
    assert "紧急情况" in emergency[0]
    with db.reading(TEST) as txn:
        assert set(txn.session.scalars(select(CandidateEvent.tier))) == {"T1"}


def test_help_is_answered_with_our_number_and_a_word_without_a_survey_is_for_a_person(db: Database, work: Work) -> None:
    people.ann(db)
    phone = Phone(work, people.ANNS_PHONE)

    helped, later = phone.writes("帮助"), phone.writes("LATER")

    assert "You can reach us at 120" in helped[0]
    assert "will read it" in later[0]
    assert len(waiting(db)) == 1


def _asked(txn, candidate) -> None:
    ask(txn, candidate, "Since when?")


def _snoozed(txn, candidate) -> None:
    snooze(txn, candidate, date(2027, 3, 8))


def _closed(txn, candidate) -> None:
    close(txn, candidate, CandidateStatus.DISMISSED, "dismissed")


def _questions_answered(db: Database) -> int:
    with db.reading(TEST) as txn:
        return len(
            txn.session.scalars(select(CandidateQuestion).where(CandidateQuestion.answered_at.is_not(None))).all()
        )
