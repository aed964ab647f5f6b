"""Changing a patient's record: by staff, who must have seen its newest version, and by the patient, for preferences."""

from collections.abc import Mapping
from typing import Any

from backend import audit, clock
from backend.db import Transaction
from backend.errors import InvalidInput, StaleRecord
from backend.partial_dates import is_before_day
from backend.patients import new_numbers
from backend.patients.enrolment import NEEDS_A_NUMBER, check_study_facts
from backend.patients.identifiers import set_identifiers
from backend.patients.models import Patient
from backend.patients.physicians import Physician, set_physician
from backend.patients.turns import take_turn
from backend.protocol.load import protocol_of
from backend.sealing import unseal
from backend.staff.models import Site
from backend.terms import ChannelKind

PREFERENCES = ("language", "time_zone", "channels", "quiet_from", "quiet_to", "preferred_time")
IDENTIFIERS = ("name", "phone", "email")
PHYSICIAN = "referring_physician"
# What the calendar and the analysis hang on: a correction of these says why.
STUDY_FACTS = ("targeted_drug", "consented_on", "randomised_on", "birth_year")


def update_patient(txn: Transaction, patient: Patient, changes: Mapping[str, Any], *, seen_version: int) -> Patient:
    """Change a record that was read at ``seen_version``. Raises ``StaleRecord`` when it has changed since.

    Of two who save at once one goes first; the other is told that the record is stale.
    """
    take_turn(txn, patient)
    if seen_version != patient.version:
        raise StaleRecord()
    _check_corrections(txn, patient, changes)
    before = unseal(txn, patient, "phone_sealed")
    site = txn.session.get_one(Site, patient.site_id)
    set_identifiers(txn, patient, site, _only(changes, IDENTIFIERS))
    if PHYSICIAN in changes:
        set_physician(txn, patient, site, Physician(**changes[PHYSICIAN]) if changes[PHYSICIAN] else None)
    new_numbers.mark_change(txn, patient, before)
    _set(patient, _only(changes, PREFERENCES + STUDY_FACTS))
    _refuse_unreachable(patient)
    if txn.session.is_modified(patient):
        audit.record(txn, "patient.changed", patient, words=changes.get("reason"))
        txn.session.flush()
    new_numbers.tell_of_change(txn, patient, before)
    return patient


def change_preferences(txn: Transaction, patient: Patient, changes: Mapping[str, Any]) -> Patient:
    """The patient's own wishes: language, zone, channels and hours."""
    take_turn(txn, patient)
    _set(patient, _only(changes, PREFERENCES))
    _refuse_unreachable(patient)
    if txn.session.is_modified(patient):
        audit.record(txn, "patient.preferences_changed", patient)
        txn.session.flush()
    return patient


def _refuse_unreachable(patient: Patient) -> None:
    """Texts alone to nobody's number would be silence that looks like care."""
    if patient.phone_sealed is None and ChannelKind.IN_APP not in patient.channels:
        raise InvalidInput(fields={"channels": [NEEDS_A_NUMBER]})


def _check_corrections(txn: Transaction, patient: Patient, changes: Mapping[str, Any]) -> None:
    corrected = {name: value for name, value in _only(changes, STUDY_FACTS).items() if value != getattr(patient, name)}
    if not corrected:
        return
    site = txn.session.get_one(Site, patient.site_id)
    facts = {name: getattr(patient, name) for name in ("arm", *STUDY_FACTS)} | corrected
    today = clock.local_day(txn.now, site.time_zone)
    complaints = check_study_facts(protocol_of(txn, patient.protocol_version_id), site, today, facts)
    if patient.died_on is not None and is_before_day(patient.died_on, facts["randomised_on"]):
        complaints["randomised_on"] = [f"After the patient's death ({patient.died_on})."]
    if not changes.get("reason"):
        complaints["reason"] = ["A correction says why."]
    if complaints:
        raise InvalidInput(fields=complaints)


def _set(patient: Patient, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(patient, name) != value:
            setattr(patient, name, value)


def _only(changes: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: changes[name] for name in names if name in changes}
