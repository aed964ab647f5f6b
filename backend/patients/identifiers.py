"""What names a patient: kept sealed, opened on purpose, and every opening by a person noted."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from backend import audit
from backend.db import Transaction
from backend.patients.models import Patient
from backend.phones import e164
from backend.sealing import keyring_of, seal, unseal
from backend.staff.models import Site


@dataclass(frozen=True)
class Identifiers:
    """A patient by name."""

    name: str | None
    phone: str | None
    email: str | None


def set_identifiers(txn: Transaction, patient: Patient, site: Site, given: Mapping[str, str | None]) -> None:
    """Seal what is given and differs. The phone also gets its look-up index."""
    wanted = dict(given)
    if wanted.get("phone"):
        wanted["phone"] = e164(str(wanted["phone"]), site.phone_region)
    for name, value in wanted.items():
        if unseal(txn, patient, f"{name}_sealed") != value:
            setattr(patient, f"{name}_sealed", seal(txn, patient, f"{name}_sealed", value))
    if "phone" in wanted:
        phone = wanted["phone"]
        patient.phone_index = keyring_of(txn).blind_index("phone", phone) if phone else None


def identifiers_of(txn: Transaction, patient: Patient) -> Identifiers:
    """The patient by name. Who shows it to a person also leaves ``note_reading``."""
    return Identifiers(*(unseal(txn, patient, f"{name}_sealed") for name in ("name", "phone", "email")))


def note_reading(txn: Transaction, patient_id: UUID) -> None:
    """That the actor saw this patient's identifiers: written once the read itself has ended."""
    audit.note(txn, "patient.identifiers_read", txn.session.get_one(Patient, patient_id))
