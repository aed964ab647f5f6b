"""A death before month 24 is a fatal serious event until a physician says what it was: it opens a candidate at once.

The investigator may settle it as the disease's own course. It waits like any other; nothing of it is sent to the
patient or the family.
"""

from datetime import date

from backend import clock
from backend.adverse_events.suspected import are_sought, suspect, withdraw
from backend.db import Transaction
from backend.event_terms import Seriousness
from backend.partial_dates import earliest, latest
from backend.patients.models import Patient

# One for a patient, however many report the death.
SUBJECT = "death"
DENIED = "death_denied"


def suspect_death(txn: Transaction, patient: Patient, died_on: str | None) -> None:
    """Somebody reports that the patient died, on a day as precise as it is known. Nothing after month 24."""
    today = clock.local_day(txn.now, patient.time_zone)
    if are_sought(txn, patient, earliest(died_on) if died_on else today):
        suspect(txn, patient, Seriousness.DEATH, subject=SUBJECT, on=latest_day(died_on, today))


def unsuspect_death(txn: Transaction, patient: Patient) -> None:
    """The last report of the death that stood was mistaken: nobody need judge it."""
    withdraw(txn, patient, SUBJECT, DENIED)


def latest_day(died_on: str | None, today: date) -> date:
    """The latest day that a date as it was told can mean, which is no later than today. Pure."""
    return min(latest(died_on), today) if died_on else today
