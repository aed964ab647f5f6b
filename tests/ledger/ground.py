"""Who is written to in the ledger, and what: the shipped study, patients by text message alone, N due messages.

Everything goes through the product's own verbs: one message of each patient is the agenda's (infusion days
confirmed for tomorrow), the rest are queued at the mailroom's counter, and the real release decides about all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from backend import clock
from backend.agenda import changes
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.terms import ChannelKind, Recipient, Urgency
from notifications import Letter, queue
from tests import people
from tests.ledger.books import WANTED

LEDGER = system("ledger")
MESSAGES_EACH = 20
FEWEST_PATIENTS = 4
NOON = 12
SPOKEN_OF = date(2027, 1, 1)


@dataclass
class Ground:
    """The patients by their numbers, and how many of the messages have been queued."""

    patients: dict[str, Patient]
    letters: int
    queued: int = 0

    def queue(self, db: Database, part: float = 1.0) -> None:
        """As many as make this part of them all, due at once."""
        wanted = range(self.queued, round(self.letters * part))
        for turn, patient in enumerate(self.patients.values()):
            with db.transaction(LEDGER) as txn:
                _queue(txn, patient, [number for number in wanted if number % len(self.patients) == turn])
        self.queued = max(self.queued, wanted.stop)


def make_ground(db: Database, messages: int) -> Ground:
    """Patients for so many messages, who are where it is about noon, so that no night holds any back."""
    count = max(FEWEST_PATIENTS, messages // MESSAGES_EACH)
    zone = zone_at_noon(clock.wall())
    numbers = [f"+86138{number:08}" for number in range(count)]
    return Ground({number: _enrolled(db, number, zone) for number in numbers}, messages - count)


def _enrolled(db: Database, number: str, zone: str) -> Patient:
    """By text message alone, and to be told at once that the infusion days begin tomorrow."""
    today = clock.local_day(clock.now(), "Asia/Shanghai")
    form = replace(
        people.ANN,
        phone=number,
        time_zone=zone,
        channels=(ChannelKind.SMS,),
        consented_on=today - timedelta(days=30),
        randomised_on=today - timedelta(days=25),
    )
    patient = people.enrolled(db, form)
    with db.transaction(LEDGER) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, today - timedelta(days=14))
        changes.confirm_cycle(txn, row, 1)
    return patient


def _queue(txn: Transaction, patient: Patient, numbers: Sequence[int]) -> None:
    """Each speaks of another day, so that no two texts to one number are alike."""
    for number in numbers:
        queue(
            txn,
            Letter(
                key=f"{WANTED}{number}",
                template="visit_reminder",
                recipient=Recipient.PATIENT,
                # Outside the daily cap, inside the patient's waking hours.
                urgency=Urgency.INFUSION,
                patient_id=patient.id,
                site_id=patient.site_id,
                send_at=txn.now,
                values={"date": (SPOKEN_OF + timedelta(days=number)).isoformat()},
            ),
        )


def zone_at_noon(now: datetime) -> str:
    """Where it is about noon at this moment. The names of these zones have the sign turned round."""
    ahead = NOON - now.hour
    return f"Etc/GMT{-ahead:+}" if ahead else "Etc/GMT"
