"""A patient's days, told report by report, and what became of each term in the queue."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import select, update

from backend.db import Actor, Database, Transaction, system
from backend.patients.models import Patient
from backend.reports.submit import submit_report
from backend.terms import Originator, Respondent
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent
from backend.triage.snoozes import snooze
from tests import people
from tests.conftest import Clock
from tests.sent import answers, submission

NAUSEA, SEIZURE, BLEEDING = "10028813", "10039906", "10055356"


class Diary:
    """Ann's reports, each at a moment in Beijing, through the door that every report takes."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db, self.clock = db, clock
        self.ann = people.ann(db)
        self.person = people.coordinator(db)

    def tells(
        self,
        at: str,
        *,
        measured: dict[str, float] | None = None,
        text: str = "",
        by: str = Respondent.PATIENT,
        **said: int,
    ) -> None:
        """Something is wrong: ``tells("03-02 09:00", nausea__severity=3)``."""
        report = submission(
            self.at(at).isoformat(),
            instrument="ad_hoc",
            respondent=by,
            answers=tuple(answers(**said)),
            measurements=measured or {},
            other_symptoms=({"text": text, "severity": 1},) if text else (),
        )
        with self.db.transaction(Actor(Originator.PATIENT, id=self.ann.id)) as txn:
            submit_report(txn, txn.session.get_one(Patient, self.ann.id), report)

    def nausea(self, at: str, composite: int, by: str = Respondent.PATIENT) -> None:
        """Nausea as bad as this: frequency and severity that make the composite."""
        frequency, severity = {0: (0, 0), 1: (1, 1), 2: (2, 2), 3: (3, 3)}[composite]
        asked = {"nausea__frequency": frequency} | ({"nausea__severity": severity} if frequency else {})
        self.tells(at, by=by, **asked)

    def does(self, at: str, act: Callable[[Transaction, CandidateEvent], Any], about: str = NAUSEA) -> None:
        """The coordinator decides about the term's running candidate."""
        self.at(at)
        with self.db.transaction(self.person.actor) as txn:
            act(txn, self._running(txn, about))

    def is_acknowledged(self, at: str, about: str = NAUSEA) -> None:
        """The coordinator takes note."""
        self.does(at, acknowledge, about)

    def is_expected(self, at: str, until: str, about: str = NAUSEA) -> None:
        """The coordinator expects it as it is, until a day: ``is_expected("03-01 09:00", "04-15")``."""
        self.does(at, partial(snooze, until=date.fromisoformat(f"2027-{until}")), about)

    def is_closed(self, about: str = NAUSEA, status: str = "dismissed") -> None:
        """A person has judged it, without the door that will do so."""
        with self.db.transaction(system("test")) as txn:
            row = self._running(txn, about)
            txn.session.execute(update(CandidateEvent).where(CandidateEvent.id == row.id).values(status=status))

    def candidates(self, about: str | None = NAUSEA) -> list[CandidateEvent]:
        """Every candidate about a term, the first one first."""
        with self.db.reading(system("test")) as txn:
            rows = txn.session.scalars(select(CandidateEvent).where(CandidateEvent.term_code == about))
            found = sorted(rows, key=lambda row: (row.opened_at, row.is_running))
            txn.session.expunge_all()
        return found

    def candidate(self, about: str = NAUSEA) -> CandidateEvent:
        """The one there is."""
        (only,) = self.candidates(about)
        return only

    def at(self, moment: str) -> datetime:
        """It is that time in Beijing, in 2027."""
        text = f"2027-{moment}:00+08:00".replace(" ", "T")
        self.clock.move_to(text)
        return datetime.fromisoformat(text)

    def _running(self, txn: Transaction, about: str) -> CandidateEvent:
        wanted = select(CandidateEvent).where(CandidateEvent.term_code == about, CandidateEvent.is_running)
        return txn.session.scalars(wanted).one()
