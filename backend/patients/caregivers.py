"""Relatives and friends whom the patient named."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.among import among
from backend.db import Transaction
from backend.patients.models import Caregiver, Patient
from backend.phones import e164
from backend.sealing import keyring_of, seal, unseal
from backend.staff.models import Site

# Asked before every message and every plan, and so put together once.
_STANDING = (
    select(Caregiver)
    .where(among(Caregiver.patient_id, "whose"), Caregiver.ended_at.is_(None))
    .order_by(Caregiver.named_at, Caregiver.id)
)


@dataclass(frozen=True, kw_only=True)
class CaregiverForm:
    """What a patient says of a caregiver."""

    name: str
    phone: str
    relation: str
    may_report: bool = False
    may_confirm_survival: bool = False


@dataclass(frozen=True)
class NamedCaregiver:
    """A caregiver, opened."""

    row: Caregiver
    name: str | None
    phone: str | None
    relation: str | None


def name_caregiver(txn: Transaction, patient: Patient, site: Site, form: CaregiverForm) -> Caregiver:
    """Keep a caregiver whom the patient named, sealed under the patient's key."""
    phone = e164(form.phone, site.phone_region)
    caregiver = Caregiver(
        patient_id=patient.id,
        site_id=patient.site_id,
        phone_index=keyring_of(txn).blind_index("phone", phone),
        may_report=form.may_report,
        may_confirm_survival=form.may_confirm_survival,
        named_at=txn.now,
    )
    caregiver.name_sealed = seal(txn, caregiver, "name_sealed", form.name)
    caregiver.phone_sealed = seal(txn, caregiver, "phone_sealed", phone)
    caregiver.relation_sealed = seal(txn, caregiver, "relation_sealed", form.relation)
    audit.record(txn, "caregiver.named", caregiver)
    txn.session.flush()
    return caregiver


def caregivers_of(txn: Transaction, patient: Patient) -> Sequence[Caregiver]:
    """Whom the patient has named and not taken back, in the order of naming."""
    return caregivers_of_all(txn, [patient.id])[patient.id]


def caregivers_of_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Caregiver]]:
    """By patient, the same for many at once."""
    named: dict[UUID, list[Caregiver]] = {patient_id: [] for patient_id in patient_ids}
    for caregiver in txn.session.scalars(_STANDING, {"whose": patient_ids}):
        named[caregiver.patient_id].append(caregiver)
    return named


def opened(txn: Transaction, caregiver: Caregiver) -> NamedCaregiver:
    """The caregiver by name. Who shows it to a person notes the reading as one of the patient's identifiers."""
    name, phone, relation = (unseal(txn, caregiver, f"{column}_sealed") for column in ("name", "phone", "relation"))
    return NamedCaregiver(caregiver, name, phone, relation)
