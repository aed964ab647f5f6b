"""A death that is reported while a text of the patient's telephone waits to be understood."""

import threading

import pytest
from sqlalchemy import select

import notifications
from backend.conversation_terms import WhyHere
from backend.conversations.handle import understand
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.survival import deaths
from backend.terms import WorkReason
from backend.worklist.models import WorkItem
from notifications.models import InboundMessage
from tests import people

TEST = system("test")
COORDINATOR = system("a coordinator")


@pytest.mark.parametrize("words", ["I cannot breathe", "1", "Thank you for everything"])
def test_whoever_writes_meanwhile_is_read_by_a_person_who_knows_of_the_report(
    db: Database, work: Work, words: str
) -> None:
    ann = people.ann(db)
    arrived = notifications.receive(db, work.channels["sms"].write_from(people.ANNS_PHONE, words))
    assert arrived is not None
    understanding = threading.Thread(target=understand, args=(db, arrived))
    with db.transaction(COORDINATOR) as txn:
        deaths.report_death(txn, txn.session.get_one(Patient, ann.id))
        txn.session.flush()
        understanding.start()
        # It waits for the patient's turn, and on SQLite for the writer's.
        understanding.join(0.5)
        assert understanding.is_alive()
    understanding.join()

    with db.reading(TEST) as later:
        assert later.session.scalars(select(InboundMessage.handled_how)).all() == [WhyHere.WROTE_WHILE_DEATH_REPORTED]
        assert WorkReason.WROTE_WHILE_DEATH_REPORTED in later.session.scalars(select(WorkItem.reason)).all()
