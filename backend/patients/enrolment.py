"""Enrolling a patient: everything is checked and complained about at once, or everything is kept together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from sqlalchemy import update

from backend import audit, clock
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients import deviations, eligibility
from backend.patients.caregivers import CaregiverForm, name_caregiver
from backend.patients.identifiers import set_identifiers
from backend.patients.life import add_evidence
from backend.patients.models import Enrolment, Patient
from backend.patients.physicians import Physician, set_physician
from backend.phones import e164
from backend.protocol.definition import Protocol
from backend.protocol.effects import version_in_effect
from backend.protocol.load import protocol_of
from backend.sealing import make_data_key, seal
from backend.staff.models import Site
from backend.terms import ChannelKind, EvidenceSource, Language, PatientStatus, Role

LONGEST_REASON = 4_000
OLDEST = 120
NEEDS_A_NUMBER = "Who is reached by text alone needs a telephone number."


@dataclass(frozen=True, kw_only=True)
class EnrolmentForm:
    """What a coordinator enters. Times and zone left out mean the study's and the site's."""

    arm: str
    targeted_drug: str
    consented_on: date
    randomised_on: date
    birth_year: int
    name: str
    eligibility: Mapping[str, Any]
    phone: str | None = None
    email: str | None = None
    language: str = Language.CHINESE
    time_zone: str | None = None
    channels: Sequence[str] = (ChannelKind.IN_APP, ChannelKind.SMS)
    quiet_from: time | None = None
    quiet_to: time | None = None
    preferred_time: time | None = None
    referring_physician: Physician | None = None
    caregivers: Sequence[CaregiverForm] = field(default=())


def enrol(txn: Transaction, site: Site, form: EnrolmentForm) -> Patient:
    """Enrol a patient at a site, under the newest version of the protocol that holds there.

    Raises ``InvalidInput`` with every complaint. A number outside its bound passes only with a reason given by
    a principal investigator, and is then kept as an important deviation.
    """
    version = version_in_effect(txn, site.id, clock.local_day(txn.now, site.time_zone))
    overridden = _check(txn, site, protocol_of(txn, version.id), form)
    patient = Patient(
        site_id=site.id,
        protocol_version_id=version.id,
        subject_number=_next_subject_number(txn, site),
        arm=form.arm,
        targeted_drug=form.targeted_drug,
        consented_on=form.consented_on,
        randomised_on=form.randomised_on,
        birth_year=form.birth_year,
        enrolled_at=txn.now,
        language=form.language,
        time_zone=form.time_zone or site.time_zone,
        channels=list(form.channels),
        quiet_from=form.quiet_from,
        quiet_to=form.quiet_to,
        preferred_time=form.preferred_time,
        status=PatientStatus.ON_STUDY,
    )
    make_data_key(txn, patient.id)
    _seal_names(txn, patient, site, form)
    audit.record(txn, "patient.enrolled", patient)
    txn.session.flush()
    _keep_attestation(txn, patient, form, overridden)
    for caregiver in form.caregivers:
        name_caregiver(txn, patient, site, caregiver)
    add_evidence(txn, patient, as_of=form.consented_on, source=EvidenceSource.VISIT, reference="consent")
    add_evidence(txn, patient, as_of=form.randomised_on, source=EvidenceSource.VISIT, reference="randomisation")
    return patient


def _seal_names(txn: Transaction, patient: Patient, site: Site, form: EnrolmentForm) -> None:
    set_identifiers(txn, patient, site, {"name": form.name, "phone": form.phone, "email": form.email})
    set_physician(txn, patient, site, form.referring_physician)


def check_study_facts(protocol: Protocol, site: Site, today: date, facts: Mapping[str, Any]) -> eligibility.Complaints:
    """Complaints about the facts the whole calendar hangs on: arm, drug, dates and year of birth."""
    complaints: eligibility.Complaints = {}
    if facts["arm"] not in protocol.arms:
        complaints["arm"] = [f"One of {', '.join(protocol.arms)}."]
    if facts["targeted_drug"] not in protocol.drugs_to_choose:
        complaints["targeted_drug"] = [f"One of {', '.join(protocol.drugs_to_choose)}."]
    if facts["randomised_on"] > today:
        complaints["randomised_on"] = ["This day is still to come at the site."]
    if facts["consented_on"] > facts["randomised_on"]:
        complaints["consented_on"] = ["Consent comes before randomisation."]
    if not facts["consented_on"].year - OLDEST <= facts["birth_year"] <= facts["consented_on"].year:
        complaints["birth_year"] = ["Nobody of this age can be enrolled."]
    return complaints


def _check(txn: Transaction, site: Site, protocol: Protocol, form: EnrolmentForm) -> eligibility.Complaints:
    """Raise every complaint at once; return the numbers outside their bounds that were overridden."""
    complaints = check_study_facts(protocol, site, clock.local_day(txn.now, site.time_zone), vars(form))
    complaints |= _about_numbers_to_call(site, form)
    arms = frozenset({form.arm} if form.arm in protocol.arms else protocol.arms)
    found = eligibility.check(protocol.criteria, arms, form.eligibility)
    complaints |= found.refused
    complaints |= _about_override(txn, site, form.eligibility.get(eligibility.OVERRIDE), found.outside)
    if complaints:
        raise InvalidInput(fields=complaints)
    return found.outside


def _about_override(
    txn: Transaction, site: Site, reason: Any, outside: eligibility.Complaints
) -> eligibility.Complaints:
    """Numbers outside their bounds stand as complaints unless a principal investigator gives a reason."""
    path = f"eligibility.{eligibility.OVERRIDE}"
    if reason is None:
        return outside
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= LONGEST_REASON:
        return outside | {path: ["A reason in words is needed."]}
    if not _is_principal_investigator(txn, site):
        return outside | {path: ["Only the site's principal investigator may override."]}
    return {}


def _is_principal_investigator(txn: Transaction, site: Site) -> bool:
    return any(held.role is Role.PRINCIPAL_INVESTIGATOR and held.site_id == site.id for held in txn.actor.roles)


def _about_numbers_to_call(site: Site, form: EnrolmentForm) -> eligibility.Complaints:
    numbers = {f"caregivers.{place}.phone": given.phone for place, given in enumerate(form.caregivers)}
    if form.phone is not None:
        numbers["phone"] = form.phone
    if form.referring_physician is not None and form.referring_physician.phone is not None:
        numbers["referring_physician.phone"] = form.referring_physician.phone
    complaints: eligibility.Complaints = {}
    if form.phone is None and ChannelKind.IN_APP not in form.channels:
        complaints["phone"] = [NEEDS_A_NUMBER]
    for path, number in numbers.items():
        try:
            e164(number, site.phone_region, field=path)
        except InvalidInput as wrong:
            complaints |= wrong.fields
    return complaints


def _next_subject_number(txn: Transaction, site: Site) -> str:
    """``01-0001`` and so on. The row stays locked until this enrolment ends, so numbers neither repeat nor skip."""
    counted = update(Site).where(Site.id == site.id).values(last_subject=Site.last_subject + 1)
    number = txn.session.scalars(counted.returning(Site.last_subject)).one()
    return f"{site.subject_prefix}-{number:04d}"


def _keep_attestation(
    txn: Transaction, patient: Patient, form: EnrolmentForm, overridden: eligibility.Complaints
) -> None:
    reason = form.eligibility.get(eligibility.OVERRIDE)
    attested = {name: value for name, value in form.eligibility.items() if name != eligibility.OVERRIDE}
    enrolment = Enrolment(
        patient_id=patient.id,
        site_id=patient.site_id,
        eligibility=attested,
        attested_by=txn.actor.id,
        attested_at=txn.now,
    )
    enrolment.override_reason_sealed = seal(txn, enrolment, "override_reason_sealed", reason)
    audit.record(txn, "enrolment.attested", enrolment)
    for path in sorted(overridden):
        deviations.record(
            txn,
            patient,
            "eligibility_override",
            on=form.randomised_on,
            subject=path,
            important=True,
            reason=str(reason),
        )
    txn.session.flush()
