"""Ann, Ben and those who look after them. Factories default everything; a test says only what matters to it."""

import itertools
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from backend.db import Actor, Database, RoleAtSite, Transaction, system
from backend.patients.caregivers import CaregiverForm
from backend.patients.enrolment import EnrolmentForm, enrol
from backend.patients.models import Patient
from backend.patients.sign_in import activate, issue_code
from backend.staff.members import create_member
from backend.staff.models import Site
from backend.staff.sessions import start_session
from backend.staff.sites import create_site, find_site
from backend.terms import Originator, Role

PASSWORD = "correct horse battery staple"
ANNS_PHONE = "+8613800138000"
BENS_PHONE = "+8613800138001"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in: who they are, and the header that says so."""

    id: UUID
    headers: dict[str, str]
    actor: Actor
    email: str = ""


def eligible(**changes: Any) -> dict[str, Any]:
    """An attestation that meets every criterion, but for the changes."""
    attested: dict[str, Any] = {
        "bclc_c": True,
        "child_pugh_score": 6,
        "ecog": 1,
        "alt_u_l": 80,
        "ast_u_l": 90,
        "total_bilirubin_umol_l": 20,
        "creatinine_clearance_ml_min": 90,
        "platelets_e9_l": 120,
        "wbc_e9_l": 4.5,
        "haemoglobin_g_l": 120,
        "cardiac_normal": True,
        "survival_over_6_months": True,
        "hepatitis_treated": True,
        "on_targeted_drug": True,
        "donor_available": True,
        "consent_signed": True,
        "exclusions": {
            "pregnant_or_breast_feeding": False,
            "coinfection": False,
            "serious_complication_30_days": False,
            "serious_other_disease": False,
            "cell_therapy_or_pd1_6_months": False,
            "other": False,
        },
        "override_reason": None,
    }
    return attested | changes


def enrolment_body(**changes: Any) -> dict[str, Any]:
    """What a coordinator sends to enrol Ann, but for the changes."""
    body: dict[str, Any] = {
        "site": "site-01",
        "arm": "nk",
        "targeted_drug": "sorafenib",
        "consented_on": "2027-02-20",
        "randomised_on": "2027-02-25",
        "birth_year": 1961,
        "name": "Ann Zhang",
        "phone": ANNS_PHONE,
        "language": "en",
        "time_zone": "Asia/Shanghai",
        "channels": ["in_app", "sms"],
        "caregivers": [],
        "eligibility": eligible(),
    }
    return body | changes


ANN = EnrolmentForm(
    arm="nk",
    targeted_drug="sorafenib",
    consented_on=date(2027, 2, 20),
    randomised_on=date(2027, 2, 25),
    birth_year=1961,
    name="Ann Zhang",
    phone=ANNS_PHONE,
    language="en",
    eligibility=eligible(),
)
# Ben has no app, shares a phone with his sister, and she is his caregiver.
BEN = replace(
    ANN,
    arm="control",
    targeted_drug="lenvatinib",
    birth_year=1955,
    name="Ben Wu",
    phone=BENS_PHONE,
    language="zh-CN",
    channels=("sms",),
    caregivers=(
        CaregiverForm(name="Wu Mei", phone=BENS_PHONE, relation="sister", may_report=True, may_confirm_survival=True),
    ),
)


def ann(db: Database, site: str = "site-01", **changes: Any) -> Patient:
    """Ann: uses the app, in the arm with cells."""
    return enrolled(db, replace(ANN, **changes), site)


def ben(db: Database, site: str = "site-01", **changes: Any) -> Patient:
    """Ben: text messages only, in the control arm."""
    return enrolled(db, replace(BEN, **changes), site)


def enrolled(db: Database, form: EnrolmentForm, site: str = "site-01") -> Patient:
    """A patient enrolled by the system, detached: its attributes can be read, its record is fetched anew."""
    with db.transaction(system("test")) as txn:
        patient = enrol(txn, site_row(txn, site), form)
        txn.session.flush()
        txn.session.refresh(patient)
        txn.session.expunge(patient)
    return patient


def coordinator(db: Database, site: str = "site-01") -> Person:
    """A coordinator of the site."""
    return member(db, Role.COORDINATOR, site)


def investigator(db: Database, site: str = "site-01") -> Person:
    """An investigator of the site."""
    return member(db, Role.INVESTIGATOR, site)


def principal_investigator(db: Database, site: str = "site-01") -> Person:
    """The principal investigator of the site."""
    return member(db, Role.PRINCIPAL_INVESTIGATOR, site)


def monitor(db: Database, site: str = "*") -> Person:
    """A monitor, of every site unless one is named."""
    return member(db, Role.MONITOR, site)


def administrator(db: Database, site: str = "*") -> Person:
    """An administrator, of every site unless one is named."""
    return member(db, Role.ADMINISTRATOR, site)


def member(db: Database, role: Role, site: str) -> Person:
    """Somebody new with this role at this site, signed in."""
    email = f"{role}.{next(_numbers)}@example.org"
    with db.transaction(system("test")) as txn:
        held = RoleAtSite(role, None if site == "*" else site_row(txn, site).id)
        made = create_member(txn, email=email, name=f"{role} of {site}", password=PASSWORD, roles=[held])
        token = start_session(txn, made).access_token
        actor = Actor(Originator.SITE, id=made.id, roles=(held,))
    return Person(actor_id(actor), bearer(token), actor, email)


def phone_of(db: Database, patient: Patient) -> Person:
    """The patient's phone, signed in."""
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        token = activate(txn, issue_code(txn, row).code, row.birth_year, "a phone of a test").access_token
        actor = Actor(Originator.PATIENT, id=row.id, name=row.subject_number)
    return Person(actor_id(actor), bearer(token), actor)


def site_row(txn: Transaction, code: str) -> Site:
    """The site, opened when it is not there yet."""
    return find_site(txn, code) or create_site(
        txn,
        code=code,
        name=f"Hospital {code}",
        time_zone="Asia/Shanghai",
        emergency_phone="+86 10 6693 1000",
        office_phone="+86 10 6693 2000",
    )


def bearer(token: str) -> dict[str, str]:
    """The header of a request by whoever holds the token."""
    return {"Authorization": f"Bearer {token}"}


def actor_id(actor: Actor) -> UUID:
    """Everybody who is signed in has an id."""
    assert actor.id is not None
    return actor.id
