"""Two texts at once, a text and a tick at once: each answer counts once, and a questionnaire is filed once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import notifications
from backend.conversation_terms import ConversationStatus
from backend.conversations import drafts, filing
from backend.conversations.handle import understand
from backend.conversations.models import Conversation
from backend.db import Database, system
from backend.errors import NoLongerPossible
from backend.jobs import Work
from backend.patients.symptom_report import SymptomReport
from backend.staff.models import Site
from notifications.channels.simulator import Simulator
from notifications.models import InboundMessage
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_of_several_texts_at_once_one_ends_the_survey_and_it_is_filed_once(
    db: Database, clock: Clock, work: Work
) -> None:
    people.ben(db, caregivers=())
    with db.transaction(TEST) as txn:
        txn.session.scalars(select(Site).where(Site.code == "site-01")).one().text_surveys = "short"
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)
    phone, simulator = Phone(work, people.BENS_PHONE), work.channels["sms"]
    assert isinstance(simulator, Simulator)
    phone.writes("36.8")
    phone.writes("2")
    kept = [notifications.receive(db, simulator.write_from(people.BENS_PHONE, text)) for text in ("0", "1", "0")]

    with ThreadPoolExecutor(5) as pool:
        pool.submit(work.see_to_surveys)
        form = pool.submit(on_the_form, db)
        assert all(pool.map(lambda one: understand(db, one), [one for one in kept if one]))
        was_first = form.result()

    with db.reading(TEST) as txn:
        [report] = txn.session.scalars(select(SymptomReport))
        assert report.provenance is not None
        assert report.provenance["overall.severity"]["value"] == ("3" if was_first else report_says(report))
        assert txn.session.scalars(select(Conversation.status)).all() == ["completed"]
        left = txn.session.scalars(select(InboundMessage).where(InboundMessage.handled_at.is_(None))).all()
        assert len(left) == (3 if was_first else 2), "What came after the end is for a person."


def on_the_form(db: Database) -> bool:
    """The last answer and the end of it, on the form; whether that came before the texts."""
    try:
        with db.transaction(TEST) as txn:
            survey = drafts.hold(txn, txn.session.scalars(select(Conversation)).one())
            drafts.record_answer(txn, survey, "overall.severity", 3, channel="web_form", at=txn.now)
            filing.file(txn, survey, status=ConversationStatus.COMPLETED)
        return True
    except NoLongerPossible:
        return False


def report_says(report: SymptomReport) -> str:
    value: str = (report.provenance or {})["overall.severity"]["value"]
    assert value in ("0", "1")
    return value
