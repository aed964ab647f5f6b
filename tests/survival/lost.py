"""Somebody of whom nothing has been heard for years, however often the site tried."""

from datetime import UTC, date, datetime
from uuid import UUID

from backend.contact_terms import ContactChannel, ContactOutcome, ContactPerson
from backend.db import Database, system
from backend.patients.models import Patient
from backend.survival.attempts import Asked, Attempted
from backend.survival.follow_up import record_attempt
from tests.people import ann

P, X, D = ContactPerson.PATIENT, ContactPerson.OTHER, ContactPerson.PHYSICIAN


def lost_patient(db: Database) -> UUID:
    """Enrolled in 2024; two whole rounds of attempts failed since, more than two years apart."""
    cai = ann(db, phone="+8613800138088", consented_on=date(2024, 2, 1), randomised_on=date(2024, 2, 10))
    with db.transaction(system("test")) as txn:
        patient = txn.session.get_one(Patient, cai.id)
        for year, month in ((2024, 5), (2026, 6)):
            for day, person in enumerate((P, P, P, X, X, D), 1):
                said = Attempted(
                    channel=ContactChannel.PHONE,
                    asked=Asked(person),
                    outcome=ContactOutcome.NO_ANSWER,
                    tried_at=datetime(year, month, day, 2, tzinfo=UTC),
                )
                record_attempt(txn, patient, said)
    return cai.id
