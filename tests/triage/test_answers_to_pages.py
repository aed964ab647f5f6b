"""A 1 by text takes an emergency on; whatever else staff write is for a person to read."""

from typing import Any

import pytest
from sqlalchemy import event, select

from backend.db import Database
from backend.jobs import Work
from backend.staff.models import StaffRole
from backend.terms import PageAnswer, Role, WorkReason
from backend.triage.models import CandidateEvent, StaffPage
from backend.triage.page_answers import answer_page
from backend.worklist.models import WorkItem
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage
from tests import people
from tests.phone import Phone
from tests.triage.called import TEST, Called, on_call, pages, reports, row_of, staff, the_page


@pytest.fixture
def lin(work: Work) -> Called:
    """On call today."""
    member = staff(work)
    on_call(work, member)
    return member


def an_emergency(db: Database, client: Any, work: Work, **changes: Any) -> str:
    """A patient reports a seizure, and whoever is on call is texted; the subject number."""
    patient = people.ann(db, **changes)
    reports(client, people.phone_of(db, patient).headers, checklist__seizure=1)
    work.dispatch()
    return patient.subject_number


def read_how(db: Database) -> list[tuple[str | None, bool]]:
    """How each text was understood, and whether nothing is left to do about it."""
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(InboundMessage).order_by(InboundMessage.received_at, InboundMessage.id))
        return [(row.handled_how, row.handled_at is not None) for row in rows]


@pytest.mark.parametrize("digit", ["1", "１", " 1. "])
def test_a_plain_1_acknowledges_and_is_confirmed(
    db: Database, client: Any, work: Work, lin: Called, digit: str
) -> None:
    subject = an_emergency(db, client, work)

    (answer,) = lin.phone.writes(digit)

    assert f"the emergency of patient {subject} is yours now" in answer
    assert answer.endswith("Still open for you: 0.")
    assert (the_page(db).acknowledged_by, the_page(db).acknowledged_how) == (lin.id, "reply")
    assert read_how(db) == [("page_answered", True)]


@pytest.mark.parametrize("words", ["2", "11", "1 on my way", "yes", "0"])
def test_whatever_is_not_plainly_a_1_goes_to_the_inbox_and_the_page_goes_on(
    db: Database, client: Any, work: Work, lin: Called, words: str
) -> None:
    an_emergency(db, client, work)

    assert lin.phone.writes(words) == []

    assert the_page(db).acknowledged_at is None
    assert read_how(db) == [("staff_number", False)]
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(InboundMessage.site_id)).one() == the_page(db).site_id


def test_a_1_answers_the_page_last_sent_and_names_how_many_are_open(
    db: Database, client: Any, work: Work, clock: Any, lin: Called
) -> None:
    first = an_emergency(db, client, work)
    clock.move_to("2027-03-01T08:01:00+08:00")
    second = an_emergency(db, client, work, phone="+8613800138077")

    (one,) = lin.phone.writes("1")
    (two,) = lin.phone.writes("1")

    assert (second in one, "Still open for you: 1" in one) == (True, True)
    assert (first in two, "Still open for you: 0" in two) == (True, True)
    assert all(page.acknowledged_at for page in pages(db))


def test_the_second_to_reply_hears_that_somebody_was_first(db: Database, client: Any, work: Work, lin: Called) -> None:
    other = staff(work)
    on_call(work, other)
    subject = an_emergency(db, client, work)
    lin.phone.writes("1")

    (answer,) = other.phone.writes("1")

    assert answer.startswith(f"Somebody else has already taken on the emergency of patient {subject}")
    assert the_page(db).acknowledged_by == lin.id
    assert other.phone.writes("1") == [], "a third text is for a person to read"


def test_a_1_before_any_page_was_texted_answers_nothing(db: Database, client: Any, work: Work, lin: Called) -> None:
    patient = people.ann(db)
    reports(client, people.phone_of(db, patient).headers, checklist__seizure=1)
    receive(db, ReceivedText("sm-1", lin.phone.number, "10690000", "1"))
    work.understand()

    assert the_page(db).acknowledged_at is None
    assert read_how(db) == [("staff_number", False)]


def test_on_a_phone_shared_with_a_patient_only_a_1_to_an_open_page_is_the_staffs(
    db: Database, client: Any, work: Work, lin: Called
) -> None:
    people.ann(db, name="Dai Qi", phone=lin.phone.number)
    subject = an_emergency(db, client, work)

    help_text = lin.phone.writes("help")
    (answer,) = lin.phone.writes("1")
    later = lin.phone.writes("1")

    assert "This is your study team" in help_text[0]
    assert subject in answer
    assert "already taken on" not in later[0], "with no page open the patient's own meaning holds"


def test_a_stop_from_staff_is_a_task_of_their_site(db: Database, work: Work, lin: Called) -> None:
    lin.phone.writes("STOP")

    with db.reading(TEST) as txn:
        item = txn.session.scalars(select(WorkItem).where(WorkItem.reason == WorkReason.MESSAGES_STOPPED)).one()
        assert item.patient_id is None


def test_a_1_from_a_stranger_answers_no_page(db: Database, client: Any, work: Work, lin: Called) -> None:
    staff(work, Role.INVESTIGATOR)
    an_emergency(db, client, work)

    Phone(work, "+8613700000001").writes("1")

    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(CandidateEvent.status)).all() == ["proposed"]


def test_whoever_has_left_the_care_team_silences_no_page(db: Database, client: Any, work: Work, lin: Called) -> None:
    an_emergency(db, client, work)
    with db.transaction(TEST) as txn:
        held = txn.session.scalars(select(StaffRole).where(StaffRole.staff_id == lin.id)).one()
        held.role = Role.MONITOR

    assert lin.phone.writes("1") == []

    with db.transaction(TEST) as txn:
        page = txn.session.get_one(StaffPage, the_page(db).id)
        assert not answer_page(txn, page, row_of(txn, lin), PageAnswer.LINK)
    assert the_page(db).acknowledged_at is None
    assert read_how(db) == [("staff_number", False)]


def test_which_page_was_texted_last_is_one_question_however_many_there_are(
    db: Database, client: Any, work: Work, lin: Called
) -> None:
    for number in range(4):
        an_emergency(db, client, work, phone=f"+861380013809{number}")
    asked: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.extend([statement] if "max(message.send_at)" in statement else [])

    event.listen(db.engine, "before_cursor_execute", keep)
    lin.phone.writes("1")
    event.remove(db.engine, "before_cursor_execute", keep)

    assert len(asked) == 2, "which page it answers, and how many are open after that"
    assert [page.acknowledged_at is None for page in pages(db)].count(False) == 1
