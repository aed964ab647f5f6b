"""Patients and the people around them: attested, keyed, found by their numbers, and signed in once."""

from collections.abc import Iterable, Iterator

from sqlalchemy import and_, func, or_, select

from backend.db import Transaction
from backend.errors import WrongDataKey
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.models import ActivationCode, Caregiver, Device, Enrolment, Patient
from backend.sealing import DataKey, keyring_of, unseal
from backend.staff.models import Site, StaffAuthenticator, StaffMember
from backend.terms import PatientStatus

Person = Patient | Caregiver | StaffMember
LOOKED_UP: tuple[type[Person], ...] = (Patient, Caregiver, StaffMember)
_unused = and_(ActivationCode.used_at.is_(None), ActivationCode.voided_at.is_(None))


def keyless(txn: Transaction) -> Iterator[str]:
    """Patients and sites whose data key is gone without anybody having forgotten them."""
    keys = set(txn.session.scalars(select(DataKey.owner_id)))
    for table in (Site, Patient):
        for row_id in txn.session.scalars(select(table.id).order_by(table.id)):
            if row_id not in keys:
                yield f"{table.__tablename__} {row_id}"


def unknown_master_keys(txn: Transaction) -> Iterator[str]:
    """Data keys that no configured master key opens."""
    for row in txn.session.scalars(select(DataKey).where(DataKey.forgotten_at.is_(None))):
        try:
            keyring_of(txn).unwrap(row)
        except WrongDataKey:
            yield str(row.owner_id)


def wrongly_indexed(txn: Transaction) -> Iterator[str]:
    """Rows whose number would not be found by looking it up, or is found as another's."""
    forgotten = set(txn.session.scalars(select(DataKey.owner_id).where(DataKey.forgotten_at.is_not(None))))
    for table in LOOKED_UP:
        rows: Iterable[Person] = txn.session.scalars(select(table).order_by(table.id).execution_options(yield_per=500))
        for row in rows:
            if row.key_owner_id in forgotten:
                is_right = row.phone_index is None
            else:
                is_right = row.phone_index == _index_of(txn, row)
            if not is_right:
                yield f"{table.__tablename__} {row.id}"


def _index_of(txn: Transaction, row: Person) -> str | None:
    try:
        number = unseal(txn, row, "phone_sealed")
    except WrongDataKey:
        return "a number that does not open"
    return keyring_of(txn).blind_index("phone", number) if number else None


def misnumbered(txn: Transaction) -> Iterator[str]:
    """Subject numbers that are not their site's, or that the site would give out again."""
    rows = select(Patient.id, Patient.subject_number, Site).join(Site, Site.id == Patient.site_id)
    for patient_id, subject_number, site in txn.session.execute(rows.order_by(Patient.subject_number)):
        prefix, _, number = subject_number.partition("-")
        if prefix != site.subject_prefix or not number.isdecimal() or int(number) > site.last_subject:
            yield str(patient_id)


INVARIANTS = (
    Invariant("patients.keys", "Every patient and every site has a data key", keyless),
    Invariant("patients.master_keys", "Every data key opens with a configured master key", unknown_master_keys),
    Invariant(
        "patients.enrolment",
        "Every patient's eligibility was attested",
        ids_of(
            lambda: (
                select(Patient.id)
                .outerjoin(Enrolment, Enrolment.patient_id == Patient.id)
                .where(Enrolment.id.is_(None))
            )
        ),
    ),
    Invariant("patients.numbers", "Every subject number is of the patient's site and given out once", misnumbered),
    Invariant("patients.phones", "Every number is found by looking it up, and no forgotten one is", wrongly_indexed),
    Invariant(
        "patients.codes",
        "No patient has two activation codes that still work",
        ids_of(
            lambda: (
                select(ActivationCode.patient_id)
                .where(_unused)
                .group_by(ActivationCode.patient_id)
                .having(func.count() > 1)
            )
        ),
    ),
    Invariant(
        "patients.dead_codes",
        "Nobody can sign a phone in for a patient who has died",
        ids_of(
            lambda: (
                select(ActivationCode.id)
                .join(Patient, Patient.id == ActivationCode.patient_id)
                .where(_unused, Patient.status == PatientStatus.DIED)
            )
        ),
    ),
    Invariant(
        "patients.devices",
        "No patient has two phones signed in",
        ids_of(
            lambda: (
                select(Device.patient_id)
                .where(Device.signed_out_at.is_(None))
                .group_by(Device.patient_id)
                .having(func.count() > 1)
            )
        ),
    ),
    Invariant(
        "staff.authenticators",
        "Nobody has two second factors in force",
        ids_of(
            lambda: (
                select(StaffAuthenticator.staff_id)
                .where(StaffAuthenticator.confirmed_at.is_not(None), StaffAuthenticator.ended_at.is_(None))
                .group_by(StaffAuthenticator.staff_id)
                .having(func.count() > 1)
            )
        ),
    ),
    Invariant(
        "patients.ended",
        "Whoever has left the study has a date of leaving",
        ids_of(
            lambda: select(Patient.id).where(
                or_(
                    and_(Patient.status == PatientStatus.WITHDRAWN, Patient.withdrawn_from_study_on.is_(None)),
                    and_(
                        Patient.status == PatientStatus.WITHDRAWN_FROM_REPORTING,
                        Patient.withdrawn_from_reporting_on.is_(None),
                    ),
                )
            )
        ),
    ),
)
