"""The physician who referred a patient: whom a site asks when neither the patient nor the family can be reached.

Name and number are identifiers of the patient's: sealed under the patient's key, and forgotten with it. The number is
looked up by nobody, because a text from it says nothing about one patient.
"""

from dataclasses import dataclass

from backend.db import Transaction
from backend.patients.models import Patient
from backend.phones import e164
from backend.sealing import seal, unseal
from backend.staff.models import Site


@dataclass(frozen=True)
class Physician:
    """Who referred the patient; ``phone`` is None where only the name is known."""

    name: str
    phone: str | None


def set_physician(txn: Transaction, patient: Patient, site: Site, given: Physician | None) -> None:
    """Seal what is given and differs; None takes the physician away. Who calls it audits the patient's record.

    Raises ``InvalidInput`` for a number that nobody can call.
    """
    phone = e164(given.phone, site.phone_region, field="referring_physician.phone") if given and given.phone else None
    for column, value in (("physician_name_sealed", given.name if given else None), ("physician_phone_sealed", phone)):
        if unseal(txn, patient, column) != value:
            setattr(patient, column, seal(txn, patient, column, value))


def physician_of(txn: Transaction, patient: Patient) -> Physician | None:
    """The physician by name. Who shows it to a person notes the reading as one of the patient's identifiers."""
    name, phone = (unseal(txn, patient, f"physician_{word}_sealed") for word in ("name", "phone"))
    return Physician(name, phone) if name else None
