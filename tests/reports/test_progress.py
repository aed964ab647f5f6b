"""What a patient reads of a report they sent: at every step true, in plain words, and never what was decided."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports.progress import Judged, in_words, progress, progress_of
from backend.terms import CandidateStatus, Language
from backend.triage.decisions import acknowledge, close
from backend.triage.models import CandidateEvent
from backend.triage.questions import ask, take_answer
from backend.triage.snoozes import snooze
from notifications.inbound import ReceivedText, keep
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.reports.test_submit import submitted, weekly

RECEIVED = datetime(2027, 3, 1, tzinfo=UTC)
BEFORE, AFTER, LATER = RECEIVED - timedelta(days=1), RECEIVED + timedelta(hours=1), RECEIVED + timedelta(hours=2)
ACKNOWLEDGED, NEEDS_INFO = CandidateStatus.ACKNOWLEDGED, CandidateStatus.NEEDS_INFO
PROPOSED, DISMISSED = CandidateStatus.PROPOSED, CandidateStatus.DISMISSED
CONFIRMED, MERGED = CandidateStatus.CONFIRMED, CandidateStatus.MERGED


def judged(status: CandidateStatus, *steps: datetime, watched: bool = False) -> Judged:
    return Judged(status, steps, is_watched=watched)


@pytest.mark.parametrize(
    ("raised", "state", "words"),
    [
        ([], "received", "nothing_to_do"),
        ([judged(PROPOSED)], "received", "received"),
        # What was done before the report came was about another one.
        ([judged(ACKNOWLEDGED, BEFORE)], "received", "received"),
        ([judged(ACKNOWLEDGED, AFTER)], "seen", "seen"),
        ([judged(ACKNOWLEDGED, AFTER), judged(PROPOSED)], "seen", "seen"),
        ([judged(NEEDS_INFO, AFTER)], "seen", "asked"),
        ([judged(NEEDS_INFO, AFTER), judged(DISMISSED, AFTER)], "seen", "asked"),
        ([judged(ACKNOWLEDGED, AFTER, watched=True)], "seen", "watched"),
        ([judged(ACKNOWLEDGED, AFTER, watched=True), judged(DISMISSED, AFTER)], "seen", "watched"),
        ([judged(ACKNOWLEDGED, AFTER, watched=True), judged(PROPOSED)], "seen", "seen"),
        # Back in the queue because it got worse.
        ([judged(PROPOSED, AFTER)], "seen", "seen"),
        ([judged(DISMISSED, AFTER)], "decided", "decided_dismissed"),
        ([judged(CONFIRMED, AFTER, LATER)], "decided", "decided_confirmed"),
        ([judged(DISMISSED, AFTER), judged(CONFIRMED, LATER)], "decided", "decided_confirmed"),
        ([judged(DISMISSED, AFTER), judged(MERGED, LATER)], "decided", "decided"),
        # Closed before this report came and touched by nobody since.
        ([judged(DISMISSED, AFTER), judged(DISMISSED, BEFORE)], "seen", "seen"),
    ],
)
def test_each_step_has_its_state_and_its_words(raised: list[Judged], state: str, words: str) -> None:
    how_far = progress(RECEIVED, raised)

    assert (how_far.state, how_far.words) == (state, words)
    assert (how_far.seen_at is not None) == (state in ("seen", "decided"))
    assert (how_far.decided_at is not None) == (state == "decided")


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def read_by(db: Database, ann: Patient, language: Language = Language.ENGLISH) -> str:
    """What Ann reads of her latest report now."""
    with db.reading(system("test")) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        report = txn.session.scalars(select(SymptomReport).order_by(SymptomReport.received_at.desc())).first()
        return in_words(txn, patient, progress_of(txn, [report])[report.id], language)


def act(db: Database, person: people.Person, step) -> None:
    with db.transaction(person.actor) as txn:
        step(txn, txn.session.scalars(select(CandidateEvent)).one())


def test_a_patient_reads_along_from_received_to_decided(db: Database, clock: Clock, ann: Patient) -> None:
    person = people.coordinator(db)
    signs = ({"item": "checklist.dark_urine", "value": 1},)
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=signs))
    read = [read_by(db, ann)]

    for hour, step in enumerate((acknowledge, _asked, _answered, _snoozed, _closed)):
        clock.move_to(f"2027-03-01T{9 + hour:02}:00:00+08:00")
        act(db, person, step)
        read.append(read_by(db, ann))

    assert "It is with the study team" in read[0]
    assert "has seen your report." in read[1]
    assert "asked you something" in read[2]
    assert read[3] == read[1]
    assert "keeps an eye on it" in read[4]
    assert "Nothing more needs to be done" in read[5]
    clock.move_to("2027-03-03T09:00:00+08:00")
    assert read_by(db, ann) == read[5]


def test_a_snooze_that_is_over_is_no_longer_watching(db: Database, clock: Clock, ann: Patient) -> None:
    person = people.coordinator(db)
    signs = ({"item": "checklist.dark_urine", "value": 1},)
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=signs))
    act(db, person, _snoozed)
    watched = read_by(db, ann, Language.CHINESE)

    clock.move_to("2027-03-08T09:00:00+08:00")

    assert "继续留意" in watched
    assert "已有人看过" in read_by(db, ann, Language.CHINESE)


def test_an_answer_of_the_patients_own_is_nobodys_look_at_a_later_report(
    db: Database, clock: Clock, ann: Patient
) -> None:
    person = people.coordinator(db)
    signs = ({"item": "checklist.dark_urine", "value": 1},)
    submitted(db, ann, weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=signs))
    act(db, person, _asked)
    clock.move_to("2027-03-01T12:00:00+08:00")
    submitted(db, ann, weekly("2027-03-01T11:55:00+08:00", instrument="safety", answers=signs))

    clock.move_to("2027-03-01T13:00:00+08:00")
    act(db, person, _answered)

    assert "It is with the study team" in read_by(db, ann)


def _asked(txn, candidate) -> None:
    ask(txn, candidate, "Since when?")


def _answered(txn, candidate) -> None:
    txn.session.scalars(select(Message).where(Message.template == "question")).one().status = "delivered"
    text = ReceivedText("in-app-1", "", "", "since Tuesday", channel="in_app", patient_id=candidate.patient_id)
    received = keep(txn, text)
    assert received is not None
    txn.session.flush()
    assert take_answer(txn, txn.session.get_one(Patient, candidate.patient_id), received)


def _snoozed(txn, candidate) -> None:
    snooze(txn, candidate, date(2027, 3, 8))


def _closed(txn, candidate) -> None:
    close(txn, candidate, CandidateStatus.DISMISSED, "dismissed")
