"""A death that is told while a message is on its way to the provider: what was claimed beside it is said to nobody."""

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.conversations import letters
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import ContactHold, Patient
from backend.survival.deaths import report_death
from notifications.channels import Envelope
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, Message
from tests.people import BENS_PHONE, ben
from tests.phone import Phone

SOMEBODY = system("whoever takes the call")
MORNING = "2027-03-04T09:30:00+08:00"


def tell(db: Database, patient_id: UUID) -> None:
    with db.transaction(SOMEBODY) as txn:
        report_death(txn, txn.session.get_one(Patient, patient_id), died_on="2027-03-03", informant="A sister")


class InterruptedSimulator(Simulator):
    """While the first text is being handed over, a sister telephones."""

    def __init__(self, db: Database, patient_id: UUID) -> None:
        super().__init__(db)
        self.patient_id, self.handed_over = patient_id, 0

    def send(self, envelope: Envelope, attempt_id: UUID) -> Any:
        self.handed_over += 1
        if self.handed_over == 1:
            tell(self._db, self.patient_id)
        return super().send(envelope, attempt_id)


def several_due(db: Database, clock: Any) -> Patient:
    """A person of the team has written to Ben twice."""
    patient = ben(db, caregivers=())
    clock.move_to(MORNING)
    with db.transaction(SOMEBODY) as txn:
        for words in ("Please bring your card.", "Please come to the second floor."):
            letters.write(txn, txn.session.get_one(Patient, patient.id), letters.Words(words))
    return patient


def test_of_two_texts_that_are_due_the_second_stays_unsaid_once_a_death_is_told_during_the_first(
    db: Database, work: Work, clock: Any
) -> None:
    patient = several_due(db, clock)
    interrupted = InterruptedSimulator(db, patient.id)

    replace(work, channels={**work.channels, "sms": interrupted}).dispatch()
    work.dispatch()

    assert interrupted.handed_over == 1
    assert len(Phone(work, BENS_PHONE).received) == 1
    with db.reading(SOMEBODY) as txn:
        left = txn.session.scalars(select(Message.status).where(Message.patient_id == patient.id)).all()
        assert set(left) <= {"sent", "delivered", "cancelled", "suppressed"}


def test_whichever_comes_first_nothing_is_begun_after_the_death_was_told(db: Database, work: Work, clock: Any) -> None:
    patient = several_due(db, clock)
    together = Barrier(2)
    begun_by_then: list[int] = []

    def telephone() -> None:
        together.wait()
        tell(db, patient.id)
        with db.reading(SOMEBODY) as txn:
            begun_by_then.append(len(txn.session.scalars(select(Attempt.id)).all()))

    caller = Thread(target=telephone)
    caller.start()
    together.wait()
    work.dispatch()
    caller.join()
    work.dispatch()

    with db.reading(SOMEBODY) as txn:
        assert len(txn.session.scalars(select(Attempt.id)).all()) == begun_by_then[0]
        assert txn.session.scalars(select(ContactHold.reason)).all() == ["death_reported"]
        waiting = select(Message.id).where(Message.status.in_(("queued", "claimed")))
        assert txn.session.scalars(waiting).all() == []
