"""Who asks and for what: tokens of every role, and ids that exist.

Ids that are made up lead to 404 and no further, so half of them are read from the database that is served.
"""

from contextlib import suppress
from http import HTTPStatus
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from backend.adverse_events.models import AdverseEvent
from backend.agenda.history import agenda_of
from backend.db import Actor, Database, RoleAtSite, Transaction, system
from backend.errors import NoLongerPossible
from backend.instruments.models import InstrumentVersion
from backend.patients.models import Patient
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.staff.members import ROLES_FOR_EVERY_SITE, create_member
from backend.staff.models import Site, StaffMember
from backend.staff.sign_in import start_session
from backend.survival.models import DeathReport
from backend.terms import Originator, Role
from backend.triage.models import CandidateEvent
from backend.worklist.models import WorkItem
from notifications.models import InboundMessage
from tests.people import PASSWORD, Person, bearer, phone_of

SEVERAL_PHONES = 3
READ_AGAIN_AFTER = 400
SOME_PATIENTS = 12
OF_ANY_PATIENT = {
    "candidate_id": CandidateEvent.id,
    "correction_id": ReportCorrection.id,
    "event_id": AdverseEvent.id,
    "item_id": WorkItem.id,
    "inbound_id": InboundMessage.id,
    "site": Site.code,
    "name": InstrumentVersion.name,
}

Ids = dict[str, list[Any]]


class Places:
    """What exists in the served database, read again now and then because the requests change it."""

    def __init__(self, db: Database, luck: Random) -> None:
        self._db = db
        self._luck = luck
        self._asked = 0
        self._staff: dict[Role, Person] = {role: everywhere(db, role) for role in Role}
        self._phones: dict[UUID, Person] = {}
        # Where a role was refused once it is seldom sent again: otherwise half of all answers would be 403.
        self._refused: set[tuple[str, UUID]] = set()
        self._ids: Ids = {}
        self._of_patients: dict[UUID, Ids] = {}
        self._read()
        for patient_id in sorted(self._of_patients, key=str):
            if len(self._phones) < SEVERAL_PHONES:
                self._sign_in_a_phone(patient_id)

    def someone(self, label: str) -> Person | None:
        """Who sends the next request: mostly somebody whose kind of door it is, at times anybody, at times nobody."""
        if self._luck.random() < 0.05:
            return None
        if label.endswith("/auth/session"):
            return everywhere(self._db, self._luck.choice(list(Role)))
        is_for_phones = "/api/v1/me" in label
        if (self._luck.random() < 0.9) is is_for_phones:
            return self._luck.choice(list(self._phones.values()))
        everyone = list(self._staff.values())
        welcome = [one for one in everyone if (label, one.id) not in self._refused]
        return self._luck.choice(welcome if welcome and self._luck.random() < 0.9 else everyone)

    def learn(self, label: str, who: Person, status: int) -> None:
        """What an answer says of whoever asked."""
        if status == HTTPStatus.FORBIDDEN:
            self._refused.add((label, who.id))
        if status == HTTPStatus.UNAUTHORIZED:
            self._renew(who)

    def _renew(self, who: Person) -> None:
        """A request has ended this person's session, which a request may."""
        if who.id in self._phones:
            self._sign_in_a_phone(who.id)
        for role, one in self._staff.items():
            if one.id == who.id:
                self._staff[role] = everywhere(self._db, role)

    def ids_for(self, label: str, who: Person | None, names: set[str]) -> dict[str, Any]:
        """Ids that exist and belong together, for the names in an address."""
        self._asked += 1
        if self._asked % READ_AGAIN_AFTER == 0:
            self._read()
        patient_id = who.id if who and who.id in self._phones else self._luck.choice(list(self._of_patients))
        known = self._ids | self._of_patients[patient_id] | {"patient_id": [patient_id], "number": [1, 2]}
        if "death-reports/{report_id}" in label:
            known["report_id"] = self._ids["death_report_id"]
        return {name: str(self._luck.choice(known[name])) for name in names if known.get(name)}

    def _sign_in_a_phone(self, patient_id: UUID) -> None:
        with self._db.reading(system("fuzz")) as txn:
            patient = txn.session.get_one(Patient, patient_id)
            txn.session.expunge(patient)
        # Nobody's phone is signed in any more after a death.
        with suppress(NoLongerPossible):
            self._phones[patient_id] = phone_of(self._db, patient)

    def _read(self) -> None:
        with self._db.reading(system("fuzz")) as txn:
            self._ids = {name: _all(txn, column) for name, column in OF_ANY_PATIENT.items()}
            self._ids["death_report_id"] = _all(txn, DeathReport.id)
            ours = {one.id for one in self._staff.values()}
            self._ids["staff_id"] = [one for one in _all(txn, StaffMember.id) if one not in ours]
            self._of_patients = {
                row.id: {"report_id": _reports(txn, row), "key": list(_keys(txn, row))} for row in self._patients(txn)
            }

    def _patients(self, txn: Transaction) -> list[Patient]:
        """The first ones, who have the longest past, and those whose phones ask."""
        first = txn.session.scalars(select(Patient).order_by(Patient.enrolled_at, Patient.id).limit(SOME_PATIENTS))
        asking = txn.session.scalars(select(Patient).where(Patient.id.in_(self._phones)))
        return [*first, *asking]


def everywhere(db: Database, role: Role) -> Person:
    """Somebody new, signed in, with this role at every site there is."""
    with db.transaction(system("fuzz")) as txn:
        sites = [None] if role in ROLES_FOR_EVERY_SITE else list(txn.session.scalars(select(Site.id)))
        held = [RoleAtSite(role, site_id) for site_id in sites]
        email = f"{uuid4()}@example.org"
        made = create_member(txn, email=email, name=f"{role} everywhere", password=PASSWORD, roles=held)
        token = start_session(txn, made).access_token
        return Person(made.id, bearer(token), Actor(Originator.SITE, id=made.id, roles=tuple(held)), email)


def _all(txn: Transaction, column: Any) -> list[Any]:
    return sorted(set(txn.session.scalars(select(column))), key=str)


def _reports(txn: Transaction, patient: Patient) -> list[UUID]:
    return list(txn.session.scalars(select(SymptomReport.id).where(SymptomReport.patient_id == patient.id)))


def _keys(txn: Transaction, patient: Patient) -> list[str]:
    return [item.key for item in agenda_of(txn, patient)]
