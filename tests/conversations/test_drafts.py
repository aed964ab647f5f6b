"""Answers one by one become one report, whatever way each of them came; nothing that was answered is lost."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from backend.conversation_terms import ConversationStatus
from backend.conversations import drafts, filing
from backend.conversations.endings import see_to_surveys
from backend.conversations.models import Conversation
from backend.db import Database, Transaction, system
from backend.errors import NoLongerPossible
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from tests import people
from tests.conftest import Clock

TEST = system("test")


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def opened(
    txn: Transaction, patient: Patient, extent: str = "full", instrument: str = "weekly", key: str | None = None
) -> Conversation:
    return drafts.open_conversation(
        txn,
        txn.session.get_one(Patient, patient.id),
        drafts.Opening(
            instrument=instrument,
            version=1,
            agenda_key=key,
            extent=extent,
            language="zh-CN",
            closes_at=txn.now + timedelta(days=3),
        ),
    )


def say(txn: Transaction, conversation: Conversation, item: str, value: float | None, channel: str = "sms") -> None:
    drafts.record_answer(txn, conversation, item, value, channel=channel, at=txn.now)


def only_report(db: Database) -> SymptomReport:
    with db.reading(TEST) as txn:
        report = txn.session.scalars(select(SymptomReport)).one()
        txn.session.expunge(report)
        return report


def test_what_is_begun_by_text_and_ended_on_the_form_is_one_report_that_says_how_each_answer_came(
    db: Database, clock: Clock, ann: Patient
) -> None:
    with db.transaction(TEST) as txn:
        conversation = opened(txn, ann, extent="short")
        say(txn, conversation, "temperature_c", 36.8)
        say(txn, conversation, "card.any_sign", 0)
        assert opened(txn, ann) is conversation
        assert filing.judge_so_far(txn, conversation, drafts.answers_of(txn, conversation)) is None
    clock.move_to("2027-03-02T11:00:00+08:00")
    with db.transaction(TEST) as txn:
        [conversation] = drafts.live(txn, txn.session.get_one(Patient, ann.id))
        say(txn, conversation, "overall.severity", 1, "web_form")
        say(txn, conversation, "overall.severity", 3, "web_form")
        submitted = filing.file(txn, conversation, status=ConversationStatus.COMPLETED)
        assert submitted.report.id == conversation.report_id

    report = only_report(db)
    assert (report.mode, report.respondent, report.measurements) == ("web_form", "patient", {"temperature_c": 36.8})
    assert report.answers["checklist.chills"] == 0
    assert report.answers["nausea.severity"] == "not_reached"
    assert report.caveats == ["mode_not_validated", "signs_asked_as_one", "symptoms_asked_as_one"]
    assert report.provenance is not None
    assert report.provenance["checklist.chills"]["channel"] == "sms"
    assert report.provenance["overall.severity"]["value"] == "3"
    assert report.tier is not None, "A person looks at what is bad, whatever it is."


def test_what_hurries_nobody_is_not_compared_with_what_was_said_before_until_it_is_filed(
    db: Database, ann: Patient
) -> None:
    judged, filed = [], []
    for _ in range(2):
        with db.transaction(TEST) as txn:
            conversation = opened(txn, ann)
            say(txn, conversation, "card.any_sign", 0)
            say(txn, conversation, "nausea.frequency", 2)
            say(txn, conversation, "nausea.severity", 2)
            judged.append(filing.judge_so_far(txn, conversation, drafts.answers_of(txn, conversation)))
            filed.append(filing.file(txn, conversation, status=ConversationStatus.PARTIAL).report.tier)

    assert judged == ["T3", "T3"]
    assert filed[1] is None, "The same was said before."


def test_an_emergency_is_heard_before_anything_is_filed_and_what_has_ended_takes_no_answer(
    db: Database, clock: Clock, ann: Patient
) -> None:
    with db.transaction(TEST) as txn:
        conversation = opened(txn, ann)
        assert filing.judge_so_far(txn, conversation, drafts.answers_of(txn, conversation)) is None
        say(txn, conversation, "card.any_sign", 1)
        assert filing.judge_so_far(txn, conversation, drafts.answers_of(txn, conversation)) == "T1"
        filing.file(txn, conversation, status=ConversationStatus.PARTIAL)
        with pytest.raises(NoLongerPossible):
            say(txn, conversation, "temperature_c", 36.8)
        with pytest.raises(NoLongerPossible):
            filing.file(txn, conversation, status=ConversationStatus.COMPLETED)

    assert only_report(db).caveats == ["mode_not_validated", "signs_asked_as_one", "not_finished"]
    assert isinstance(only_report(db).id, UUID)


def test_what_was_never_asked_ends_unreachable_and_what_was_answered_on_the_form_is_filed_each_once(
    db: Database, clock: Clock, ann: Patient
) -> None:
    with db.transaction(TEST) as txn:
        opened(txn, ann)
        say(txn, opened(txn, ann, instrument="safety"), "temperature_c", 37.0, "web_form")
    clock.move_to("2027-03-04T08:00:00+08:00")

    ended = [dict(see_to_surveys(db)), dict(see_to_surveys(db))]

    assert ended == [{"surveys_ended": 2}, {}]
    with db.reading(TEST) as txn:
        assert sorted(txn.session.scalars(select(Conversation.status))) == ["partial", "unreachable"]
    assert (only_report(db).mode, only_report(db).measurements) == ("web_form", {"temperature_c": 37.0})


def test_what_the_report_of_another_has_answered_in_the_same_tick_is_broken_off_and_not_left_for_later(
    db: Database, clock: Clock, ann: Patient
) -> None:
    clock.move_to("2027-03-04T10:00:00+08:00")
    with db.transaction(TEST) as txn:
        say(txn, opened(txn, ann, "short"), "overall.severity", 1)
        prompted = opened(txn, ann, "short", key="weekly.w1")
        prompted.status, prompted.asked, prompted.closes_at = ConversationStatus.WAITING, "overall.severity", None
        by_itself = txn.session.scalars(select(Conversation).where(Conversation.agenda_key.is_(None))).one()
        # Their turns come in the order in which they were opened.
        by_itself.opened_at, by_itself.closes_at = txn.now - timedelta(hours=1), txn.now + timedelta(hours=1)
    clock.move_to("2027-03-04T11:00:00+08:00")

    assert dict(see_to_surveys(db)) == {"surveys_ended": 2}

    assert only_report(db).agenda_key == "weekly.w1"
    with db.reading(TEST) as txn:
        assert sorted(txn.session.scalars(select(Conversation.status))) == ["broken_off", "partial"]
