"""People who say STOP and people who die while their messages are in flight."""

from datetime import timedelta

from backend import clock
from backend.db import Database, system
from backend.patients.models import Patient
from backend.survival.deaths import approve, report_death, reports_of
from tests.fakes.twilio_process import FakeTwilio
from tests.ledger.ground import Ground
from tests.ledger.reckoning import Farewell

WHO_REPORTS, WHO_APPROVES = system("whoever takes the call"), system("whoever confirms it")
ONE_IN = 2


class Farewells:
    """One in two of the patients, by a death and by STOP in turn."""

    def __init__(self, db: Database, ground: Ground, twilio: FakeTwilio) -> None:
        self._db, self._twilio = db, twilio
        self._waiting = list(ground.patients.items())[::ONE_IN]
        self.said: list[Farewell] = []

    @property
    def waiting(self) -> int:
        """How many are still to be said."""
        return len(self._waiting)

    def say_one(self) -> None:
        """The next one, committed when this returns: what is released after that moment is one too many."""
        number, patient = self._waiting.pop()
        if len(self.said) % 2:
            self._stop(number)
            self.said.append(Farewell(number, clock.wall()))
            return
        self._report_death(patient)
        self.said.append(Farewell(number, clock.wall()))
        with self._db.transaction(WHO_APPROVES) as txn:
            row = txn.session.get_one(Patient, patient.id)
            approve(txn, row, reports_of(txn, row)[0])

    def _stop(self, number: str) -> None:
        heard = self._twilio.write(number, "STOP")
        if heard["status"] != 200:
            raise SystemExit(f"The webhook answered {heard['status']} to a STOP.")

    def _report_death(self, patient: Patient) -> None:
        yesterday = clock.local_day(clock.now(), "Asia/Shanghai") - timedelta(days=1)
        with self._db.transaction(WHO_REPORTS) as txn:
            row = txn.session.get_one(Patient, patient.id)
            report_death(txn, row, died_on=yesterday.isoformat(), informant="A sister", relation="sister")
