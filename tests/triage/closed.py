"""A patient with candidate events of several kinds, and people who close them, through the doors."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.clock import now as clock_now
from backend.db import Actor, Database, system
from backend.fsck import closed, triage
from backend.patients.models import Patient
from backend.reports.submit import submit_report
from backend.staff.models import StaffMember
from backend.staff.sessions import start_session
from backend.terms import Originator
from backend.triage.models import CandidateEvent
from tests import people
from tests.conftest import Clock
from tests.sent import answers, submission

API = "/api/v1"


class Ward:
    """Ann has reported; a coordinator and an investigator of her site decide."""

    def __init__(self, db: Database, client: Any, clock: Clock, patient: Patient | None = None) -> None:
        self.db, self.client, self.clock = db, client, clock
        self.ann = patient or people.ann(db)
        self.coordinator, self.physician = people.coordinator(db), people.investigator(db)

    def later(self, moment: str) -> None:
        """It is that time in Beijing, in 2027; those who decide have signed in again."""
        self.clock.move_to(f"2027-{moment}:00+08:00".replace(" ", "T"))
        self.coordinator, self.physician = self._again(self.coordinator), self._again(self.physician)

    def tells(self, text: str = "", **said: int) -> None:
        """Ann sends a report: ``tells(checklist__seizure=1)``."""
        report = submission(
            clock_now().isoformat(),
            instrument="ad_hoc",
            answers=tuple(answers(**said)),
            other_symptoms=({"text": text, "severity": 1},) if text else (),
        )
        with self.db.transaction(Actor(Originator.PATIENT, id=self.ann.id)) as txn:
            submit_report(txn, txn.session.get_one(Patient, self.ann.id), report)

    def signs(self, *danger_signs: str) -> None:
        """She says yes to danger signs: ``signs("seizure")``."""
        self.tells(**{f"checklist__{sign}": 1 for sign in danger_signs})

    def at(self, tier: str) -> str:
        """The address of the latest candidate of a tier."""
        with self.db.reading(system("test")) as txn:
            rows = select(CandidateEvent.id).where(
                CandidateEvent.tier == tier, CandidateEvent.patient_id == self.ann.id
            )
            found = txn.session.scalars(rows.order_by(CandidateEvent.opened_at.desc())).first()
        return f"{API}/candidate-events/{found}"

    def does(self, person: people.Person, at: str, what: str, **body: Any) -> Any:
        """Somebody acts on a candidate; gives the whole answer."""
        return self.client.post(f"{at}/{what}", json=body, headers=person.headers)

    def row(self, at: str) -> CandidateEvent:
        """The candidate as it stands."""
        with self.db.reading(system("test")) as txn:
            found = txn.session.get_one(CandidateEvent, _id(at))
            txn.session.expunge(found)
        return found

    def shown(self, at: str) -> Any:
        """The candidate as the coordinator sees it."""
        return self.client.get(at, headers=self.coordinator.headers).json

    def broken(self) -> list[str]:
        """The invariants of triage that do not hold."""
        with self.db.reading(system("test")) as txn:
            return [one.name for one in (*triage.INVARIANTS, *closed.INVARIANTS) if list(one.find(txn))]

    def _again(self, person: people.Person) -> people.Person:
        with self.db.transaction(system("test")) as txn:
            token = start_session(txn, txn.session.get_one(StaffMember, person.id)).access_token
        return replace(person, headers=people.bearer(token))


def _id(at: str) -> UUID:
    return UUID(at.rsplit("/", 1)[-1])
