"""The short form of ``do.py bench plan``: it plans what it says, as an empty outbox wants it. No speed is asserted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from backend import clock
from backend.agenda.planning import everyone, replan
from backend.db import Database
from backend.patients.models import Patient
from notifications.models import Message
from tests.bench.plan import Measured, lines, measure
from tests.bench.plan_ground import BENCH, NOW
from tests.databases import KEYRING, KINDS

PATIENTS = 24


@pytest.mark.parametrize("kind", KINDS)
def test_the_short_form_plans_every_patient_and_tells_the_ratio(databases, tmp_path, kind):
    url = databases.fresh_url(kind)

    measured = measure(url, tmp_path, PATIENTS)

    said = "\n".join(lines(kind, measured))
    assert f"{PATIENTS} patients, {measured.rows} messages" in said
    assert f"ratio {measured.ratio:.3f}" in said
    assert what_is_left_to_plan(url) == set()
    databases.drop(url)


def what_is_left_to_plan(url: str) -> set[str]:
    """Templates of what one patient after the other would still be told, on a database that was planned in bulk."""
    db = Database(url, KEYRING)
    clock.move_to(NOW)
    try:
        with db.transaction(BENCH) as txn:
            before = set(txn.session.scalars(select(Message.id)))
            for patient_id in everyone(txn):
                replan(txn, txn.session.get_one(Patient, patient_id))
            rows = txn.session.execute(select(Message.id, Message.template, Message.status))
            return {template for row_id, template, status in rows if row_id not in before or status != "queued"}
    finally:
        clock.set_ahead(timedelta(0))
        db.close()


def test_the_ratio_is_that_of_the_middle_insert():
    measured = Measured(patients=10, rows=100, planning=2.0, bare=[0.5, 9.0, 0.4], again=1.0)

    assert measured.ratio == 0.25
    assert "ratio 0.250 (0.200 to 4.500)" in "\n".join(lines("sqlite", measured))
