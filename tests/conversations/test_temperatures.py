"""A temperature sent by itself is heard as a report is: after an infusion it rings."""

from datetime import date, datetime

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda import changes
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from tests import people
from tests.conftest import Clock
from tests.phone import Phone

TEST = system("test")
FIRST_DAY = datetime.fromisoformat("2027-03-13T09:00:00+08:00")


def infused(db: Database, patient: Patient) -> None:
    """The first of two days was given."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    the_clock.move_to(FIRST_DAY)
    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, txn.session.get_one(Patient, patient.id), 1, 1, FIRST_DAY)


def filed(db: Database) -> list[tuple[str, str, str | None, float]]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(SymptomReport).order_by(SymptomReport.received_at)).all()
        return [(one.instrument, one.mode, one.tier, one.measurements["temperature_c"]) for one in rows]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_temperature_that_nobody_asked_for_is_judged_like_any_other(db: Database, clock: Clock, work: Work) -> None:
    # No questionnaire is asked by text.
    ann, _ben = people.ann(db, channels=("in_app",)), people.ben(db, channels=("in_app",))
    hers, his = Phone(work, people.ANNS_PHONE), Phone(work, people.BENS_PHONE)
    infused(db, ann)
    said = []
    for minute, (phone, text) in enumerate(((hers, "体温38.4"), (his, "38,4"), (his, "36.8"), (his, "380"))):
        the_clock.move_to(FIRST_DAY.replace(hour=15, minute=minute))
        said += phone.writes(text)

    assert said[0].startswith("This may be an emergency. Call 120 now")
    assert ["有人看" in said[1], "收到" in said[2], "有人看" in said[3]] == [True] * 3
    assert filed(db) == [
        ("ad_hoc", "sms", "T1", 38.4),
        ("ad_hoc", "sms", "T2", 38.4),
        ("ad_hoc", "sms", None, 36.8),
    ]
